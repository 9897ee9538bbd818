# SPDX-License-Identifier: Apache-2.0
"""The update that was installed last: kept where there is room, to mend by what it has made.

In a bundle, what goes into the slot lies as it is, but for blocks of zeros, which are left out
(`bundle` in scripts/releases/release.py).
"""

import logging
import os
import shutil
from pathlib import Path
from typing import BinaryIO

from mokanda_firmware import paths
from mokanda_firmware.updates.partition import FIT
from mokanda_firmware.updates.slot import SQUASHFS
from mokanda_firmware.updates.verity import BLOCK
from mokanda_wire import durable

ROOM = 512 << 20  # bytes that are free beside it, or it is not kept

_log = logging.getLogger(__name__)

_NAME = "installed.kept"
_HEAD = 64 << 10  # bytes of the bundle, a squashfs, in which that of the root begins
_BLOCK_SIZE = slice(12, 16)  # the bundle's, in its beginning


def keep(bundle: Path) -> None:
    """Take a bundle that was installed in the place of the one before; no update hangs on that."""
    try:
        bundle.replace(_path())
        durable.sync_folder(bundle.parent)
        give_way()
    except OSError as error:
        _log.warning("the update is not kept: %s", error)


def give_way(missing: int = 0) -> None:
    """Let go of it where the card has not room for much more, and so many bytes."""
    path = _path()
    if path.exists() and shutil.disk_usage(path.parent).free < ROOM + missing:
        path.unlink()


def open_kept() -> BinaryIO | None:
    """Open it; None where there is none, or none that can be read."""
    try:
        return _path().open("rb")
    except OSError:
        return None


def _path() -> Path:
    return paths.updates() / _NAME


class KeptSlot:
    """What a bundle puts into a slot, as far as its blocks are found; who reads them checks."""

    def __init__(self, file: BinaryIO, blocks: int) -> None:
        """Look where they begin; `blocks` are those of the file system and its hash tree."""
        self._descriptor = file.fileno()
        head = self._read(0, _HEAD)
        self._start = head.find(SQUASHFS, len(SQUASHFS))
        self._blocks = blocks
        size = max(int.from_bytes(head[_BLOCK_SIZE], "little"), BLOCK)
        self._fit = -(-blocks * BLOCK // size) * size  # behind all that the file system lies in

    def block(self, number: int) -> bytes | None:
        """Return a block, or what lies where it should; None where nothing can be read."""
        if self._start < 0:
            return None
        if number >= FIT:
            content = self._read(self._start + self._fit + (number - FIT) * BLOCK, BLOCK)
        else:
            content = self._read(self._start + number * BLOCK, BLOCK)
        return content if len(content) == BLOCK else None

    def _read(self, start: int, size: int) -> bytes:
        try:
            return os.pread(self._descriptor, size, start)
        except OSError:
            return b""
