# SPDX-License-Identifier: Apache-2.0
"""A stick that is a router of its own ("HiLink"), or a phone that shares its connection by USB."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.modem.backend import Answer, Facts, Finding, PinError, UssdError
from mokanda_firmware.modem.clock import Clock
from mokanda_firmware.modem.interface import Interface, Lease
from mokanda_firmware.modem.machine import Event
from mokanda_firmware.modem.patience import Patience
from mokanda_firmware.modem.recovery import Rung
from mokanda_firmware.modem.sticks import Stick
from mokanda_firmware.uplink.meter import Meter

_PATIENCE = 30.0  # seconds that carrier and address may take
_ITS_OWN: Final = Sentence("This stick sees to its SIM card by itself, on a page of its own.")


class NetworkCard:
    """The back-end of such a stick: it is ready once it has given this device an address."""

    def __init__(self, stick: Stick, clock: Clock) -> None:
        self._model = stick.name
        self._interface = Interface(stick.cards[0])
        self._patience = Patience(clock, _PATIENCE)
        self._lease: Lease | None = None  # as it was last looked at
        self._is_wanted = False
        self._is_up = False  # whether `hear` has told so
        self._meter = Meter(self._interface.name)
        self._traffic = (0, 0)

    def fileno(self) -> int | None:
        """Return the descriptor by which the kernel tells of carrier and addresses."""
        return self._interface.fileno()

    def fits(self, stick: Stick) -> bool:
        """A stick whose serial ports appear after its card is a modem."""
        return not stick.ports and self._interface.name in stick.cards

    def ask(self, facts: Facts, tell: Callable[[Facts], None]) -> Finding:  # noqa: ARG002
        """It is ready when there is another end, which has given this one an address."""
        self._lease = self._interface.lease()
        if self._lease is None:
            return self._unready()
        self._patience.renew()
        detail = Sentence("{model} is a network card.", model=self._model)
        facts = replace(facts, model=self._model, interface=self._interface.name)
        return Finding(Event.REGISTERED, detail, facts)

    def _unready(self) -> Finding:
        facts = Facts(model=self._model)
        if self._patience.lasts():
            starting = Sentence("The network card is starting.")
            return Finding(Event.SIM_STARTING, starting, facts)
        if self._interface.has_carrier():
            detail = Sentence(
                "{model} gives this device no address. Pull it out and plug it in again; if it is"
                " a phone, switch its sharing by USB off and on.",
                model=self._model,
            )
        else:
            detail = Sentence(
                "{model} has no connection to give. If it is a phone, switch its sharing by USB"
                " on; else pull it out and plug it in again.",
                model=self._model,
            )
        return Finding(Event.NO_DATA, detail, facts)

    def hear(self) -> Finding | Event | None:
        """Take in what has become of carrier and address."""
        self._interface.drain()
        before, self._lease = self._lease, self._interface.lease()
        if not self._is_wanted:
            return Event.DUE if self._lease != before else None
        if self._is_up == (self._lease is not None):
            return None
        self._is_up = not self._is_up
        facts = Facts(interface=self._interface.name)
        if self._is_up:
            detail = Sentence("Connected through {name}.", name=self._model)
            return Finding(Event.LINK_UP, detail, facts)
        lost = Sentence("{model} has lost its connection.", model=self._model)
        return Finding(Event.LINK_LOST, lost, facts)

    def dial(self, facts: Facts, tell: Callable[[Sentence, str], None]) -> None:  # noqa: ARG002
        """It dials by itself."""
        self._is_wanted = True
        self._is_up = False
        self._meter = Meter(self._interface.name)

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
        """Hear no more of it."""
        self._interface.close()
