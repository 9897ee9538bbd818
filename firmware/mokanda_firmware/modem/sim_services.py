# SPDX-License-Identifier: Apache-2.0
"""What a stick's SIM card and its network are given and asked, beside connections."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial

from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.bus.states import ModemState
from mokanda_firmware.modem.backend import (
    CODE,
    MAX_CODE,
    Answer,
    Backend,
    PinError,
    SendError,
    UssdError,
)
from mokanda_firmware.modem.call_account import UNPLUGGED
from mokanda_firmware.modem.machine import REGISTERED
from mokanda_firmware.modem.modem import Modem
from mokanda_firmware.modem.stick_clock import CancelledError, StickClock


class SimServices:
    """Of the card in a modem. All of it runs in the stick's own thread."""

    def __init__(self, modem: Modem, clock: StickClock) -> None:
        self._modem = modem
        self._clock = clock

    def enter_pin(self, pin: str, *, keep: bool) -> None:
        """Give the card the PIN that it asks for. Raises PinError."""
        self._give_code(ModemState.PIN, lambda backend: backend.enter_pin(pin, keep=keep))

    def unlock(self, puk: str, pin: str) -> None:
        """Give the card the PUK that it asks for, and a new PIN. Raises PinError."""
        self._give_code(ModemState.PUK, lambda backend: backend.unlock(puk, pin))

    def _give_code(self, state: ModemState, give: Callable[[Backend], None]) -> None:
        if self._modem.state is not state:
            raise PinError(Sentence("The SIM card does not ask for that now."))
        try:
            with self._modem.talking(PinError(UNPLUGGED), PinError) as backend:
                give(backend)
        finally:
            self._modem.look()  # how many tries are left, or that it is unlocked

    def ask_in_passing(self, code: str) -> Answer | None:
        """Ask the network, and leave its menu; None: that was cancelled. Raises UssdError."""
        try:
            with self._clock.cancellable():
                return self.ask_network(code, leave=True)
        except CancelledError:
            pass
        with suppress(UssdError), self._modem.talking(UssdError(UNPLUGGED), UssdError) as backend:
            backend.hang_up()  # which brings back to commands
        return None

    def ask_network(self, code: str, *, leave: bool = False) -> Answer:
        """Ask the network by USSD, or answer its menu, or `leave` that. Raises UssdError."""
        if not CODE.fullmatch(code):
            raise UssdError(
                Sentence("A code has digits, * and # only, {most} at most.", most=MAX_CODE)
            )
        if self._modem.state not in REGISTERED:
            raise UssdError(self._modem.detail)
        sent = partial(UssdError, is_sent=True)
        try:
            with self._modem.talking(sent(UNPLUGGED), sent) as backend:
                backend.menu_is_open = False
                answer = backend.ask_network(code, leave=leave)
                if answer.is_menu and not leave:
                    self._modem.menu_has_come()
                return answer
        except UssdError as error:
            if error.is_sent:
                self._modem.look_soon()  # the answer may come late
            raise

    def send(self, text: str, number: str) -> None:
        """Send a text message to a short number of the network's. Raises SendError."""
        if self._modem.state not in REGISTERED:
            raise SendError(self._modem.detail)
        with self._modem.talking(SendError.unknown(), SendError) as backend:
            backend.send(text, number)
