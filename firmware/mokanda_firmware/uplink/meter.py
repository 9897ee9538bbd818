# SPDX-License-Identifier: Apache-2.0
"""What a paid link carries, to the byte: the interface's own count, names and headers included.

That is what a mobile network bills; what TCP tells of one connection is a third less on a night
without mail.
"""

import contextlib
from pathlib import Path
from typing import Final

_INTERFACES: Final = Path("/sys/class/net")


class Meter:
    """Counts from when it is made; an interface that comes in place of it is counted as a whole."""

    def __init__(self, interface: str, interfaces: Path = _INTERFACES) -> None:
        self._folder = interfaces / interface
        self._before = (0, 0)  # what others of its name have carried
        self._last = self._start = self._read() or (0, 0, 0)

    def passed(self) -> tuple[int, int]:
        """Return the bytes of IP packets sent and received; of a link that is gone, the last."""
        now = self._read() or self._last
        if now[0] != self._last[0]:
            self._before = self._since_start()
            self._start = (now[0], 0, 0)
        self._last = now
        return self._since_start()

    def _since_start(self) -> tuple[int, int]:
        (up, down), (_, sent, received), (_, *start) = self._before, self._last, self._start
        return up + sent - start[0], down + received - start[1]

    def _read(self) -> tuple[int, int, int] | None:
        """Return the kernel's number of the interface, and its bytes; None: it is gone."""
        with contextlib.suppress(OSError, ValueError):
            number, sent, received = (
                int((self._folder / name).read_text())
                for name in ("ifindex", "statistics/tx_bytes", "statistics/rx_bytes")
            )
            return number, sent, received
        return None
