# SPDX-License-Identifier: Apache-2.0
"""The clock of one stick: whatever is waited for there ends when that has lost its sense."""

import errno
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager

from mokanda_firmware.modem.backend import ModemError
from mokanda_firmware.modem.clock import Bell, Turns


class PulledError(OSError):
    """The stick is gone, or let go of."""

    def __init__(self) -> None:
        super().__init__(errno.ENODEV, os.strerror(errno.ENODEV))


class CancelledError(Exception):
    """Nobody wants any more what is being waited for."""


class StickClock:
    """Passes the time for a stick's thread; `pull` and `cancel` are for others to call."""

    def __init__(self, clock: Turns) -> None:
        self._clock = clock
        self._alarm = Bell()
        self._can_be_cancelled = False
        self._is_cancelled = False
        self._ends: float | None = None
        self.is_pulled = False

    def now(self) -> float:
        """Return the seconds since the boot."""
        return self._clock.now()

    def wait(self, descriptors: Collection[int], seconds: float | None) -> set[int]:
        """Wait as the clock does.

        Raises:
            PulledError: the stick is not there any more.
            CancelledError: within `cancellable`, when `cancel` was called.
            ModemError: the time of `within` is over.
        """
        if self._ends is not None:
            left = self._ends - self.now()
            seconds = left if seconds is None else min(seconds, left)
        ready = self._clock.wait({*descriptors, self._alarm.fileno()}, seconds)
        if self.is_pulled:
            raise PulledError
        if self._is_cancelled:
            raise CancelledError
        if self._ends is not None and self.now() >= self._ends:
            raise ModemError("all its answers together take too long")
        return ready

    def begin(self, work: Callable[[], None]) -> None:
        """Start a thread, as the clock does."""
        self._clock.begin(work)

    def others_meanwhile(self) -> AbstractContextManager[None]:
        """Let others have their turn, as the clock does."""
        return self._clock.others_meanwhile()

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Let all that is waited for together take so long at most."""
        self._ends = self.now() + seconds
        try:
            yield
        finally:
            self._ends = None

    @contextmanager
    def cancellable(self) -> Iterator[None]:
        """Let `cancel` end what is waited for."""
        self._can_be_cancelled = True
        try:
            yield
        finally:
            self._can_be_cancelled = self._is_cancelled = False
            if not self.is_pulled:
                self._alarm.silence()

    def cancel(self) -> None:
        """End what is waited for, if that may be cancelled."""
        if self._can_be_cancelled:
            self._is_cancelled = True
            self._alarm.ring()

    def pull(self) -> None:
        """The stick is gone, or to be let go of: whatever is waited for ends."""
        self.is_pulled = True
        self._alarm.ring()

    def close(self) -> None:
        """No thread waits by it any more."""
        self._alarm.close()
