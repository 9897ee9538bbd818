# SPDX-License-Identifier: Apache-2.0
"""Blocks of a slot's partition: read from the card itself, written so that they are there."""

import errno
import logging
import mmap
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from mokanda_firmware.updates import slot
from mokanda_firmware.updates.verity import BLOCK

FIT = slot.FIT // BLOCK  # the FIT image's first block

_log = logging.getLogger(__name__)

_AT_ONCE = 64  # blocks
# What a card says of a sector that it cannot read any more.
_UNREADABLE = (errno.EIO, errno.EILSEQ, errno.ENODATA)


class Partition:
    """A partition, past the kernel's cache: neither is memory taken, nor an old content shown."""

    def __init__(self, path: Path) -> None:
        """Open it for both; raises OSError."""
        self._descriptor = os.open(path, os.O_RDWR | os.O_DIRECT | os.O_DSYNC | os.O_CLOEXEC)
        self._buffer = mmap.mmap(-1, _AT_ONCE * BLOCK)  # as such a file wants it: at a page's start

    def __enter__(self) -> Self:
        """Close it when the block ends."""
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        os.close(self._descriptor)

    def block(self, number: int) -> bytes | None:
        """Return a block; None where the card cannot read it. Raises OSError."""
        return self._read(number, 1)

    def blocks(self, first: int, count: int) -> Iterator[tuple[int, bytes | None]]:
        """Each of some blocks with its number, likewise."""
        for start in range(first, first + count, _AT_ONCE):
            size = min(_AT_ONCE, first + count - start)
            content = self._read(start, size)
            for number in range(size):
                if content is None:
                    yield start + number, self._read(start + number, 1)
                else:
                    yield start + number, content[number * BLOCK : (number + 1) * BLOCK]

    def put(self, number: int, content: bytes) -> bool:
        """Write a block; returns whether the card holds it now, for it is read back."""
        self._buffer[:BLOCK] = content
        try:
            os.pwritev(self._descriptor, [memoryview(self._buffer)[:BLOCK]], number * BLOCK)
        except OSError as error:
            _log.error("block %d: %s", number, error)
            return False
        return self.block(number) == content

    def _read(self, first: int, count: int) -> bytes | None:
        wanted = count * BLOCK
        try:
            with memoryview(self._buffer) as buffer, buffer[:wanted] as place:
                read = os.preadv(self._descriptor, [place], first * BLOCK)
        except OSError as error:
            if error.errno not in _UNREADABLE:
                raise
            return None
        return self._buffer[:wanted] if read == wanted else None
