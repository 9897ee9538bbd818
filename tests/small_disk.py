# SPDX-License-Identifier: Apache-2.0
"""Disks of a few bytes and files, which can be filled: the device's data, or /run in its memory."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from mokanda_firmware import paths
from scripts.tools.repository import REPOSITORY, TOOLBOX


@contextmanager
def small_disk(folder: Path, options: str) -> Iterator[Path]:
    """Mount a file system in memory at a folder, with tmpfs' options ("size=2m,nr_inodes=30").

    Skips the test where the machine lets nobody mount.
    """
    with _mounted(folder, "-t", "tmpfs", "-o", options, "tmpfs"):
        yield folder


def data_on_small_disk(device: Path, options: str) -> AbstractContextManager[Path]:
    """Move the data of a device to a small disk of their own."""
    return _data_on(device, small_disk(paths.data(), options))


@contextmanager
def _data_on(device: Path, disk: AbstractContextManager[Path]) -> Iterator[Path]:
    kept = device / "kept"
    paths.data().rename(kept)
    paths.data().mkdir()
    with disk as folder:
        subprocess.run(["cp", "-a", f"{kept}/.", folder], check=True)
        yield folder


@contextmanager
def _mounted(folder: Path, *options: str | Path) -> Iterator[Path]:
    mounted = subprocess.run(["mount", *options, folder], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("nothing can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


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


# How the device mounts its data partition.
MOUNT_OPTIONS = re.findall(
    "mount -t ext4 -o ([^ ]+)", (REPOSITORY / "recipes" / "boot" / "init").read_text("utf-8")
)[0]


@contextmanager
def card(image: Path, folder: Path, *options: str) -> Iterator[Path]:
    """Mount a data partition of 128 MiB at a folder: ext4, of which 18 MiB are kept back.

    So much it is on the smallest card. `options` are mke2fs' own. Skips the test where the machine
    mounts no images.
    """
    with image.open("wb") as file:
        file.truncate(128 << 20)
    mkfs = ("mkfs.ext4", "-q", "-F", "-b", "4096", "-m", "15", *options)
    subprocess.run([TOOLBOX, *mkfs, image], check=True)
    with _mounted(folder, "-o", f"loop,{MOUNT_OPTIONS}", image):
        yield folder


def data_on_card(device: Path) -> AbstractContextManager[Path]:
    """Move the data of a device to a card of their own; nobody has them open."""
    return _data_on(device, card(device / "card.img", paths.data()))


def fill_card(filler: Path) -> None:
    """Take all of a card's room that is not kept back."""
    with filler.open("ab") as file:
        while left := os.statvfs(filler.parent).f_bavail:
            os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), left * 4096)
