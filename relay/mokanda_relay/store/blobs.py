# SPDX-License-Identifier: Apache-2.0
"""The relay's files: the other half of what the database keeps.

A row names a file only after the file is durable, so a crash leaves at worst a file that no row
names; the housekeeper deletes those.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from mokanda_wire import durable
from mokanda_wire.durable import Written

_MODE = 0o600


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
        durable.write(self.path(name), data, _MODE)

    def write_by_digest(self, chunks: Iterable[bytes]) -> tuple[str, int]:
        """Keep what `chunks` yield under its SHA-256, durably; never all of it in memory.

        Returns:
            The digest in hexadecimal, which is the file's name, and the size in bytes.
        """
        with durable.unfinished(self._root, _MODE) as file:
            for chunk in chunks:
                file.write(chunk)
            file.keep(self.path(file.digest))
            return file.digest, file.size

    def delete(self, name: str) -> None:
        """Delete the file called `name`, if it is there."""
        self.path(name).unlink(missing_ok=True)

    def written(self) -> Iterator[Written]:
        """All files, unfinished ones included."""
        for path in self._root.iterdir():
            with contextlib.suppress(FileNotFoundError):
                yield Written.at(path)
