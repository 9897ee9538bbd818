# SPDX-License-Identifier: Apache-2.0
"""When the modem may dial: one back-off for whoever wants a connection, and a cap for the day.

A call costs credit even where nothing comes of it, and a network bars a card that hammers. What was
dialled is kept until the next boot, so that a restart of the daemon forgets nothing.
"""

from dataclasses import dataclass
from typing import Final

from mokanda_firmware.bus.statuses import Status
from mokanda_firmware.modem.clock import Clock

# Seconds after the first, second, ... failure in a row until the next dial. The first ones pass at
# once: they try the next access point.
PAUSES: Final = (0.0, 0.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0)
DIALS_A_DAY: Final = 40
REFUSED_LOGINS_A_DAY: Final = 5
_DAY = 86400.0


@dataclass(frozen=True, slots=True)
class _Noted(Status):
    """What was dialled in this boot, in seconds of its clock; a reboot clears it."""

    NAME = "dials"

    dials: tuple[float, ...] = ()
    refused: tuple[float, ...] = ()
    failures: int = 0
    next: float = 0.0


class Allowance:
    """Remembers the dials of a day, and how the last ones went."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._dials: list[float] = []
        self._refused: list[float] = []
        self._failures = 0
        self._next = 0.0
        self._read()

    def wait(self) -> float:
        """Return the seconds until the modem may dial; 0 is now."""
        now = self._clock.now()
        until = max(
            self._next,
            _full_until(self._dials, DIALS_A_DAY),
            _full_until(self._refused, REFUSED_LOGINS_A_DAY),
        )
        return max(0.0, until - now)

    def dialled(self) -> None:
        """Count a dial."""
        self._dials = [*self._dials, self._clock.now()][-DIALS_A_DAY:]
        self._write()

    def failed(self, *, login: bool = False) -> None:
        """Count a call that failed; `login`: because the network refused name and password."""
        now = self._clock.now()
        self._next = now + PAUSES[min(self._failures, len(PAUSES) - 1)]
        self._failures += 1
        if login:
            self._refused = [*self._refused, now][-REFUSED_LOGINS_A_DAY:]
        self._write()

    def succeeded(self) -> None:
        """A call did what it was for."""
        self._failures = 0
        self._next = 0.0
        self._write()

    def forgive(self) -> None:
        """Something has changed at which the failures lay: a setting, a card, a stick."""
        self._refused.clear()
        self.succeeded()

    def _read(self) -> None:
        """Take up what is noted; what cannot have been noted in this boot is left out."""
        now, noted = self._clock.now(), _Noted.read() or _Noted()
        self._dials = [each for each in noted.dials if 0 <= each <= now][-DIALS_A_DAY:]
        self._refused = [each for each in noted.refused if 0 <= each <= now][-REFUSED_LOGINS_A_DAY:]
        self._failures = max(0, noted.failures)
        self._next = min(now + PAUSES[-1], noted.next)

    def _write(self) -> None:
        _Noted(tuple(self._dials), tuple(self._refused), self._failures, self._next).publish()


def _full_until(times: list[float], most: int) -> float:
    """Return until when there are as many `times` as a day may have."""
    return times[-most] + _DAY if len(times) >= most else 0.0
