# SPDX-License-Identifier: Apache-2.0
"""Which software runs: its version, and the slot of the card that it was started from."""

import platform
import re
from pathlib import Path

_COMMAND_LINE = Path("/proc/cmdline")
_SLOT = re.compile(r"\brauc\.slot=(\w+)")


def version() -> str:
    """Return the image's version; "development" on a computer that was not started from one."""
    return _release().get("VERSION_ID", "development")


def board() -> str:
    """Return the board that the image was made for; "" on a computer that is none."""
    return _release().get("VARIANT_ID", "")


def slot() -> str:
    """Return the slot that U-Boot started, "A" or "B"; "" where there are no slots."""
    found = _SLOT.search(_COMMAND_LINE.read_text(encoding="utf-8"))
    return found[1] if found else ""


def other_slot() -> str:
    """Return the slot that does not run."""
    return "B" if slot() == "A" else "A"


def _release() -> dict[str, str]:
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return {}
    return release if release.get("ID") == "mokanda" else {}
