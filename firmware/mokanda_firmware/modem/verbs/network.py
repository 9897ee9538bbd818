# SPDX-License-Identifier: Apache-2.0
"""What the keeper has to say to the SIM card's network: codes, answers to menus, orders."""

from collections.abc import Callable, Mapping
from typing import Final

from mokanda_firmware.bus import records
from mokanda_firmware.bus.requests import Request, RequestError
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.modem.lot import Lot
from mokanda_firmware.modem.machine import IN_CALL
from mokanda_firmware.modem.modem import Modem
from mokanda_firmware.modem.orders import Counter
from mokanda_firmware.modem.verbs import ordering
from mokanda_firmware.modem.verbs.balance import MAX_ZONE, Balance
from mokanda_firmware.modem.worker import BUSY, ERRAND_TIME
from mokanda_firmware.modem.workers import Workers

_ORDER_TIME: Final = 70.0  # seconds in which a modem is done with an order that it has begun
_MENU_GONE: Final = Sentence(
    "The network no longer waits for an answer to this menu, so that none was sent. Begin anew."
)


class Network:
    """Has each said once, by its number."""

    def __init__(
        self, workers: Workers, balance: Balance, counter: Counter, publish: Callable[[], None]
    ) -> None:
        """Call `publish` when there is a next number: who is answered shows a form with it."""
        self._workers = workers
        self._balance = balance
        self._counter = counter
        self._publish = publish
        self._modem: Modem | None = None  # by which the network was spoken to last

    @property
    def open_menu(self) -> int:
        """Return the number of the form that has brought a menu, which waits; 0 for none."""
        is_open = self._modem is not None and self._modem.menu_is_open
        return self._counter.last_taken if is_open else 0

    def ask(self, request: Request) -> None:
        """Ask the network a code such as *100#, or answer its menu."""
        best = self._workers.plugged_in()
        modem, number, menu = best.modem, request.count("number"), request.count("menu")
        code, zone = request.text("code", 100), request.text("zone", MAX_ZONE)

        def ask_anew() -> Mapping[str, object]:
            card = modem.facts.imsi
            self._modem = modem
            answer = best.sim_services.ask_network(code)
            self._balance.heard(answer, code, card, zone)
            return {"text": answer.text}

        def ask() -> Mapping[str, object]:
            ordering.check_card(request, modem.facts.imsi)
            self._check_menu(number, menu)
            try:
                return self._counter.once(number, ("ussd", code), ask_anew)
            finally:
                self._publish()

        best.answer(request, ask, patience(self._counter, number))

    def order(self, request: Request) -> None:
        """Send the network an order: an offer, a voucher, or the answer to its menu."""
        best = self._workers.plugged_in()
        modem, number, menu = best.modem, request.count("number"), request.count("menu")

        def order() -> Mapping[str, object]:
            name, form = ordering.wanted(request, modem.facts.imsi)
            self._check_menu(number, menu)
            if request.is_abandoned():
                return {}
            if modem.state in IN_CALL:
                raise RequestError(BUSY)
            self._modem = modem
            try:
                order = self._counter.carry_out(number, name, form, best.sim_services)
                return {"order": records.dump(order)}
            finally:
                self._publish()

        best.answer(request, order, patience(self._counter, number))

    def _check_menu(self, number: int, menu: int) -> None:
        """Let a menu be answered only while it is the last that the network has said.

        An answer with another number than the next may have been sent: that number tells.
        """
        if menu and menu != self.open_menu and number == self._counter.next_number:
            raise RequestError(_MENU_GONE)


def patience(lot: Lot, number: int) -> float:
    """Return in how many seconds to begin; a second tap waits for what comes of the first."""
    return _ORDER_TIME if lot.has_taken(number) else ERRAND_TIME
