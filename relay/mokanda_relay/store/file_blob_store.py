# SPDX-License-Identifier: Apache-2.0
"""Blobs as files in a folder."""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

from mokanda_relay.store.blob_store import BlobNotFoundError
from mokanda_relay.store.folder import MODE, Folder
from mokanda_wire import durable


class FileBlobStore(Folder):
    """A BlobStore whose blobs are files under one folder."""

    def read(self, name: str) -> bytes:
        """The whole of a blob; raises BlobNotFoundError."""
        with self.open(name) as file:
            return file.read()

    def open(self, name: str, offset: int = 0) -> BinaryIO:
        """A blob from `offset` on; raises BlobNotFoundError."""
        try:
            file = self._path(name).open("rb")
        except FileNotFoundError as error:
            raise BlobNotFoundError(name) from error
        file.seek(offset)
        return file

    def size(self, name: str) -> int:
        """How many bytes a blob has; raises BlobNotFoundError."""
        try:
            return self._path(name).stat().st_size
        except FileNotFoundError as error:
            raise BlobNotFoundError(name) from error

    def exists(self, name: str) -> bool:
        """Whether there is a blob of this name."""
        return self._path(name).exists()

    def write(self, name: str, data: bytes) -> None:
        """Keep `data` under `name`, durably."""
        durable.write(self._path(name), data, MODE)

    def write_by_digest(self, chunks: Iterable[bytes]) -> tuple[str, int]:
        """Keep what `chunks` yield under its SHA-256, durably; returns that, and the bytes."""
        with durable.unfinished(self._root, MODE) as file:
            for chunk in chunks:
                file.write(chunk)
            file.keep(self._path(file.digest))
            return file.digest, file.size
