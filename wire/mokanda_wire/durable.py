# SPDX-License-Identifier: Apache-2.0
"""Files that are there, whole, after a power cut: the other half of what a database keeps.

A file is written under another name, brought to the disk, and then given its name, which is brought
to the disk too. So a name stands for the old content or the new, never for a part of it. On a disk
that is full, or when the power goes, the old content stays; at worst a file remains that begins
with `UNFINISHED`, which the owner of the folder deletes when nobody writes to it.
"""

import errno
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple, Self

UNFINISHED = ".unfinished-"  # how the names begin of files that are being written


def sync_content(file: BinaryIO) -> None:
    """Make durable what was written so far to a file that is being written."""
    file.flush()
    os.fdatasync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Make durable what others have written: all files below a folder, and their names.

    Raises:
        OSError: it cannot be done.
    """
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent) / name
            with suppress(FileNotFoundError):  # a lock that was let go of
                if path.is_file():
                    _sync_file(path)
        sync_folder(Path(parent))


def _sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Unfinished:
    """A file that is being written; it is gone when its block ends, unless it was kept."""

    def __init__(self, file: BinaryIO, path: Path, reserve: int) -> None:
        self.size = 0  # bytes written
        self._file = file
        self._path = path
        self._hash = hashlib.sha256()
        self._room = _free(path.parent) - reserve if reserve else None

    @property
    def digest(self) -> str:
        """The SHA-256, in hexadecimal, of what was written."""
        return self._hash.hexdigest()

    def write(self, data: bytes) -> None:
        """Append.

        Raises:
            OSError: of ENOSPC, when it would take what is reserved; or the system's own.
        """
        self.size += len(data)
        if self._room is not None and self.size > self._room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path.parent))
        self._hash.update(data)
        self._file.write(data)

    def keep(self, path: Path) -> None:
        """Make it, durably, the file at `path` on the same disk; a folder that is missing is made.

        Raises:
            OSError: it cannot be done; what was at `path` is there still.
        """
        self._file.flush()
        os.fsync(self._file.fileno())
        if not path.parent.is_dir():
            path.parent.mkdir(exist_ok=True)
            sync_folder(path.parent.parent)
        self._path.replace(path)
        sync_folder(path.parent)


@contextmanager
def unfinished(folder: Path, mode: int = 0o666, *, reserve: int = 0) -> Iterator[Unfinished]:
    """Write a file piece by piece, in bounded memory.

    Args:
        folder: where it lies until it is kept.
        mode: of the file, less the process' umask.
        reserve: bytes of the disk that it leaves free.
    """
    path = folder / f"{UNFINISHED}{secrets.token_hex(8)}"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield Unfinished(file, path, reserve)
    finally:
        path.unlink(missing_ok=True)


def write(path: Path, data: bytes, mode: int = 0o666) -> None:
    """Replace the file at `path`, atomically and durably; a folder that is missing is made.

    Raises:
        OSError: it cannot be done; what was at `path` is there still.
    """
    if not path.parent.is_dir():
        path.parent.mkdir(parents=True, exist_ok=True)
        sync_folder(path.parent.parent)
    with unfinished(path.parent, mode) as file:
        file.write(data)
        file.keep(path)


class Written(NamedTuple):
    """A file as it was when it was looked at; the same path may be written again."""

    path: Path
    inode: int
    moment: int  # nanoseconds

    @classmethod
    def at(cls, path: Path) -> Self:
        """Look at a file; raises FileNotFoundError."""
        state = path.stat()
        return cls(path, state.st_ino, state.st_mtime_ns)

    def delete(self) -> bool:
        """Delete it, unless it was written again; tell whether it is gone by this."""
        with suppress(FileNotFoundError):
            if Written.at(self.path) == self:
                self.path.unlink()
                return True
        return False


def _free(folder: Path) -> int:
    state = os.statvfs(folder)
    return state.f_bavail * state.f_frsize
