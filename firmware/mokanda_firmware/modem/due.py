# SPDX-License-Identifier: Apache-2.0
"""When a stick is to be asked anew: ever later, as long as it is found in the same state."""

from mokanda_firmware.bus.states import ModemState
from mokanda_firmware.modem.clock import Clock
from mokanda_firmware.modem.machine import RESTS

_CHANGED_PAUSE = 2.0  # seconds in which what a modem tells by itself is gathered
_LONGEST_CHANGED_PAUSE = 32.0  # where it tells the same for ever
_CALM = 60.0  # seconds without a word after which the next is news
_WANTED_PAUSE = 5.0  # the longest rest while somebody waits for a connection


class Due:
    """A moment, or never."""

    def __init__(self, clock: Clock) -> None:
        self.at: float | None = None
        self._clock = clock
        self._rests = 0  # how often in a row the same state was found
        self._told_at = 0.0  # when it last told by itself that something changed
        self._times_told = 0

    def has_come(self) -> bool:
        """Whether it is time."""
        return self.at is not None and self._clock.now() >= self.at

    def after(self, seconds: float) -> None:
        """Let it be time then."""
        self.at = self._clock.now() + seconds

    def never(self) -> None:
        """Let it not be time any more."""
        self.at = None

    def rest(self, state: ModemState, again: float | None, *, is_wanted: bool) -> None:
        """Set when to ask anew: each time in the same state, twice as late; `again` if sooner."""
        rest = RESTS.get(state)
        pauses = [] if again is None else [again]
        if rest is not None:
            pauses.append(min(rest.longest, rest.first * 2 ** min(self._rests, 20)))
            self._rests += 1
        if rest is not None and is_wanted:
            pauses.append(_WANTED_PAUSE)
        if pauses:
            self.after(min(pauses))
        else:
            self.never()

    def soon(self) -> None:
        """Ask soon; ever later if it tells again and again, and its state is the same each time."""
        now = self._clock.now()
        if now - self._told_at >= _CALM:
            self._times_told = 0
        self._told_at = now
        soon = now + min(_CHANGED_PAUSE * 2**self._times_told, _LONGEST_CHANGED_PAUSE)
        if self.at is None or soon < self.at:
            self.at = soon
            self._times_told += 1

    def begin_anew(self) -> None:
        """It is in another state, or is another one: nothing has been in vain yet."""
        self._rests = 0
        self._times_told = 0
