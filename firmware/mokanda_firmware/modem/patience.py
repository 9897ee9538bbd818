# SPDX-License-Identifier: Apache-2.0
"""How long what passes with most may last, until it is told as what it is."""

from mokanda_firmware.modem.clock import Clock


class Patience:
    """So many seconds of it, from the first time that it is asked for."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._since: float | None = None

    def lasts(self) -> bool:
        """Whether it lasts still."""
        if self._since is None:
            self._since = self._clock.now()
        return self._clock.now() - self._since < self._seconds

    def renew(self) -> None:
        """All is well: the next time it is whole again."""
        self._since = None
