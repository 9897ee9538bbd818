# SPDX-License-Identifier: Apache-2.0
"""The ladder: what is done with a modem that does not do its work, one step after the other.

The boards' USB ports are powered for good, so that there is no step that takes the power away; the
last one is `last_rung`.
"""

from collections import deque
from enum import Enum
from typing import Final

from mokanda_firmware.modem.clock import Clock

AWAY: Final = 20.0  # seconds that a stick may take to be back
_HOUR, _DAY = 3600.0, 86400.0


class Rung(Enum):
    """A step of recovery; its value is what the log says."""

    SETTINGS = "ATZ"
    RADIO = "the radio is switched off and on"
    RESTART = "the modem is restarted"
    ENUMERATE = "the stick is enumerated again"


# How often each may be taken within a day: none of them is a habit.
LIMITS: Final = {Rung.SETTINGS: 24, Rung.RADIO: 6, Rung.RESTART: 6, Rung.ENUMERATE: 6}
OF_CALLS: Final = (Rung.SETTINGS, Rung.RESTART, Rung.ENUMERATE)
OF_SILENCE: Final = (Rung.ENUMERATE,)
OF_SEARCHING: Final = (Rung.RADIO, Rung.RESTART, Rung.ENUMERATE)


class Ladder:
    """One stick's, which outlives its being enumerated again."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._taken: dict[Rung, deque[float]] = {
            rung: deque(maxlen=limit) for rung, limit in LIMITS.items()
        }
        self._heights: dict[tuple[Rung, ...], int] = {}
        self._climbed_at = 0.0
        self.has_worked = False  # whether the stick has answered in this boot

    def climb(self, rungs: tuple[Rung, ...]) -> Rung | None:
        """Return the next of `rungs` to take; None: there is none left, for an hour."""
        now = self._clock.now()
        if now - self._climbed_at > _HOUR:
            self.descend()
        for height in range(self._heights.get(rungs, 0), len(rungs)):
            self._heights[rungs] = height + 1
            if self._may(rungs[height]):
                self._taken[rungs[height]].append(now)
                self._climbed_at = now
                return rungs[height]
        return None

    def is_away(self) -> bool:
        """Whether the stick was enumerated again just now, and need not be back yet."""
        taken = self._taken[Rung.ENUMERATE]
        return bool(taken) and self._clock.now() - taken[-1] < AWAY

    def descend(self) -> None:
        """All is well: begin below the next time."""
        self._heights.clear()

    def _may(self, rung: Rung) -> bool:
        taken = self._taken[rung]
        return len(taken) < LIMITS[rung] or self._clock.now() - taken[0] > _DAY
