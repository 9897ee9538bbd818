# SPDX-License-Identifier: Apache-2.0
"""The PIN or PUK that the keeper has typed, for the card that asks for it."""

from collections.abc import Callable, Mapping

from mokanda_firmware.bus.requests import Request, RequestError
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.bus.states import ModemState
from mokanda_firmware.modem.allowance import Allowance
from mokanda_firmware.modem.worker import Worker
from mokanda_firmware.modem.workers import Workers


class Unlocking:
    """Gives a SIM card its code."""

    def __init__(self, workers: Workers, allowance: Allowance) -> None:
        self._workers = workers
        self._allowance = allowance

    def enter_pin(self, request: Request) -> None:
        """Give the SIM card the PIN that the keeper has typed."""
        pin, keep = request.text("pin", 8), request.flag("keep")
        worker = self._who_asks(request, ModemState.PIN)
        self._have_given(worker, request, lambda: worker.sim_services.enter_pin(pin, keep=keep))

    def unlock(self, request: Request) -> None:
        """Give the SIM card the PUK and the new PIN that the keeper has typed."""
        puk, pin = request.text("puk", 8), request.text("pin", 8)
        worker = self._who_asks(request, ModemState.PUK)
        self._have_given(worker, request, lambda: worker.sim_services.unlock(puk, pin))

    def _who_asks(self, request: Request, state: ModemState) -> Worker:
        """Return the modem for whose card a code was typed: with its `imei`, if that is told."""
        imei = request.text("imei", 20)
        for worker in self._workers.best_first():
            if worker.modem.state is state and imei in ("", worker.modem.facts.imei):
                return worker
        raise RequestError(Sentence("The SIM card does not ask for that now."))

    def _have_given(self, worker: Worker, request: Request, act: Callable[[], None]) -> None:
        """Have a code given; one that was taken makes good what has failed for want of it."""

        def give() -> Mapping[str, object]:
            act()
            self._allowance.forgive()
            return {}

        worker.answer(request, give)
