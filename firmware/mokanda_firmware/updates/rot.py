# SPDX-License-Identifier: Apache-2.0
"""Whether the system that runs can still be read from the card.

The kernel verifies each block as it is read. What has rotted cannot be read, and nobody is told so
until it is wanted.
"""

import errno
import os
import re
import subprocess
from pathlib import Path

_ROTTEN = re.compile(r"device-mapper: verity: .* block \d+ is corrupted")
_SECONDS = 60.0
_AT_ONCE = 1 << 20  # bytes


def is_met() -> bool:
    """Whether the kernel has met a rotten block since it was started."""
    return bool(_ROTTEN.search(_kernel_log()))


def unreadable_file(root: Path = Path("/")) -> Path | None:
    """Name a file of the system that cannot be read: reads all, which takes a minute or more."""
    device = root.stat().st_dev
    for folder, folders, names in os.walk(root):
        here = Path(folder)
        folders[:] = sorted(name for name in folders if (here / name).lstat().st_dev == device)
        for path in (here / name for name in sorted(names)):
            if path.is_file() and not path.is_symlink() and not _can_be_read(path):
                return path
    return None


def _kernel_log() -> str:
    command = ["journalctl", "--dmesg", "--boot", "--quiet", "--no-pager", "--output=cat"]
    try:
        done = subprocess.run(
            command, capture_output=True, check=True, timeout=_SECONDS, errors="replace", text=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout


def _can_be_read(path: Path) -> bool:
    try:
        with path.open("rb", buffering=0) as file:
            while file.read(_AT_ONCE):
                pass
    except OSError as error:
        return error.errno != errno.EIO
    return True
