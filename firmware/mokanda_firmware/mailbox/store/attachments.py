# SPDX-License-Identifier: Apache-2.0
"""Attachments: files named by the SHA-256 of what is in them, so that each is kept once.

A file is complete and on the disk before a row of the database names it. A file that no row names,
left by a power cut or an upload given up, does no harm and is swept away later.
"""

import contextlib
import errno
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from mokanda_firmware.mailbox.store import room
from mokanda_wire import durable
from mokanda_wire.durable import Unfinished, Written
from mokanda_wire.message import Attachment

# Attachments never take the last of the data partition: the database must still be able to write.
RESERVE_BYTES = 8 << 20
# What both ends make of pictures and voices, by its first bytes: extension and media type.
_JUST_CAME_SECONDS = 3600.0  # no file waits longer for the row that names it
_JPEG = ("jpg", "image/jpeg")
_MADE = {
    b"RIFF": ("webp", "image/webp"),
    b"OggS": ("ogg", "audio/ogg"),
    b"\x89PNG": ("png", "image/png"),
}


class Incoming:
    """An attachment being written; nothing of it stays unless `keep` is called."""

    def __init__(self, folder: Path, file: Unfinished, note: Callable[[str], None]) -> None:
        self._folder = folder
        self._file = file
        self._note = note  # that a file of this digest comes

    @property
    def size(self) -> int:
        """Bytes written."""
        return self._file.size

    def write(self, data: bytes) -> None:
        """Append; raises OSError with ENOSPC when it would take the reserve."""
        self._file.write(data)

    def keep(self) -> str:
        """Make it an attachment that a power cut does not take; return its digest in hex."""
        digest = self._file.digest
        self._note(digest)
        self._file.keep(_place(self._folder, digest))
        return digest


class Attachments:
    """The folder of attachments: <first two hex digits>/<sha256>."""

    def __init__(self, folder: Path, reserve: int = RESERVE_BYTES) -> None:
        self._folder = folder
        self.reserve = reserve
        self.leave_files = room.ATTACHMENTS_LEAVE_FILES
        self._orphans: set[Written] = set()  # of the last look
        self._came: dict[str, float] = {}  # by this process, and when

    @contextlib.contextmanager
    def incoming(self) -> Iterator[Incoming]:
        """Take an attachment piece by piece, in bounded memory."""
        self._folder.mkdir(parents=True, exist_ok=True)
        if not self.takes_files():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._folder))
        with durable.unfinished(self._folder, 0o640, reserve=self.reserve) as file:
            yield Incoming(self._folder, file, self._note)

    def takes_files(self) -> bool:
        """Whether the partition takes one more file, and leaves enough for all others."""
        return room.takes_files(self._folder.parent, self.leave_files)

    def path(self, digest: str) -> Path:
        """Return the file of an attachment; it may not have come yet."""
        return _place(self._folder, digest)

    def here(self, part: Attachment) -> Attachment | None:
        """Say what of a file is here: all of it, or what was made of it, named and typed so."""
        whole = as_it_was(part)
        if self.path(whole.digest).exists():
            return whole
        if part.held_back:
            return None
        with contextlib.suppress(FileNotFoundError):
            return self.in_its_form(whole._replace(digest=part.digest, size=part.size))
        return None

    def in_its_form(self, part: Attachment) -> Attachment:
        """Name and type a picture or voice by what is in it; raises FileNotFoundError."""
        with self.path(part.digest).open("rb") as file:
            extension, media_type = _MADE.get(file.read(4), _JPEG)
        stem = part.name.rpartition(".")[0] or part.name
        return part._replace(name=f"{stem}.{extension}", media_type=media_type)

    def orphans(self, wanted: set[str]) -> set[Written]:
        """Return the files that `wanted` does not name, nor did at the last look.

        One that was written since then may belong to a transaction that has not ended.
        """
        before, self._orphans = self._orphans, set()
        for path in [*self._folder.glob(".*"), *self._folder.glob("[0-9a-f][0-9a-f]/*")]:
            if path.name not in wanted:
                with contextlib.suppress(FileNotFoundError):
                    self._orphans.add(Written.at(path))
        return before & self._orphans

    def sweep(self, wanted: set[str]) -> int:
        """Remove the files that `wanted` does not name, at once; return how many.

        Not those that have just come by this process: their rows may be about to. What another
        process has just written it would ask the relay for again.
        """
        long_ago = time.monotonic() - _JUST_CAME_SECONDS
        just_came = {digest for digest, at in list(self._came.items()) if at > long_ago}
        files = [
            path
            for path in self._folder.glob("[0-9a-f][0-9a-f]/*")
            if path.name not in wanted and path.name not in just_came
        ]
        for path in files:
            path.unlink(missing_ok=True)
        return len(files)

    def _note(self, digest: str) -> None:
        now = time.monotonic()
        for known, at in list(self._came.items()):
            if at < now - _JUST_CAME_SECONDS:
                self._came.pop(known, None)
        self._came[digest] = now

    def remove(self, orphans: set[Written], wanted: set[str]) -> int:
        """Remove those of the `orphans` that `wanted` does not name; return how many."""
        return sum(each.delete() for each in orphans if each.path.name not in wanted)


def as_it_was(part: Attachment) -> Attachment:
    """Describe a file as the relay got it, whatever came of it."""
    if not part.original:
        return part
    return part._replace(
        digest=part.original, size=part.original_size, original="", original_size=0
    )


def _place(folder: Path, digest: str) -> Path:
    return folder / digest[:2] / digest
