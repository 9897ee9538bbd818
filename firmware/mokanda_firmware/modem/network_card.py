# SPDX-License-Identifier: Apache-2.0
"""A stick that is a router of its own ("HiLink"): a network card, which dials by itself."""

from collections.abc import Iterator
from dataclasses import replace

from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.bus.states import ModemState
from mokanda_firmware.bus.statuses import ModemStatus
from mokanda_firmware.modem.backend import Connected, Event
from mokanda_firmware.modem.sticks import Stick


class NetworkCard:
    """The back-end of such a stick: nothing is known of its SIM card and network."""

    def __init__(self, stick: Stick) -> None:
        self._model = stick.name
        self._interface = stick.cards[0]
        self._is_wanted = False

    def fileno(self) -> int | None:
        """It tells nothing by itself."""
        return None

    def fits(self, stick: Stick) -> bool:
        """A stick whose serial ports appear after its card is a modem."""
        return not stick.ports

    def identify(self, status: ModemStatus) -> Iterator[ModemStatus]:
        """It is ready at once."""
        detail = Sentence("{model} is a network card.", model=self._model)
        yield replace(
            status,
            state=ModemState.READY,
            detail=detail,
            model=self._model,
            interface=self._interface,
        )

    def search(self, status: ModemStatus) -> ModemStatus:
        """It does that by itself."""
        return status

    def hear(self) -> Event | None:
        """It is connected when it is to be."""
        return Connected(self._interface) if self._is_wanted else None

    def connect(self, status: ModemStatus) -> Iterator[ModemStatus]:  # noqa: ARG002
        """It dials by itself."""
        self._is_wanted = True
        yield from ()

    def disconnect(self, *, reset: bool = False) -> None:  # noqa: ARG002
        """It stays connected for whoever else needs it."""
        self._is_wanted = False

    def close(self) -> None:
        """There is nothing to let go of."""
