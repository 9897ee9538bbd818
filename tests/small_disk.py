# SPDX-License-Identifier: Apache-2.0
"""Disks of a few bytes and files, which can be filled: the device's data, or /run in its memory."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mokanda_firmware import paths


@contextmanager
def small_disk(folder: Path, options: str) -> Iterator[Path]:
    """Mount a file system in memory at a folder, with tmpfs' options ("size=2m,nr_inodes=30").

    Skips the test where the machine lets nobody mount.
    """
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting needs root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def data_on_small_disk(device: Path, options: str) -> Iterator[Path]:
    """Move the data of a device to a small disk of their own."""
    kept = device / "kept"
    paths.data().rename(kept)
    paths.data().mkdir()
    with small_disk(paths.data(), options) as disk:
        subprocess.run(["cp", "-a", f"{kept}/.", disk], check=True)
        yield disk


@contextmanager
def memory(folder: Path) -> Iterator[Path]:
    """Let a folder have little room, as /run may have; yields what `fill` makes there."""
    with small_disk(folder, "size=64k"):
        yield folder / "others"


def fill(file: Path) -> None:
    """Take all the room that is left."""
    with file.open("ab", buffering=0) as filling:
        try:
            while True:
                filling.write(bytes(4096))
        except OSError:
            return
