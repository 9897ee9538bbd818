# SPDX-License-Identifier: Apache-2.0
"""Where two cards, slots, root file systems or FIT images differ first, in words."""

from __future__ import annotations

import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from scripts.assembly import layout
from scripts.tools import read_back
from scripts.tools.repository import TOOLBOX

_SQUASHFS = b"hsqs"
_FIT = b"\xd0\x0d\xfe\xed"


def first_difference(one: Path, two: Path) -> str | None:
    """Name the first part in which two files differ, and its first file; None if they are equal."""
    at = _first_byte(one, two)
    if at is None:
        return None
    with one.open("rb") as file:
        magic = file.read(4)
    where = f"byte {at}"
    if magic == _FIT:
        where = _part_of_fit(one, two) or where
    elif one.stat().st_size == layout.CARD_SIZE:
        where = f"{_place_on_card(at)}, {where}"
    elif magic == _SQUASHFS and at < layout.ROOT_SIZE:
        where = _file_of_root(one, two) or where
    return where


def _first_byte(one: Path, two: Path) -> int | None:
    """The first byte in which two files differ, or at which one ends."""
    at = 0
    with one.open("rb") as first, two.open("rb") as second:
        while True:
            blocks = first.read(layout.MIB), second.read(layout.MIB)
            if blocks[0] != blocks[1]:
                return at + read_back.first_difference(*blocks)
            if not blocks[0]:
                return None
            at += len(blocks[0])


def _place_on_card(at: int) -> str:
    """What lies on the card at a byte."""
    places = {
        0: "partition table",
        layout.SECTOR: "U-Boot",
        **dict.fromkeys(layout.ENVIRONMENT, "U-Boot's environment"),
        layout.ENVIRONMENT[1] + layout.ENVIRONMENT_SIZE: "U-Boot",
        layout.SETUP: "partition 1 (SETUP)",
        layout.DATA: "partition 4 (data)",
    }
    for number, (name, start) in enumerate(layout.SLOTS.items(), start=2):
        places[start] = f"partition {number} (slot {name}), root file system"
        places[start + layout.FIT] = f"partition {number} (slot {name}), FIT image"
    return places[max(start for start in places if start <= at)]


def _part_of_fit(one: Path, two: Path) -> str | None:
    """The first of a FIT image's parts that differs."""
    for name in _run("fdtget", "-l", one, "/images").decode().split():
        parts = [_run("fdtget", "-tr", file, f"/images/{name}", "data") for file in (one, two)]
        if parts[0] != parts[1]:
            return name
    return None


def _file_of_root(one: Path, two: Path) -> str | None:
    """The first file in which two root file systems differ, and in what."""
    with tempfile.TemporaryDirectory(prefix="mokanda-") as folder:
        roots = [Path(folder) / name for name in ("one", "two")]
        for image, root in zip((one, two), roots, strict=True):
            _run("unsquashfs", "-quiet", "-no-progress", "-dest", root, image)
        listed = [list(_listed(root)) for root in roots]
        for first, second in zip(*listed, strict=False):
            if first != second:
                return f"{min(first[0], second[0])} is in one of them only"
            paths = [root / first[0] for root in roots]
            for what, tell in _TOLD.items():
                if tell(paths[0]) != tell(paths[1]):
                    return f"{what} of {first[0]}"
        if len(listed[0]) != len(listed[1]):
            longer = max(listed, key=len)
            return f"{longer[min(map(len, listed))][0]} is in one of them only"
    return None


def _listed(root: Path) -> Iterator[tuple[str, int]]:
    """Every file and its kind, by name."""
    for path in sorted(root.rglob("*")):
        yield str(path.relative_to(root)), stat.S_IFMT(path.lstat().st_mode)


def _content(path: Path) -> object:
    if path.is_symlink():
        return path.readlink()
    return path.read_bytes() if path.is_file() else b""


_TOLD: dict[str, Callable[[Path], object]] = {
    "content": _content,
    "mode": lambda path: path.lstat().st_mode,
    "owner": lambda path: (path.lstat().st_uid, path.lstat().st_gid),
    "time": lambda path: path.lstat().st_mtime_ns,
}


def _run(*command: str | Path) -> bytes:
    return subprocess.run([TOOLBOX, "--root", *command], check=True, capture_output=True).stdout
