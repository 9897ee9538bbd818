# SPDX-License-Identifier: Apache-2.0
"""What the keeper has set: it is kept, and tried."""

from dataclasses import replace

from mokanda_firmware.bus.requests import Request
from mokanda_firmware.modem.allowance import Allowance
from mokanda_firmware.modem.keeping import refusal_if_not_kept
from mokanda_firmware.modem.settings import MAX_APN, MAX_CODE, MAX_LOGIN, Settings
from mokanda_firmware.modem.workers import Workers


class Configuring:
    """Keeps settings."""

    def __init__(self, workers: Workers, allowance: Allowance) -> None:
        self._workers = workers
        self._allowance = allowance

    def configure(self, request: Request) -> None:
        """Keep access point and roaming, and try them."""
        _keep(
            Settings.read().changed(
                apn=request.text("apn", MAX_APN),
                username=request.text("username", MAX_LOGIN),
                password=request.text("password", MAX_LOGIN),
                roaming=request.flag("roaming"),
            )
        )
        self._allowance.forgive()
        request.reply()
        for worker in self._workers:
            worker.do(worker.modem.look)


def configure_balance(request: Request) -> None:
    """Keep by which code the keeper has the balance asked for, and whether once a day."""
    _keep(
        replace(
            Settings.read(),
            balance_code=request.text("code", MAX_CODE),
            balance_daily=request.flag("daily"),
        )
    )
    request.reply()


def _keep(settings: Settings) -> None:
    settings.check()
    with refusal_if_not_kept():
        settings.keep()
