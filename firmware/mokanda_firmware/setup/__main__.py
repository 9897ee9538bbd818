# SPDX-License-Identifier: Apache-2.0
"""Setup, from the command line: runs at each start, at a request, when the relay has answered."""

import argparse
import logging
import os
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from mokanda_firmware.bus import service
from mokanda_firmware.bus.requests import Request, RequestError, Requests
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.bus.statuses import SetupStatus
from mokanda_firmware.setup import claim, keeper, result, wifi, wipe
from mokanda_firmware.setup.wifi import Wifi
from mokanda_wire import claimfile

# The page that says what happens has to reach the phone before its Wi-Fi goes.
_GRACE_SECONDS = 4.0
_MAX_TEXT = 1000  # characters of a setting; what is in it is checked then
_HOTSPOT = ("mokanda-hotspot.service", "mokanda-hotspot-names.service")
_CARD = Path("/sys/class/net/wlan0")
_NOT_KEPT = Sentence(
    "The device has no room left, so this could not be kept. Please tell your keeper."
)
_log = logging.getLogger(__name__)


def main() -> None:
    """Import the claim file, tell how it is, answer who asked; then end."""
    argparse.ArgumentParser(
        prog="mokanda-setup",
        description="Imports the claim file from the SETUP partition and publishes the claim's"
        " state, on that partition too.",
    ).parse_args()
    service.start_logging()
    _set_up()
    if "LISTEN_PID" not in os.environ:
        return
    requests = Requests("setup")  # systemd's socket: who asks starts us
    answers = _Service()
    while (request := requests.receive(0)) is not None:
        answers.answer(request)
    requests.close()
    answers.end()


class _Service:
    """Does what is asked for, and at the end what would take the page away that tells of it."""

    def __init__(self) -> None:
        self._afterwards: list[Callable[[], None]] = []

    def answer(self, request: Request) -> None:
        """Do what was asked, and say so."""
        try:
            request.carry_out(
                {
                    "import": self._import,
                    "claim": self._claim,
                    "wifi": self._wifi,
                    "restart-wifi": self._restart_wifi,
                    "restart": partial(self._do_afterwards, _reboot),
                    "switch-off": partial(self._do_afterwards, _switch_off),
                    "wipe": self._wipe,
                }
            )
        except OSError as error:
            _log.error("%s: %s", request.verb, error)
            request.fail(_NOT_KEPT)

    def end(self) -> None:
        """Do what was put off."""
        if self._afterwards:
            time.sleep(_GRACE_SECONDS)
        for act in self._afterwards:
            act()

    def _import(self, request: Request) -> None:
        request.reply(state=_set_up().state)

    def _claim(self, request: Request) -> None:
        try:
            claim.replace_by(request.text("text", claimfile.MAX_SIZE))
        except claimfile.ClaimFileError as error:
            _log.warning("the claim that was given: %s", error)
            raise RequestError(claim.damaged(error)) from error
        request.reply(state=_set_up().state)

    def _wifi(self, request: Request) -> None:
        network = Wifi(*(request.text(name, _MAX_TEXT) for name in ("name", "key", "country")))
        network.check()
        request.reply(changed=wifi.write(network))

    def _restart_wifi(self, request: Request) -> None:
        self._do_afterwards(_restart_hotspot, request)

    def _do_afterwards(self, act: Callable[[], None], request: Request) -> None:
        self._put_off(act)
        request.reply()

    def _wipe(self, request: Request) -> None:
        wipe.ask()
        self._put_off(_reboot)
        request.reply()

    def _put_off(self, act: Callable[[], None]) -> None:
        if act not in self._afterwards:
            self._afterwards.append(act)


def _restart_hotspot() -> None:
    """Start the Wi-Fi with its new settings; without a card it will be when one appears."""
    if _CARD.exists():
        # It waits for this very service to end.
        subprocess.run(["systemctl", "--no-block", "restart", *_HOTSPOT], check=False)


def _reboot() -> None:
    subprocess.run(["systemctl", "--no-block", "reboot"], check=False)


def _switch_off() -> None:
    subprocess.run(["systemctl", "--no-block", "poweroff"], check=False)


def _set_up() -> SetupStatus:
    current = claim.publish_state(_import_claim())
    result.write(current)
    keeper.answer()
    _log.info("%s: %s", current.state, current.detail)
    return current


def _import_claim() -> Sentence | None:
    """Import the claim file; a card that cannot be written keeps nobody from the rest."""
    try:
        return claim.import_from_card()
    except OSError as error:
        _log.error("the claim file: %s", error)
        return _NOT_KEPT


if __name__ == "__main__":
    main()
