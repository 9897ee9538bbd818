# SPDX-License-Identifier: Apache-2.0
"""Which boot of the device this is, and how long it lasts: what no clock that anybody sets tells.

No clock tells either how long a device without power was off.
"""

import time
from pathlib import Path
from typing import Final

ID: Final = Path("/proc/sys/kernel/random/boot_id")


def name() -> str:
    """Return the kernel's name for this boot."""
    return ID.read_text(encoding="ascii").strip()


def seconds() -> float:
    """Return for how many seconds it lasts."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
