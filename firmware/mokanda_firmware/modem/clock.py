# SPDX-License-Identifier: Apache-2.0
"""The time by which the modem's daemon lives: all its waiting goes through here.

Each stick has a thread of its own, and one of them works at a time: whoever waits lets the others
have their turn. So nothing changes under anybody's hands but where somebody waits. A test has a
clock of its own, and walks through hours of a bad night in a moment.
"""

import os
import select
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Protocol


class Clock(Protocol):
    """Seconds that only grow, and what passes them."""

    def now(self) -> float:
        """Return the seconds since the boot."""

    def wait(self, descriptors: Collection[int], seconds: float | None) -> set[int]:
        """Return which descriptors are readable, after at most so many seconds (None: no end)."""


class Turns(Clock, Protocol):
    """A clock for threads of which one works at a time, while the others wait by it."""

    def begin(self, work: Callable[[], None]) -> None:
        """Have work done in a thread of its own, which has its turn when others wait."""

    def others_meanwhile(self) -> AbstractContextManager[None]:
        """Let others have their turn while this thread waits for the kernel."""


class SystemClock:
    """CLOCK_MONOTONIC, poll(2) and threads; the turn is whose who has made it."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._turn.acquire()

    def now(self) -> float:
        """Return the seconds since the boot."""
        return time.monotonic()

    def wait(self, descriptors: Collection[int], seconds: float | None) -> set[int]:
        """Wait for the first of them."""
        poller = select.poll()
        for descriptor in descriptors:
            poller.register(descriptor, select.POLLIN)
        with self.others_meanwhile():
            ready = poller.poll(None if seconds is None else max(0.0, seconds) * 1000)
        return {descriptor for descriptor, _ in ready}

    def begin(self, work: Callable[[], None]) -> None:
        """Start the thread; it ends with the process, if not before."""

        def work_in_turn() -> None:
            with self._turn:
                work()

        threading.Thread(target=work_in_turn, daemon=True).start()

    @contextmanager
    def others_meanwhile(self) -> Iterator[None]:
        """Let go of the turn."""
        self._turn.release()
        try:
            yield
        finally:
            self._turn.acquire()


class Bell:
    """Wakes a thread that waits for its descriptor, once or for good."""

    def __init__(self) -> None:
        self._descriptor = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)

    def fileno(self) -> int:
        """Return a descriptor that is readable from `ring` to `silence`."""
        return self._descriptor

    def ring(self) -> None:
        """Wake whoever waits, now or next."""
        os.eventfd_write(self._descriptor, 1)

    def silence(self) -> None:
        """Take it that it has rung."""
        with suppress(BlockingIOError):
            os.eventfd_read(self._descriptor)

    def close(self) -> None:
        """Ring no more."""
        os.close(self._descriptor)
