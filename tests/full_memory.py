# SPDX-License-Identifier: Apache-2.0
"""A folder in memory that has no room left, as /run may be."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def memory(folder: Path) -> Iterator[Path]:
    """Mount a small file system in memory at a folder; yields what `fill` makes there.

    Skips the test where the machine lets nobody mount.
    """
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("mounting needs root")
    try:
        yield folder / "others"
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(file: Path) -> None:
    """Take all the room that is left."""
    with file.open("ab", buffering=0) as filling:
        try:
            while True:
                filling.write(bytes(4096))
        except OSError:
            return
