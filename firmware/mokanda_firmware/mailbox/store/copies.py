# SPDX-License-Identifier: Apache-2.0
"""Copies of the mail store, one a day if it has changed: what a damaged one falls back to.

A copy is read through before it counts. So a store whose damage nobody has met yet is found out,
and takes no good copy's place.
"""

import os
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from mokanda_firmware import paths
from mokanda_firmware.mailbox.store.database import Store, StoreDamaged, is_damage
from mokanda_wire.durable import sync_folder

KEPT = 2
EVERY_SECONDS = 20 * 3600
CHECK_SECONDS = 7 * 24 * 3600  # where there is no room for copies
RESERVE = 32 << 20  # bytes that a copy leaves free
_UNFINISHED = "copy.part"


def look_after(store: Store) -> None:
    """Copy the store, or else check it, if it is time.

    Raises:
        StoreDamaged: it is.
        StoreError: it cannot be copied now.
        OSError: there is no room after all.
    """
    newest = max(all_copies(), key=_made, default=None)
    changed = max(path.stat().st_mtime for path in store.files())
    if newest is not None and _made(newest) == changed:
        return
    due = newest is None or abs(time.time() - _made(newest)) > EVERY_SECONDS
    if due and _has_room(store):
        _copy(store, changed)
    elif due and abs(time.time() - _checked()) > CHECK_SECONDS:
        store.check()
        _checked_mark().touch()


def all_copies() -> list[Path]:
    """Return the copies that there are."""
    return list(paths.store_copies().glob("copy-*.db"))


def give_up() -> bool:
    """Delete all copies, where the store itself has no room to open; return whether any was there.

    Raises:
        OSError: they cannot be deleted.
    """
    found = all_copies()
    for copy in found:
        copy.unlink(missing_ok=True)
    return bool(found)


def newest_first() -> list[Path]:
    """Return the copies, the last one first."""
    return sorted(all_copies(), key=_made, reverse=True)


def _copy(store: Store, changed: float) -> None:
    """Make a copy, whose time is that of the last change in it."""
    folder = paths.store_copies()
    folder.mkdir(exist_ok=True)
    part = folder / _UNFINISHED
    part.unlink(missing_ok=True)
    try:
        store.copy_to(part)
        if not is_sound(part):
            raise StoreDamaged("a copy of the mail store is damaged")
        os.utime(part, (changed, changed))
        _sync(part)
        taken = {path.name for path in all_copies()}
        names = [f"copy-{number}.db" for number in range(1, KEPT + 1)]
        free = [name for name in names if name not in taken]
        part.replace(folder / (free[0] if free else newest_first()[-1].name))
        sync_folder(folder)
    finally:
        part.unlink(missing_ok=True)


def is_sound(database: Path) -> bool:
    """Whether SQLite finds nothing wrong with a database; it reads all of it.

    Raises:
        sqlite3.OperationalError: it cannot read it now, which says nothing of what is in it.
    """
    try:
        with closing(sqlite3.connect(database)) as connection:
            connection.text_factory = bytes
            [verdict] = connection.execute("PRAGMA integrity_check(1)").fetchone()
            [version] = connection.execute("PRAGMA user_version").fetchone()
    except UnicodeDecodeError:  # what SQLite has to say of the damage quotes it
        return False
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        return False
    return bool(verdict == b"ok" and version > 0)


def _made(copy: Path) -> float:
    return copy.stat().st_mtime


def _has_room(store: Store) -> bool:
    size = sum(path.stat().st_size for path in store.files())
    return shutil.disk_usage(paths.data()).free > size + RESERVE


def _checked_mark() -> Path:
    return paths.data() / "store-checked"


def _checked() -> float:
    try:
        return _checked_mark().stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
