# SPDX-License-Identifier: Apache-2.0
"""The SIM card's balance: asked for once a day after a mail run, or by the keeper's hand."""

import logging
from functools import partial

from mokanda_firmware.bus.requests import Request
from mokanda_firmware.bus.states import ModemState
from mokanda_firmware.modem import networks
from mokanda_firmware.modem.backend import Answer, UssdError
from mokanda_firmware.modem.clock import Clock
from mokanda_firmware.modem.credit import Credit
from mokanda_firmware.modem.settings import Settings
from mokanda_firmware.modem.verbs.connecting import Connecting
from mokanda_firmware.modem.worker import Worker
from mokanda_firmware.modem.workers import Workers

_log = logging.getLogger(__name__)

MAX_ZONE = 64  # characters of a time zone's name
_PATIENCE = 120.0  # seconds after a mail run in which a modem may become ready again


class Balance:
    """Nobody waits for the day's answer, and whoever wants a connection goes first."""

    def __init__(
        self, clock: Clock, workers: Workers, connecting: Connecting, credit: Credit
    ) -> None:
        self._clock = clock
        self._workers = workers
        self._connecting = connecting
        self._credit = credit
        self._ask_by = 0.0
        self._zone = ""  # the village's, by which days are told

    def want(self, request: Request) -> None:
        """A mail run is over: have the network asked, when the modem can."""
        self._zone = request.text("zone", MAX_ZONE)
        self._ask_by = self._clock.now() + _PATIENCE
        request.reply()

    def is_due(self) -> bool:
        """Whether it is still to be asked for."""
        return self._clock.now() < self._ask_by

    def ask(self) -> None:
        """Have it asked for, if nobody wants anything else."""
        best = self._workers.best()
        if self._connecting.is_wanted or best is None or best.is_busy:
            return
        if best.modem.state is ModemState.READY:
            self._ask_by = 0.0
            best.do(partial(self._learn, best, self._zone))

    def _learn(self, worker: Worker, zone: str) -> None:
        """Ask for it, if the keeper wants that: once a day."""
        settings, card = Settings.read(), worker.modem.facts.imsi
        code = _code(card, settings) if settings.balance_daily else ""
        if self._connecting.is_wanted or not (code and card and self._credit.begin_day(card, zone)):
            return
        try:
            answer = worker.sim_services.ask_in_passing(code)
        except UssdError as error:
            _log.warning("the balance is not told: %s", error)
        else:
            if answer is not None:
                self._credit.balance_told(answer, card, zone)

    def heard(self, answer: Answer, code: str, card: str, zone: str) -> None:
        """The keeper has asked by a code: it may be the one for the balance."""
        if code == _code(card, Settings.read()):
            self._credit.balance_told(answer, card, zone)


def _code(imsi: str, settings: Settings) -> str:
    """Return the code that tells the balance: the keeper's, or else the network's; "" for none."""
    return settings.balance_code or networks.codes(imsi).balance
