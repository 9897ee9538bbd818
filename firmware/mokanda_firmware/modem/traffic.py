# SPDX-License-Identifier: Apache-2.0
"""What has gone over a network interface, as the kernel counts it: the bill's own bytes."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

_INTERFACES = Path("/sys/class/net")


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes, headers of IP included."""

    up: int = 0
    down: int = 0

    def since(self, before: "Traffic") -> "Traffic":
        """Return what has gone since it was `before`."""
        return Traffic(max(0, self.up - before.up), max(0, self.down - before.down))


def of(interface: str, interfaces: Path = _INTERFACES) -> Traffic:
    """Return what has gone over an interface since it came up; nothing if it is not there."""
    statistics = interfaces / interface / "statistics"
    with contextlib.suppress(OSError, ValueError):
        up, down = (
            int((statistics / name).read_text(encoding="ascii"))
            for name in ("tx_bytes", "rx_bytes")
        )
        return Traffic(up, down)
    return Traffic()
