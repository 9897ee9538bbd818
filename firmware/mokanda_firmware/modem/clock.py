# SPDX-License-Identifier: Apache-2.0
"""The time by which the modem's daemon lives: all its waiting goes through here.

A test has a clock of its own, and walks through hours of a bad night in a moment.
"""

import select
import time
from collections.abc import Collection
from typing import Protocol


class Clock(Protocol):
    """Seconds that only grow, and what passes them."""

    def now(self) -> float:
        """Return the seconds since some moment before this boot's first."""

    def wait(self, descriptors: Collection[int], seconds: float | None) -> set[int]:
        """Return which descriptors are readable, after at most so many seconds (None: no end)."""


class SystemClock:
    """CLOCK_MONOTONIC and poll(2)."""

    def now(self) -> float:
        """Return the seconds since the boot."""
        return time.monotonic()

    def wait(self, descriptors: Collection[int], seconds: float | None) -> set[int]:
        """Wait for the first of them."""
        poller = select.poll()
        for descriptor in descriptors:
            poller.register(descriptor, select.POLLIN)
        ready = poller.poll(None if seconds is None else max(0.0, seconds) * 1000)
        return {descriptor for descriptor, _ in ready}
