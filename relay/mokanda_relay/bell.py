# SPDX-License-Identifier: Apache-2.0
"""How workers are told that there is work."""

from __future__ import annotations

import threading


class Bell:
    """Wakes those who wait for work; a ring before the wait is not missed."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._rings = 0

    def ring(self) -> None:
        """Wake all."""
        with self._condition:
            self._rings += 1
            self._condition.notify_all()

    def rings(self) -> int:
        """How often it has rung; taken before looking for work."""
        with self._condition:
            return self._rings

    def wait(self, rings: int, seconds: float) -> None:
        """Wait until it has rung more often than `rings`, at most some seconds."""
        with self._condition:
            self._condition.wait_for(lambda: self._rings > rings, timeout=seconds)
