# SPDX-License-Identifier: Apache-2.0
"""How often a password may be tried, for each account and each phone."""

import threading
import time
from collections import OrderedDict
from collections.abc import Hashable

_MAX_WAIT_SECONDS = 900.0
_FORGET_SECONDS = 3600.0
_MAX_KEYS = 4096


class Throttle:
    """Makes each further failure of a key wait twice as long, once `free` of them are used up.

    Kept in memory: a power cut forgives.
    """

    def __init__(self, free: int, first_wait_seconds: float = 15.0) -> None:
        self._free = free
        self._first_wait = first_wait_seconds
        self._failures: OrderedDict[Hashable, tuple[int, float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, key: Hashable) -> float:
        """Return how many seconds `key` has to wait before its next try."""
        with self._lock:
            count, last = self._failures.get(key, (0, 0.0))
        if count < self._free:
            return 0.0
        doubled = self._first_wait * 2.0 ** min(count - self._free, 10)
        return max(0.0, last + min(doubled, _MAX_WAIT_SECONDS) - time.monotonic())

    def fail(self, key: Hashable) -> None:
        """Count a failure."""
        now = time.monotonic()
        with self._lock:
            count, last = self._failures.pop(key, (0, now))
            self._failures[key] = (1 if now - last > _FORGET_SECONDS else count + 1, now)
            while len(self._failures) > _MAX_KEYS:
                self._failures.popitem(last=False)

    def succeed(self, key: Hashable) -> None:
        """Forget the failures."""
        with self._lock:
            self._failures.pop(key, None)
