# SPDX-License-Identifier: Apache-2.0
"""How often a caller has tried to prove something in vain."""

from __future__ import annotations

import collections
import threading
import time
from contextlib import suppress

_MAX_CALLERS = 10_000


class Tries:
    """Lets each caller try so often within so many seconds; a try counts from when it begins."""

    def __init__(self, most: int, within: float) -> None:
        self._most = most
        self._within = within
        self._begun: dict[str, collections.deque[float]] = {}
        self._lock = threading.Lock()

    def begin(self, caller: str) -> float | None:
        """Begin a try, to be forgiven if it is not in vain; None if there were too many."""
        now = time.monotonic()
        with self._lock:
            begun = self._begun.setdefault(caller, collections.deque())
            while begun and begun[0] < now - self._within:
                begun.popleft()
            if len(begun) >= self._most:
                return None
            begun.append(now)
            if len(self._begun) > _MAX_CALLERS:
                self._begun.pop(next(iter(self._begun)))
        return now

    def forgive(self, caller: str, begun: float) -> None:
        """Count a try no longer."""
        with self._lock, suppress(ValueError):
            self._begun.get(caller, collections.deque()).remove(begun)
