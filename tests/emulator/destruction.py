# SPDX-License-Identifier: Apache-2.0
"""What is destroyed on a card whose board has no power."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mokanda_firmware.updates.slot import Slot
from scripts.assembly import layout
from scripts.emulator.card import run_tool, set_boot_variable

_BLOCK: Final = 4096
# Where in a part of a slot something lies, as shares of that part: the FIT image holds the kernel
# first and the initramfs last, and a root file system the content of files before their tables.
_OF_FIT: Final = {"description": (0.0, 0.0), "kernel": (0.3, 0.3), "initramfs": (0.95, 0.95)}
_OF_ROOT: Final = {"root": (0.0, 0.0), "files": (0.01, 0.9)}


def begin_with_b(card: Path) -> None:
    """Give slot B the system of slot A, on trial, and let it be started first."""
    with card.open("r+b") as file:
        file.seek(layout.SLOTS["A"])
        content = file.read(layout.SLOT_SIZE)
        file.seek(layout.SLOTS["B"])
        file.write(content)
    for name, value in (("BOOT_ORDER", "B A"), ("BOOT_B_LEFT", "3")):
        set_boot_variable(card, name, value)


def destroy(card: Path, what: str) -> None:
    """Overwrite a part of a card that has no power; of slots, it is B's."""
    with card.open("r+b") as file:
        for start, size in _places(card, what):
            file.seek(start)
            file.write(b"\xa5" * size)


def _places(card: Path, what: str) -> Iterator[tuple[int, int]]:
    """Where it lies, and how many bytes it has."""
    if what.startswith("environment-"):
        yield layout.ENVIRONMENT[int(what[-1]) - 1] + 100, 4
    elif what == "setup":
        yield layout.SETUP, layout.SETUP_SIZE
    elif what == "superblock":
        yield layout.DATA + 1024, 1024
    elif what == "journal":
        block = run_tool("debugfs", "-R", "bmap <8> 0", f"{card}?offset={layout.DATA}").split()[-1]
        yield layout.DATA + int(block) * _BLOCK, 16 * _BLOCK
    else:
        yield _part_of_b(card, what)


def _part_of_b(card: Path, what: str) -> tuple[int, int]:
    with card.open("rb") as file:
        file.seek(layout.SLOTS["B"])
        content = file.read(layout.SLOT_SIZE)
    image = card.with_name("slot-b.img")
    image.write_bytes(content)
    try:
        with image.open("rb") as file:
            root, fit = Slot(file).parts
    finally:
        image.unlink()
    part, (first, last) = (root, _OF_ROOT[what]) if what in _OF_ROOT else (fit, _OF_FIT[what])
    size = part.end - part.start
    start = part.start + round(first * size) // _BLOCK * _BLOCK
    end = part.start + round(last * size) // _BLOCK * _BLOCK + _BLOCK
    return layout.SLOTS["B"] + start, end - start
