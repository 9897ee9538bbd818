# SPDX-License-Identifier: Apache-2.0
"""What lies in a slot of the card, as far as anybody reads it: a root file system and a FIT image.

Between the two, and behind, are bytes of whatever lay there before.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from mokanda_firmware import paths

FIT = 64 << 20  # bytes from the slot's start; for good, as cards are in villages
SIZE = 96 << 20  # bytes

# What the two begin with.
SQUASHFS, FIT_IMAGE = b"hsqs", b"\xd0\x0d\xfe\xed"

_CHUNK = 256 << 10  # bytes


class SlotError(Exception):
    """There is no system of ours in the slot, or it cannot be read."""


class Part(NamedTuple):
    """Bytes of a slot from `start` to before `end`."""

    start: int
    end: int


class Slot:
    """A slot, or an image of one, that is open for reading."""

    def __init__(self, file: BinaryIO) -> None:
        """Look at what is in it.

        Raises:
            SlotError: nothing that could be of ours.
        """
        self._descriptor = file.fileno()
        root = self._read(0, 48)
        fit = self._read(FIT, 8)
        used = int.from_bytes(root[40:48], "little")
        whole = int.from_bytes(fit[4:8], "big")
        if not root.startswith(SQUASHFS) or not fit.startswith(FIT_IMAGE):
            raise SlotError("There is no system in this slot.")
        if used > FIT or whole > SIZE - FIT:
            raise SlotError("What is in this slot does not fit into it.")
        self.parts = (Part(0, used), Part(FIT, FIT + whole))

    def read(self, start: int, size: int) -> bytes:
        """Return bytes of one of the parts.

        Raises:
            SlotError: they are not all of one part, or cannot be read.
        """
        if not self.has(start, size):
            raise SlotError("There are no such bytes in this slot.")
        return self._read(start, size)

    def has(self, start: int, size: int) -> bool:
        """Whether there are such bytes in one of the parts."""
        return any(part.start <= start and start + size <= part.end for part in self.parts)

    def sha256(self) -> bytes:
        """The SHA-256 of all parts, one behind the other: reads some 40 MB.

        Raises:
            SlotError: they cannot be read.
        """
        told = hashlib.sha256()
        for part in self.parts:
            for start in range(part.start, part.end, _CHUNK):
                told.update(self._read(start, min(_CHUNK, part.end - start)))
        return told.digest()

    def _read(self, start: int, size: int) -> bytes:
        content = b""
        try:
            while len(content) < size:
                more = os.pread(self._descriptor, size - len(content), start + len(content))
                if not more:
                    raise SlotError("The slot ends too early.")
                content += more
        except OSError as error:
            raise SlotError(f"The slot cannot be read: {error}") from error
        return content


def running() -> Path:
    """The device of the slot that runs; what is mounted of it is but its verified part."""
    root = _root_device()
    below = [path.name for path in root.glob("slaves/*")]
    return Path("/dev") / (below or [root.name])[0]


def other() -> Path:
    """The device of the slot that does not run: partition 2 or 3 of the same card."""
    own = running()
    return own.with_name(own.name[:-1] + {"2": "3", "3": "2"}[own.name[-1]])


@contextmanager
def writing(*, wait: bool = False) -> Iterator[bool]:
    """Be the only one of the device's processes that writes to slots, or learn that another is."""
    with paths.slots_lock().open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True


def _root_device() -> Path:
    """The folder in /sys of the device whose file system is the root."""
    device = os.stat("/").st_dev  # noqa: PTH116 - of the root itself
    number = f"{os.major(device)}:{os.minor(device)}"
    return Path(f"/sys/dev/block/{number}").resolve()
