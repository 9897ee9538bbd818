# SPDX-License-Identifier: Apache-2.0
"""How much room the data partition has, and what of it letters may not take.

ext4 keeps a hundredth of the partition back, for root and, by a mount option (recipes/boot/init),
for the group of the daemons. What `statvfs` calls available is without it. So a store on a full
card still opens, people log in and delete, and every daemon keeps what it has to remember: only
what grows without an end, letters and files, stays out of what is kept back.
Nothing is kept back of the files that the partition can take; those that come in numbers leave
some for all others.
"""

import os
import sqlite3
from pathlib import Path

# Bytes that letters leave available. A bundle may take more than was there: the greatest up to
# 14 MiB of what is kept back, while it is applied, which is 18 MiB on the smallest card.
LETTERS_LEAVE = 4 << 20
# Files that attachments leave possible: for the store's own two, and a few of each daemon.
ATTACHMENTS_LEAVE_FILES = 200


def available(folder: Path) -> int:
    """Return the bytes that the partition of a folder has, but those kept back.

    Raises:
        OSError: it cannot be asked.
    """
    state = os.statvfs(folder)
    return state.f_bavail * state.f_frsize


def takes_files(folder: Path, leave: int = 0) -> bool:
    """Whether the partition of a folder takes more files, if so many are to be left possible.

    Raises:
        OSError: it cannot be asked.
    """
    state = os.statvfs(folder)
    return not state.f_files or state.f_favail > leave  # some file systems do not count them


def takes_letters(connection: sqlite3.Connection, folder: Path) -> bool:
    """Whether a database in a folder may grow; what was deleted in it is room, too.

    Raises:
        OSError, sqlite3.Error: it cannot be asked.
    """
    if available(folder) >= LETTERS_LEAVE:
        return True
    [pages] = connection.execute("PRAGMA freelist_count").fetchone()
    [size] = connection.execute("PRAGMA page_size").fetchone()
    return bool(pages * size >= LETTERS_LEAVE)
