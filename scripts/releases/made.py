# SPDX-License-Identifier: Apache-2.0
"""What of a release is made already, so that a run that was cut goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from mokanda_wire import durable
from scripts.tools.digest import file_sha256
from scripts.tools.steps import say


class Made:
    """A list of a release's finished files, each with its SHA-256 and what it was made from.

    A file that was cut in the making is on no list, and is made again.
    """

    def __init__(self, path: Path) -> None:
        """Read the list at `path`; there is none at first."""
        self._path = path
        self._list: dict[str, list[str]] = {}
        with suppress(FileNotFoundError, ValueError):
            self._list = json.loads(path.read_text(encoding="utf-8"))

    def step(self, of: str, files: Sequence[Path], make: Callable[[], object]) -> list[Path]:
        """Have these files made, unless they are there as they were made `of` the same."""
        if all(self._holds(of, file) for file in files):
            say(f"{', '.join(file.name for file in files)}: made before")
            return list(files)
        for file in files:
            self._list.pop(file.name, None)
            file.unlink(missing_ok=True)
        make()
        self._list |= {file.name: [of, file_sha256(file)] for file in files}
        durable.write(self._path, (json.dumps(self._list, indent=2) + "\n").encode())
        return list(files)

    def _holds(self, of: str, file: Path) -> bool:
        listed = self._list.get(file.name)
        return file.is_file() and listed == [of, file_sha256(file)]
