# SPDX-License-Identifier: Apache-2.0
"""Attachments: files named by the SHA-256 of what is in them, so that each is kept once.

A file is complete and on the disk before a row of the database names it. A file that no row names,
left by a power cut or an upload given up, does no harm and is swept away later.
"""

import contextlib
import errno
import hashlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, NamedTuple, Self

from mokanda_firmware.files import sync_folder
from mokanda_wire.message import Attachment

# Attachments never take the last of the data partition: the database must still be able to write.
RESERVE_BYTES = 8 << 20


class Written(NamedTuple):
    """A file, as it was written; the same path may be written again."""

    path: Path
    inode: int
    moment: int  # nanoseconds

    @classmethod
    def at(cls, path: Path) -> Self:
        """Look at a file; raises FileNotFoundError."""
        state = path.stat()
        return cls(path, state.st_ino, state.st_mtime_ns)


class Incoming:
    """An attachment being written; nothing of it stays unless `keep` is called."""

    def __init__(self, folder: Path, file: BinaryIO, path: Path, reserve: int) -> None:
        self.size = 0  # bytes written
        self._folder = folder
        self._file = file
        self._path = path
        self._hash = hashlib.sha256()
        self._room = _free_bytes(folder) - reserve

    def write(self, data: bytes) -> None:
        """Append; raises OSError with ENOSPC when it would take the reserve."""
        self.size += len(data)
        if self.size > self._room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._folder))
        self._hash.update(data)
        self._file.write(data)

    def keep(self) -> str:
        """Make it an attachment that a power cut does not take; return its digest in hex."""
        digest = self._hash.hexdigest()
        final = self._folder / digest[:2] / digest
        self._file.flush()
        os.fsync(self._file.fileno())
        if not final.parent.is_dir():
            final.parent.mkdir(exist_ok=True)
            sync_folder(self._folder)
        self._path.replace(final)
        sync_folder(final.parent)
        return digest


class Attachments:
    """The folder of attachments: <first two hex digits>/<sha256>."""

    def __init__(self, folder: Path, reserve: int = RESERVE_BYTES) -> None:
        self._folder = folder
        self.reserve = reserve
        self._orphans: set[Written] = set()  # of the last look

    @contextlib.contextmanager
    def incoming(self) -> Iterator[Incoming]:
        """Take an attachment piece by piece, in bounded memory."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f".incoming-{secrets.token_hex(8)}"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield Incoming(self._folder, file, path, self.reserve)
        finally:
            path.unlink(missing_ok=True)

    def path(self, digest: str) -> Path:
        """Return the file of an attachment; it may not have come yet."""
        return self._folder / digest[:2] / digest

    def here(self, part: Attachment) -> Attachment | None:
        """Say what of a file is here: all of it, or a smaller picture, by its own name and type."""
        whole = as_it_was(part)
        if self.path(whole.digest).exists():
            return whole
        if part.held_back:
            return None
        try:
            with self.path(part.digest).open("rb") as file:
                kind = "webp" if file.read(4) == b"RIFF" else "jpeg"
        except FileNotFoundError:
            return None
        stem = part.name.rpartition(".")[0] or part.name
        return replace(
            whole,
            name=f"{stem}.{kind.replace('jpeg', 'jpg')}",
            media_type=f"image/{kind}",
            digest=part.digest,
            size=part.size,
        )

    def orphans(self, wanted: set[str]) -> set[Written]:
        """Return the files that `wanted` does not name, nor did at the last look.

        One that was written since then may belong to a transaction that has not ended.
        """
        before, self._orphans = self._orphans, set()
        for path in [*self._folder.glob(".incoming-*"), *self._folder.glob("[0-9a-f][0-9a-f]/*")]:
            if path.name not in wanted:
                with contextlib.suppress(FileNotFoundError):
                    self._orphans.add(Written.at(path))
        return before & self._orphans

    def remove(self, orphans: set[Written], wanted: set[str]) -> int:
        """Remove those of the `orphans` that `wanted` does not name; return how many."""
        removed = 0
        for orphan in orphans:
            with contextlib.suppress(FileNotFoundError):
                if orphan.path.name not in wanted and Written.at(orphan.path) == orphan:
                    orphan.path.unlink()
                    removed += 1
        return removed


def as_it_was(part: Attachment) -> Attachment:
    """Describe a file as the relay got it, whatever came of it."""
    if not part.original:
        return part
    return replace(
        part, digest=part.original, size=part.original_size, original="", original_size=0
    )


def _free_bytes(folder: Path) -> int:
    state = os.statvfs(folder)
    return state.f_bavail * state.f_frsize
