# SPDX-License-Identifier: Apache-2.0
"""What the relay's folders of files have in common."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from mokanda_relay.store.blob_store import Written
from mokanda_wire import durable

MODE = 0o600  # of each file: keys, mail and claims are nobody else's


class Folder:
    """Files of one kind, each by its name, under one folder."""

    def __init__(self, root: Path) -> None:
        """Make the folder where it is missing."""
        self._root = root
        root.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _path(self, name: str) -> Path:
        return self._root / name

    def delete(self, name: str) -> None:
        """Delete a file, if it is there."""
        self._path(name).unlink(missing_ok=True)

    def written(self) -> Iterator[Written]:
        """All files, unfinished ones included."""
        for path in self._root.iterdir():
            with suppress(FileNotFoundError):
                yield _written(durable.Written.at(path))

    def delete_unchanged(self, written: Written) -> None:
        """Delete a file that was listed, unless it was written again since."""
        with suppress(FileNotFoundError):
            now = durable.Written.at(self._path(written.name))
            if _written(now) == written:
                now.delete()


def _written(file: durable.Written) -> Written:
    return Written(file.path.name, f"{file.inode} {file.moment}")
