# SPDX-License-Identifier: Apache-2.0
"""A stick that is a router of its own ("HiLink"), or a phone that shares its connection by USB."""

from collections.abc import Callable
from dataclasses import replace

from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.modem.backend import Answer, Facts, Finding, PinError, UssdError
from mokanda_firmware.modem.machine import Event
from mokanda_firmware.modem.recovery import Rung
from mokanda_firmware.modem.sticks import Stick
from mokanda_firmware.uplink.meter import Meter

_ITS_OWN = Sentence("This stick sees to its SIM card by itself, on a page of its own.")


class NetworkCard:
    """The back-end of such a stick: nothing is known of its SIM card and network."""

    def __init__(self, stick: Stick) -> None:
        self._model = stick.name
        self._interface = stick.cards[0]
        self._is_wanted = False
        self._meter = Meter(self._interface)
        self._traffic = (0, 0)

    def fileno(self) -> int | None:
        """It tells nothing by itself."""
        return None

    def fits(self, stick: Stick) -> bool:
        """A stick whose serial ports appear after its card is a modem."""
        return not stick.ports and self._interface in stick.cards

    def ask(self, facts: Facts, tell: Callable[[Facts], None]) -> Finding:  # noqa: ARG002
        """It is ready at once."""
        detail = Sentence("{model} is a network card.", model=self._model)
        facts = replace(facts, model=self._model, interface=self._interface)
        return Finding(Event.REGISTERED, detail, facts)

    def hear(self) -> Finding | Event | None:
        """It is connected when it is to be."""
        if not self._is_wanted:
            return None
        detail = Sentence("Connected through {name}.", name=self._model)
        return Finding(Event.LINK_UP, detail, Facts(interface=self._interface))

    def dial(self, facts: Facts, tell: Callable[[Sentence, str], None]) -> None:  # noqa: ARG002
        """It dials by itself."""
        self._is_wanted = True
        self._meter = Meter(self._interface)

    def enter_pin(self, pin: str, *, keep: bool) -> None:  # noqa: ARG002
        """It sees to its card by itself."""
        raise PinError(_ITS_OWN)

    def unlock(self, puk: str, pin: str) -> None:  # noqa: ARG002
        """It sees to its card by itself."""
        raise PinError(_ITS_OWN)

    def ask_network(self, code: str) -> Answer:  # noqa: ARG002
        """It asks by itself."""
        raise UssdError(_ITS_OWN)

    def hang_up(self) -> None:
        """It stays connected for whoever else needs it."""
        self._is_wanted = False
        self._traffic = self._meter.passed()

    def traffic(self) -> tuple[int, int]:
        """Return the bytes sent and received while it was wanted."""
        return self._traffic

    def recover(self, rung: Rung) -> None:
        """There is no step that goes through it."""

    def close(self) -> None:
        """There is nothing to let go of."""
