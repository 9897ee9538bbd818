# SPDX-License-Identifier: Apache-2.0
"""Files that are there, whole, after a power cut: the other half of what the database keeps.

A row names a file only after the file is durable, so a crash leaves at worst a file that no row
names; the housekeeper deletes those.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Self

_UNFINISHED = ".unfinished-"


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_durably(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replace the file at `path` by `data`, atomically and durably."""
    unfinished = path.with_name(f"{_UNFINISHED}{secrets.token_hex(8)}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


class Written(NamedTuple):
    """A file, as it was written; the same name may be written again."""

    name: str
    inode: int
    moment: int  # nanoseconds

    @classmethod
    def at(cls, path: Path) -> Self:
        """Look at a file; raises FileNotFoundError."""
        state = path.stat()
        return cls(path.name, state.st_ino, state.st_mtime_ns)


class Files:
    """The files of one kind, each by a name, under one folder; written once, never changed."""

    def __init__(self, root: Path) -> None:
        """Create the folder where it is missing."""
        self._root = root
        root.mkdir(mode=0o700, parents=True, exist_ok=True)

    def path(self, name: str) -> Path:
        """Where the file called `name` is, or would be."""
        return self._root / name

    def write(self, name: str, data: bytes) -> None:
        """Keep `data` under `name`, durably."""
        write_durably(self.path(name), data)

    def write_by_digest(self, chunks: Iterable[bytes]) -> tuple[str, int]:
        """Keep what `chunks` yield under its SHA-256, durably; never all of it in memory.

        Returns:
            The digest in hexadecimal, which is the file's name, and the size in bytes.
        """
        unfinished = self._root / f"{_UNFINISHED}{secrets.token_hex(8)}"
        digest, size = hashlib.sha256(), 0
        try:
            with unfinished.open("xb") as file:
                for chunk in chunks:
                    file.write(chunk)
                    digest.update(chunk)
                    size += len(chunk)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self.path(digest.hexdigest()))
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        sync_folder(self._root)
        return digest.hexdigest(), size

    def delete(self, name: str) -> None:
        """Delete the file called `name`, if it is there."""
        self.path(name).unlink(missing_ok=True)

    def written(self) -> Iterator[Written]:
        """All files, unfinished ones included."""
        for path in self._root.iterdir():
            with contextlib.suppress(FileNotFoundError):
                yield Written.at(path)

    def delete_written(self, written: Written) -> None:
        """Delete a file, unless it was written again."""
        with contextlib.suppress(FileNotFoundError):
            path = self.path(written.name)
            if Written.at(path) == written:
                path.unlink()
