# SPDX-License-Identifier: Apache-2.0
"""What the keeper has to say to the SIM card's network: codes, answers to menus, orders."""

from collections.abc import Callable, Mapping

from mokanda_firmware.bus.requests import Request, RequestError
from mokanda_firmware.modem import orders
from mokanda_firmware.modem.backend import Answer
from mokanda_firmware.modem.machine import IN_CALL
from mokanda_firmware.modem.verbs import ordering
from mokanda_firmware.modem.verbs.balance import MAX_ZONE, Balance
from mokanda_firmware.modem.worker import BUSY, ERRAND_TIME
from mokanda_firmware.modem.workers import Workers

_ORDER_TIME = 70.0  # seconds in which a modem is done with an order that it has begun


class Network:
    """Has each said once, by its number."""

    def __init__(self, workers: Workers, balance: Balance, publish: Callable[[], None]) -> None:
        """Call `publish` when there is a next number: who is answered shows a form with it."""
        self._workers = workers
        self._balance = balance
        self._publish = publish
        self._orders = orders.Counter()

    @property
    def next_number(self) -> int:
        """Return the number that the next one has to have."""
        return self._orders.next_number

    def ask(self, request: Request) -> None:
        """Ask the network a code such as *100#, or answer its menu."""
        best = self._workers.plugged_in()
        modem, number = best.modem, request.count("number")
        code, zone = request.text("code", 40), request.text("zone", MAX_ZONE)

        def ask_anew() -> Answer:
            card = modem.facts.imsi
            answer = best.sim_services.ask_network(code)
            self._balance.heard(answer, code, card, zone)
            return answer

        def ask() -> Mapping[str, object]:
            try:
                answer = self._orders.ask(number, code, ask_anew)
            finally:
                self._publish()
            return {"text": answer.text, "menu": answer.is_menu}

        best.answer(request, ask, self._patience(number))

    def order(self, request: Request) -> None:
        """Send the network an order: an offer, a voucher, or the answer to its menu."""
        best = self._workers.plugged_in()
        modem, number = best.modem, request.count("number")

        def order() -> Mapping[str, object]:
            name, form = ordering.wanted(request, modem.facts.imsi)
            if request.is_abandoned():
                return {}
            if modem.state in IN_CALL:
                raise RequestError(BUSY)
            try:
                return {"text": self._orders.carry_out(number, name, form, best.sim_services).text}
            finally:
                self._publish()

        best.answer(request, order, self._patience(number))

    def _patience(self, number: int) -> float:
        """Return in how many seconds to begin; a second tap waits for what comes of the first."""
        return _ORDER_TIME if self._orders.has_taken(number) else ERRAND_TIME
