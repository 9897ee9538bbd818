# SPDX-License-Identifier: Apache-2.0
"""Where the relay keeps what is too large for its database: mails, bundles, photos.

A row names a blob only after the blob is durable, so a crash leaves at worst a blob that no row
names; the housekeeper deletes those.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import BinaryIO, NamedTuple, Protocol


class BlobNotFoundError(Exception):
    """There is no blob of this name."""


class Written(NamedTuple):
    """A blob as it was when it was listed; the same name may be written again."""

    name: str
    version: str  # means something to its store alone


class BlobStore(Protocol):
    """The blobs of one kind, each by its name; never changed, but for being written again.

    Every method may raise OSError for what passes: a disk that is full, a network that is down.
    """

    def read(self, name: str) -> bytes:
        """The whole of a blob; raises BlobNotFoundError."""

    def open(self, name: str, offset: int = 0) -> BinaryIO:
        """A blob from `offset` on, which is at most its size, to be read once and closed.

        Raises:
            BlobNotFoundError: there is none of this name.
        """

    def size(self, name: str) -> int:
        """How many bytes a blob has; raises BlobNotFoundError."""

    def exists(self, name: str) -> bool:
        """Whether there is a blob of this name."""

    def write(self, name: str, data: bytes) -> None:
        """Keep `data` under `name`; whole and durable when this returns, else not there at all."""

    def write_by_digest(self, chunks: Iterable[bytes]) -> tuple[str, int]:
        """Keep what `chunks` yield under its SHA-256, durably; never all of it in memory.

        Returns:
            The digest in hexadecimal, which is the blob's name, and the size in bytes.
        """

    def delete(self, name: str) -> None:
        """Delete a blob, if it is there."""

    def written(self) -> Iterator[Written]:
        """All blobs, and what is left of those whose writing broke off."""

    def delete_unchanged(self, written: Written) -> None:
        """Delete a blob that was listed, unless it was written again since."""
