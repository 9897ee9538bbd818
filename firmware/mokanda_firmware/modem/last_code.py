# SPDX-License-Identifier: Apache-2.0
"""The code by which the network was asked last: for a minute what it says belongs to that one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.modem import orders
from mokanda_firmware.modem.backend import UssdError
from mokanda_firmware.modem.clock import Clock
from mokanda_firmware.modem.networks import Form

_LATE = 60.0  # seconds in which what the network says belongs to the code before
_OWED: Final = Sentence(
    "The network may still answer what it was asked before. Please try again in a minute."
)


class LastCode:
    """Where it was given up its answer is owed; no other code is asked then, and would get it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._code = ""
        self._is_owed = False
        self._late_until = 0.0

    @property
    def is_owed(self) -> bool:
        """Whether its answer may still come."""
        return self._is_owed and self._clock.now() < self._late_until

    @contextmanager
    def asked(self, code: str) -> Iterator[None]:
        """Ask by another code meanwhile. Raises UssdError: the answer to the last is owed."""
        if self.is_owed:
            raise UssdError(_OWED)
        self._code, self._is_owed = code, True
        try:
            yield
            self._is_owed = False
        except UssdError as error:
            self._is_owed = error.is_sent
            raise
        finally:
            self._late_until = self._clock.now() + _LATE

    def came(self, text: str) -> None:
        """Note what the network says late with its order; it is no answer to another code."""
        if text and self._clock.now() < self._late_until:
            self._is_owed = False
            orders.came_late(Form(self._code), text)
