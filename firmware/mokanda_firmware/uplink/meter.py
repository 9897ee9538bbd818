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
    """Counts from when it is made until the interface goes."""

    def __init__(self, interface: str, interfaces: Path = _INTERFACES) -> None:
        self._folder = interfaces / interface / "statistics"
        self._start = self._read() or (0, 0)
        self._last = self._start

    def passed(self) -> tuple[int, int]:
        """Return the bytes of IP packets sent and received; of a link that is gone, the last."""
        self._last = self._read() or self._last
        return self._last[0] - self._start[0], self._last[1] - self._start[1]

    def _read(self) -> tuple[int, int] | None:
        with contextlib.suppress(OSError, ValueError):
            sent, received = (
                int((self._folder / name).read_text()) for name in ("tx_bytes", "rx_bytes")
            )
            return sent, received
        return None
