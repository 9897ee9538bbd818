# SPDX-License-Identifier: Apache-2.0
"""The PIN or PUK that the keeper has typed, for the card that asks for it: a form costs one try."""

from collections.abc import Callable, Mapping

from mokanda_firmware.bus.requests import Request, RequestError
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.bus.states import ModemState
from mokanda_firmware.modem.allowance import Allowance
from mokanda_firmware.modem.lot import Lot
from mokanda_firmware.modem.verbs.network import patience
from mokanda_firmware.modem.worker import Worker
from mokanda_firmware.modem.workers import Workers

_MAX_TYPED = 20  # digits; what is too long for a PIN or PUK is told so


class Unlocking:
    """Gives a SIM card its code."""

    def __init__(
        self, workers: Workers, allowance: Allowance, lot: Lot, publish: Callable[[], None]
    ) -> None:
        """Call `publish` when there is a next number."""
        self._workers = workers
        self._allowance = allowance
        self._lot = lot
        self._publish = publish

    def enter_pin(self, request: Request) -> None:
        """Give the SIM card the PIN that the keeper has typed."""
        pin, keep = request.text("pin", _MAX_TYPED), request.flag("keep")
        worker = self._who_asks(request, ModemState.PIN)
        self._have_given(
            worker, request, (pin,), lambda: worker.sim_services.enter_pin(pin, keep=keep)
        )

    def unlock(self, request: Request) -> None:
        """Give the SIM card the PUK and the new PIN that the keeper has typed."""
        puk, pin = request.text("puk", _MAX_TYPED), request.text("pin", _MAX_TYPED)
        worker = self._who_asks(request, ModemState.PUK)
        self._have_given(worker, request, (puk, pin), lambda: worker.sim_services.unlock(puk, pin))

    def _who_asks(self, request: Request, state: ModemState) -> Worker:
        """Return the modem for whose card a code was typed: with its `imei`, if that is told.

        To one that has had the form already it makes no difference what it asks for now.
        """
        imei, again = request.text("imei", 20), self._lot.has_taken(request.count("number"))
        for worker in self._workers.best_first():
            modem = worker.modem
            if imei in ("", modem.facts.imei) and (again or modem.state is state):
                return worker
        raise RequestError(Sentence("The SIM card does not ask for that now."))

    def _have_given(
        self, worker: Worker, request: Request, codes: tuple[str, ...], act: Callable[[], None]
    ) -> None:
        """Have a code given; one that was taken makes good what has failed for want of it."""
        number = request.count("number")

        def give() -> Mapping[str, object]:
            act()
            self._allowance.forgive()
            return {}

        def give_once() -> Mapping[str, object]:
            try:
                return self._lot.once(number, codes, give)
            finally:
                self._publish()

        worker.answer(request, give_once, patience(self._lot, number))
