# SPDX-License-Identifier: Apache-2.0
"""The slot image that updates carry, and the card that is flashed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from scripts.assembly import layout
from scripts.tools.steps import Log, StepError, megabytes, say

README = """This is where a Mokanda card takes its claim from.

Copy the file mokanda-claim.toml, which your relay's operator gave you, beside this text,
put the card into the board and switch it on.
"""


def squash(root: Path, order: str, work: Path, log: Log) -> Path:
    """The root file system as a squashfs, the same bytes for the same tree and order of files."""
    image, first = work / "root.squashfs", work / "order"
    image.unlink(missing_ok=True)
    first.write_text(order)
    log.run(*squash_command(root, image), "-sort", first)
    return image


def squash_command(root: Path, image: Path) -> tuple[str | Path, ...]:
    """The command that makes it."""
    return (
        *("env", "--unset=SOURCE_DATE_EPOCH", "mksquashfs", root, image),
        *("-noappend", "-no-progress", "-quiet"),
        # Deltas are made of blocks that a device packs again (scripts/releases/deltas).
        *("-comp", "zstd", "-Xcompression-level", str(layout.ZSTD_LEVEL), "-b", "128K"),
        *("-mkfs-time", "0", "-no-exports", "-no-xattrs"),
    )


def slot(root: Path, fit: Path, path: Path) -> None:
    """Lay root file system and FIT image into a slot; raises StepError when one is too large."""
    for what, part, room in (("root", root, layout.ROOT_SIZE), ("boot", fit, layout.FIT_SIZE)):
        size = part.stat().st_size
        say(f"{what} image: {megabytes(size)}, {size / room:.0%} of its place")
        if size > layout.MAX_FILL * room:
            raise StepError(
                f"the {what} image fills {size / room:.0%} of its place in the slot, more than "
                f"{layout.MAX_FILL:.0%}: leave something out"
            )
    _create(path, layout.FIT + _round_up(fit.stat().st_size, 4096))
    _fill_slot(root, fit, path, 0)


def card(
    *,
    root: Path,
    fit: Path,
    setup: Path,
    u_boot: Mapping[Path, int],
    environment: bytes,
    path: Path,
    work: Path,
    log: Log,
) -> Path:
    """Write the SD card image, both slots with the same system; return its block map.

    `u_boot` says at which byte of the card each of its files belongs.

    Only what nobody reads is a hole in the file. All of both file systems is written, zeros too:
    what an older one left on a card in between would be read as part of them.
    """
    _create(path, layout.CARD_SIZE)
    starts = [layout.SETUP, *layout.SLOTS.values(), layout.DATA]
    lengths = [
        layout.SETUP_SIZE,
        layout.SLOT_SIZE,
        layout.SLOT_SIZE,
        layout.CARD_SIZE - layout.DATA,
    ]
    lines = [
        f"start={start // layout.SECTOR}, size={size // layout.SECTOR}, type={kind}"
        for start, size, kind in zip(starts, lengths, ("c", "83", "83", "83"), strict=True)
    ]
    header = f"label: dos\nlabel-id: {layout.DISK_IDENTIFIER:#x}\nunit: sectors\n"
    log.run("sfdisk", "--quiet", path, text=header + "\n".join(lines) + "\n")
    check_places(u_boot)
    for file, offset in u_boot.items():
        _place(file, path, offset)
    with path.open("r+b") as image:
        for offset in layout.ENVIRONMENT:
            image.seek(offset)
            image.write(environment)
    _place(setup, path, layout.SETUP)
    for offset in layout.SLOTS.values():
        _fill_slot(root, fit, path, offset)
    _place(_data(work, log), path, layout.DATA)
    block_map = path.with_suffix(".bmap")
    log.run("bmaptool", "create", "--output", block_map, path)
    return block_map


def check_places(u_boot: Mapping[Path, int]) -> None:
    """Raise StepError where a file of U-Boot would lie over something else on the card."""
    free = 0
    for file, offset in sorted(u_boot.items(), key=lambda item: item[1]):
        end = offset + file.stat().st_size
        if offset < free or not any(start <= offset and end <= to for start, to in layout.U_BOOT):
            raise StepError(f"{file.name} at byte {offset} would lie over something else")
        free = end


def _fill_slot(root: Path, fit: Path, image: Path, slot: int) -> None:
    _place(root, image, slot)
    _place(fit, image, slot + layout.FIT)


def setup(work: Path, log: Log) -> Path:
    """The partition for the claim file, empty but for a text."""
    image, readme = work / "setup.img", work / "README.txt"
    readme.write_text(README.replace("\n", "\r\n"))
    os.utime(readme, (0, 0))
    _create(image, layout.SETUP_SIZE)
    log.run(*("mkfs.vfat", "--invariant", "-i", "6d6f6b61", "-n", "SETUP", image))
    log.run("mcopy", "-m", "-i", image, readme, "::README.txt")
    return image


def beginning(image: Path) -> bytes:
    """What has to be written of a file system's image where anything else lay: all but its end."""
    content = image.read_bytes().rstrip(b"\0")
    return content.ljust(_round_up(len(content), layout.SECTOR), b"\0")


def _data(work: Path, log: Log) -> Path:
    image = work / "data.img"
    _create(image, layout.CARD_SIZE - layout.DATA)
    identifier = "6d6f6b61-6e64-6100-8000-000000000000"
    log.run(
        *("mkfs.ext4", "-q", "-L", "mokanda-data", "-m", "1", "-U", identifier),
        # Those of a large file system, which it becomes at the first boot; at most 1 TiB.
        *("-T", "default", "-b", "4096", "-J", "size=8"),
        "-E",
        f"resize={1 << 28},hash_seed={identifier},lazy_itable_init=0,lazy_journal_init=0",
        image,
    )
    return image


def _create(path: Path, size: int) -> None:
    path.unlink(missing_ok=True)
    with path.open("wb") as image:
        image.truncate(size)


def _place(part: Path, image: Path, offset: int) -> None:
    """Copy a file into an image."""
    with part.open("rb") as source, image.open("r+b") as target:
        target.seek(offset)
        shutil.copyfileobj(source, target, layout.MIB)


def _round_up(size: int, unit: int) -> int:
    return -(-size // unit) * unit
