# SPDX-License-Identifier: Apache-2.0
"""Programs and files of a root file system, found as its own shell would find them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

PATH = ("usr/sbin", "usr/bin")
_LINKS_AT_MOST = 40  # as many as Linux follows


def missing(names: Iterable[str], files: Iterable[str], root: Path) -> Iterator[str]:
    """Complaints about programs that nobody could start, and files that are not there."""
    for name in names:
        if find(name, root) is None:
            yield f"{name}: no such program"
    for file in files:
        if inside(Path(file), root) is None:
            yield f"{file}: no such file"


def find(name: str, root: Path) -> Path | None:
    """The file of a program, below `root`; None where there is none or it may not be started."""
    for part in PATH:
        path = inside(Path("/", part, name), root)
        if path and path.is_file() and os.access(path, os.X_OK):
            return path
    return None


def inside(path: Path, root: Path) -> Path | None:
    """Where an absolute path of the root file system leads to; None where it leads nowhere."""
    left, at, links = list(path.parts[1:]), root, 0
    while left:
        part = left.pop(0)
        if part == "..":
            at = at if at == root else at.parent
            continue
        at = at / part
        if at.is_symlink():
            links += 1
            target = at.readlink()
            left = [*(target.parts[1:] if target.is_absolute() else target.parts), *left]
            at = root if target.is_absolute() else at.parent
        if links > _LINKS_AT_MOST or not at.exists():
            return None
    return at
