# SPDX-License-Identifier: Apache-2.0
"""A slot with a few blocks, and deltas that are made by hand."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from mokanda_firmware.updates import deflate, zstandard
from mokanda_firmware.updates.rebuild import Kind, Reference, Step, dump_plan
from mokanda_firmware.updates.slot import FIT, Part
from mokanda_wire.delta import Header

LEVEL = 3
KERNEL = b"The kernel, at its beginning; " * 20


class Block(NamedTuple):
    """A block of the slot's root file system, or a piece of its kernel."""

    content: bytes
    stored: Reference


def a_slot(path: Path, contents: Iterable[bytes]) -> list[Block]:
    """Write a slot with these blocks; its FIT image, of 4096 bytes, has a piece of a kernel."""
    blocks, start = [], 96
    with path.open("wb") as file:
        file.seek(start)
        for content in contents:
            packed = zstandard.pack(content, LEVEL)
            file.write(packed)
            blocks.append(Block(content, Reference(start, len(packed), as_is=False)))
            start += len(packed)
        file.seek(0)
        file.write(b"hsqs".ljust(40, b"\0") + start.to_bytes(8, "little"))
        file.seek(FIT)
        fit = b"\xd0\x0d\xfe\xed" + (4096).to_bytes(4, "big") + deflate.pack(KERNEL)
        file.write(fit.ljust(4096, b"F"))
    return blocks


def parts(slot: Path) -> bytes:
    """All bytes of a slot that somebody reads."""
    with slot.open("rb") as file:
        used = int.from_bytes(file.read(48)[40:], "little")
        file.seek(0)
        root = file.read(used)
        file.seek(FIT)
        return root + file.read(4096)


def text(content: bytes, *blocks: Block) -> tuple[Step, bytes, bytes]:
    """A step that makes `content` by what is in blocks; its payload; what it makes."""
    frame = zstandard.pack(content, LEVEL, b"".join(each.content for each in blocks))
    references = tuple(each.stored for each in blocks)
    return Step(Kind.TEXT, len(content), len(content), len(frame), references), frame, content


def block(content: bytes, *blocks: Block, level: int = LEVEL) -> tuple[Step, bytes, bytes]:
    """The same, of a step that packs it again."""
    step, frame, _ = text(content, *blocks)
    made = zstandard.pack(content, level)
    return step._replace(kind=Kind.BLOCK, size=len(made)), frame, made


def a_kernel() -> Block:
    """The piece of a kernel that every slot has."""
    size = len(deflate.pack(KERNEL))
    return Block(KERNEL, Reference(FIT + 8, size, as_is=False))


def piece(content: bytes, *pieces: Block) -> tuple[Step, bytes, bytes]:
    """A step that makes a piece of a kernel by what is in others."""
    step, frame, _ = text(content, *pieces)
    made = deflate.pack(content)
    return step._replace(kind=Kind.PIECE, size=len(made)), frame, made


def copy(slot: Path, part: Part) -> tuple[Step, bytes, bytes]:
    """A step that copies bytes of the slot."""
    with slot.open("rb") as file:
        file.seek(part.start)
        content = file.read(part.end - part.start)
    reference = Reference(part.start, len(content), as_is=True)
    return Step(Kind.COPY, len(content), 0, 0, (reference,)), b"", content


def a_delta(
    slot: Path, made: Iterable[tuple[Step, bytes, bytes]], **changes: object
) -> tuple[bytes, bytes]:
    """A delta of these steps, and the update that it stands for."""
    made = list(made)
    update = b"".join(content for _, _, content in made)
    header = Header(
        base=hashlib.sha256(parts(slot)).digest(),
        base_version="1.0.0",
        level=LEVEL,
        zstd=zstandard.version(),
        size=len(update),
        sha256=hashlib.sha256(update).digest(),
    )
    plan = dump_plan(step for step, _, _ in made)
    payload = b"".join(each for _, each, _ in made)
    return header._replace(**changes).dump() + plan + payload, update  # type: ignore[arg-type]
