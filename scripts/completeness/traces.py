# SPDX-License-Identifier: Apache-2.0
"""What a finished root file system tells of where it was built: elsewhere it would be another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path


def naming(folder: Path, root: Path) -> Iterator[str]:
    """The files of `root` that have the name of a folder in them, sorted."""
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink() and str(folder).encode() in path.read_bytes():
            yield str(path.relative_to(root))
