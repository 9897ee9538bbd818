# SPDX-License-Identifier: Apache-2.0
"""Restored data take the place of the current ones, by renames, before anything else is started.

In the restore folder lie, with a number that grows with each restore:

    new         being unpacked; of no worth after a power cut
    ready-N     unpacked, checked and confirmed: takes the data's place at the next start
    before-N    the data that ready-N has replaced, until the keeper deletes them or goes back

Each step is one rename, and what lies there says which one is next. So a power cut between any
two loses nothing: the next start goes on.
"""

import logging
import os
import shutil
import time
from pathlib import Path

from mokanda_firmware import paths
from mokanda_wire.durable import sync_folder

KEPT_SECONDS = 14 * 24 * 3600  # for which one may go back

_log = logging.getLogger(__name__)


def new() -> Path:
    """Return an empty folder to unpack into, with the owner and mode of the data folder."""
    clean()
    folder = unpacked()
    paths.restore().mkdir(mode=0o700, exist_ok=True)
    folder.mkdir()
    state = paths.data().stat()
    if os.geteuid() == 0:
        os.chown(folder, state.st_uid, state.st_gid)
    folder.chmod(state.st_mode & 0o7777)
    return folder


def unpacked() -> Path:
    """Where `new` is."""
    return paths.restore() / "new"


def clean() -> None:
    """Delete what was not finished."""
    shutil.rmtree(unpacked(), ignore_errors=True)


def confirm() -> None:
    """Let what was unpacked take the data's place at the next start; older data can go."""
    forget()
    folder = unpacked()
    _sync_tree(folder)
    folder.replace(paths.restore() / f"ready-{_next_number()}")
    sync_folder(paths.restore())


def is_ready() -> bool:
    """Whether data wait for the next start."""
    return any(paths.restore().glob("ready-*"))


def before() -> Path | None:
    """Return the data that the last restore has replaced."""
    return max(paths.restore().glob("before-*"), key=_number, default=None)


def go_back() -> None:
    """Let the data from before the last restore come back at the next start."""
    old = before()
    if old is not None:
        old.replace(paths.restore() / f"ready-{_next_number()}")
        sync_folder(paths.restore())


def forget() -> None:
    """Delete the data that restores have replaced."""
    for old in paths.restore().glob("before-*"):
        gone = paths.restore() / f"gone-{old.name}"
        old.replace(gone)  # never half of it comes back
        sync_folder(paths.restore())
    for gone in paths.restore().glob("gone-*"):
        shutil.rmtree(gone, ignore_errors=True)


def forget_old() -> None:
    """Delete what the last restore has replaced, once it has been kept for long enough."""
    old = before()
    if old is not None and time.time() - old.stat().st_ctime > KEPT_SECONDS:
        forget()


def switch() -> None:
    """Do at a start what is to be done; nobody else uses the data yet."""
    ready = max(paths.restore().glob("ready-*"), key=_number, default=None)
    if ready is None or paths.wipe_mark().exists():  # the wipe takes these data, too
        return
    old = paths.restore() / f"before-{_number(ready)}"
    _take_card_mark(paths.data() if paths.data().exists() else old, ready)
    if paths.data().exists() and not old.exists():
        paths.data().replace(old)
        os.utime(old)
        sync_folder(paths.data().parent)
        sync_folder(paths.restore())
    ready.replace(paths.data())
    sync_folder(paths.restore())
    sync_folder(paths.data().parent)
    _log.warning("the data were restored from a backup; those before are kept as %s", old.name)


def _take_card_mark(data: Path, ready: Path) -> None:
    """Have the mark of this card go on with the restored data: it is the same card."""
    mark, taken = (folder / paths.card_mark().name for folder in (data, ready))
    taken.unlink(missing_ok=True)
    if mark.exists():
        taken.hardlink_to(mark)  # its owner with it; who writes a new one replaces the file
        sync_folder(ready)


def _number(path: Path) -> int:
    number = path.name.rpartition("-")[2]
    return int(number) if number.isdigit() else 0


def _next_number() -> int:
    return max((_number(path) for path in paths.restore().iterdir()), default=0) + 1


def _sync_tree(folder: Path) -> None:
    """Have every folder on the disk; files were synced as they were written."""
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir() and not path.is_symlink():
            sync_folder(path)
