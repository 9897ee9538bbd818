# SPDX-License-Identifier: Apache-2.0
"""Files in memory, to be written again and again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class File:
    """What is in a file, and who may read it."""

    content: bytes
    mode: int

    @classmethod
    def of(cls, path: Path) -> File:
        """Take up the file at `path`."""
        return cls(path.read_bytes(), path.stat().st_mode & 0o777)

    def write(self, path: Path) -> None:
        """Write it to `path`, with the folders that are missing."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_bytes(self.content)
        path.chmod(self.mode)


Files = dict[Path, File]  # each by its path within a folder


def files_of(folder: Path) -> Files:
    """Take up all files below a folder."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder): File.of(path) for path in paths}


def write_files(files: Files, folder: Path) -> None:
    """Write files into a folder."""
    for path, file in files.items():
        file.write(folder / path)
