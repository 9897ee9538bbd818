# SPDX-License-Identifier: Apache-2.0
"""What the modem's daemon needs of whatever talks to a stick: each kind of stick has its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from mokanda_firmware.bus.sentences import Sentence, SentenceError
from mokanda_firmware.bus.statuses import ModemStatus
from mokanda_firmware.modem.sticks import Stick


class ModemError(Exception):
    """The modem does not answer as it should; it is worth while to start it anew."""


class ConnectError(SentenceError):
    """No connection came about."""


@dataclass(frozen=True, slots=True)
class SimChanged:
    """The SIM card came, went or was unlocked."""


@dataclass(frozen=True, slots=True)
class NetworkChanged:
    """The network was found or lost."""


@dataclass(frozen=True, slots=True)
class Connected:
    """There is a connection, through this network interface."""

    interface: str


@dataclass(frozen=True, slots=True)
class Disconnected:
    """There is none any more, or none came about."""

    why: Sentence


Event = SimChanged | NetworkChanged | Connected | Disconnected


class Backend(Protocol):
    """Talks to one stick. Every method may raise OSError: the stick may go at any moment."""

    def fileno(self) -> int | None:
        """Return a descriptor that is readable when `hear` may have news; None: never."""

    def fits(self, stick: Stick) -> bool:
        """Whether this stick, as udev knows it now, is still to be talked to this way."""

    def identify(self, status: ModemStatus) -> Iterator[ModemStatus]:
        """Ask for model, SIM card and network; yield the status anew as it becomes known.

        A status that is STARTING in the end needs another moment. Raises ModemError.
        """

    def search(self, status: ModemStatus) -> ModemStatus:
        """Ask for the network alone. Raises ModemError."""

    def hear(self) -> Event | None:
        """Take in what came by itself. Raises ModemError."""

    def connect(self, status: ModemStatus) -> Iterator[ModemStatus]:
        """Dial, which may take a minute, and yield the status meanwhile; `hear` tells the rest.

        Raises:
            ConnectError: it cannot be dialled.
        """

    def disconnect(self, *, reset: bool = False) -> None:
        """End a connection or the wish for one; `reset` the modem too. Raises ModemError."""

    def close(self) -> None:
        """Let go of the stick, which may be gone."""
