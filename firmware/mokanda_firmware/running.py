# SPDX-License-Identifier: Apache-2.0
"""Which software runs: its version, and the slot of the card that it was started from."""

import platform
import re
from pathlib import Path

_COMMAND_LINE = Path("/proc/cmdline")
_SLOT = re.compile(r"\brauc\.slot=(\w+)")


def version() -> str:
    """Return the image's version; "development" on a computer that was not started from one."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return "development"
    return release.get("VERSION_ID", "") if release.get("ID") == "mokanda" else "development"


def slot() -> str:
    """Return the slot that U-Boot started, "A" or "B"; "" where there are no slots."""
    found = _SLOT.search(_COMMAND_LINE.read_text(encoding="utf-8"))
    return found[1] if found else ""
