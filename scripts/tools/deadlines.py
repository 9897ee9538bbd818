# SPDX-License-Identifier: Apache-2.0
"""Deadlines that fit the computer: longer where it is slow or busy, so that none needs luck."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# What the computer on which the deadlines were chosen needs for `_work`, in seconds.
_REFERENCE = 0.17


class DeadlineError(Exception):
    """What was waited for did not come; says for how long, and how busy the computer is."""


def _work() -> float:
    start = time.perf_counter()
    total = 0
    for number in range(1_000_000):
        total += number * number & 0xFF
    return time.perf_counter() - start


@functools.cache
def slowness() -> float:
    """How many times slower one core is than the reference, never below 1."""
    return max(1.0, min(_work() for _ in range(3)) / _REFERENCE)


def crowding() -> float:
    """Runnable processes per core over the last minute, never below 1."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


class Deadline:
    """A moment that moves away while the computer is busy."""

    def __init__(self, seconds: float, what: str) -> None:
        """Allow `seconds` on the reference computer; `what` completes "waited in vain for ..."."""
        self._seconds = seconds
        self._what = what
        self._start = time.monotonic()
        self._crowding = crowding()

    def left(self) -> float:
        """Seconds left; raises DeadlineError when there are none."""
        # A crowd that has just left did hold us up.
        self._crowding = max(self._crowding, crowding())
        allowed = self._seconds * slowness() * self._crowding
        elapsed = time.monotonic() - self._start
        if elapsed > allowed:
            raise DeadlineError(
                f"waited {elapsed:.0f} s in vain for {self._what} ({self._seconds:.0f} s"
                f" x {slowness():.1f} for a slow computer x {self._crowding:.1f} for load"
                f" {self._crowding * (os.cpu_count() or 1):.1f} on {os.cpu_count()} cores)"
            )
        return allowed - elapsed


def wait_until(condition: Callable[[], T], what: str, seconds: float, every: float = 0.2) -> T:
    """Ask `condition` until it is true, and return its value; raises DeadlineError."""
    deadline = Deadline(seconds, what)
    while not (value := condition()):
        time.sleep(min(every, deadline.left()))
    return value
