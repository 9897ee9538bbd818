# SPDX-License-Identifier: Apache-2.0
"""Rebuilds an update, byte for byte, from a delta and the system that runs.

A delta is a header (mokanda_wire.delta), a plan, and what the plan's steps need, in their order.
A step makes the next bytes of the update, in one of six ways:

    COPY   as they lie in the slot
    TEXT   a zstd frame, unpacked
    BLOCK  the same, and packed again as mksquashfs has packed it
    TABLE  the same, behind two bytes of its size, as a squashfs has the blocks of its tables
    TREE   the hash tree of the bytes that were made last, with the salt that is given
    PIECE  as BLOCK, but packed again as a piece of the kernel's gzip

Frames may refer to what lies in the slot: blocks of its root file system or pieces of its kernel,
unpacked, or bytes as they are. So what travels of a changed block is what has changed before it was
compressed.

The whole plan is checked before anything is made. The bounds of a step are those of memory, too:
whatever a delta says, no more than MAX_BLOCK is unpacked at once, beside MAX_PREFIX.
"""

import hashlib
import os
import struct
from collections.abc import Callable, Iterable, Iterator
from enum import IntEnum
from typing import BinaryIO, NamedTuple

from mokanda_firmware.updates import deflate, zstandard
from mokanda_firmware.updates.deflate import DeflateError
from mokanda_firmware.updates.slot import SIZE, Slot
from mokanda_firmware.updates.verity import BLOCK, SALT, hash_tree, tree_size
from mokanda_firmware.updates.zstandard import ZstandardError
from mokanda_wire import durable
from mokanda_wire.delta import DeltaError, Header

MAX_UPDATE = 2 * SIZE  # bytes
MAX_PLAN = 512 << 10  # bytes, unpacked
MAX_BLOCK = 128 << 10  # bytes of a step, and of a block of a squashfs, unpacked
MAX_PREFIX = 1 << 20  # bytes that a step refers to, unpacked
MAX_REFERENCES = 16
_MAX_WORK = 4  # a plan may pack so many times the bytes that an update may have

_COPIED = 256 << 10  # bytes at a time
_SYNC = 1 << 20  # how many bytes a power cut may cost
_SIZES = struct.Struct("<II")  # of the plan, packed and unpacked
_STEP = struct.Struct("<BBIII")
_REFERENCE = struct.Struct("<II")
_AS_IS = 1 << 31


class Kind(IntEnum):
    """How a step makes its bytes."""

    COPY = 0
    TEXT = 1
    BLOCK = 2
    TABLE = 3
    TREE = 4
    PIECE = 5


_BY_ZSTD = (Kind.BLOCK, Kind.TABLE)  # that a system has zlib as its maker is in its SHA-256
_PACKED = (*_BY_ZSTD, Kind.PIECE)


class Reference(NamedTuple):
    """`size` bytes of the slot from `start`: what is packed there as the step's own, or `as_is`."""

    start: int
    size: int
    as_is: bool


class Step(NamedTuple):
    """A step of a plan.

    Attributes:
        size: how many bytes of the update it makes.
        unpacked: how many a frame's content has, or a hash tree is made of; 0 of a copy.
        packed: how many bytes of the delta it uses.
        references: where the bytes of a COPY lie, one behind the other; of what lies in the slot, a
            frame's prefix.
    """

    kind: Kind
    size: int
    unpacked: int
    packed: int
    references: tuple[Reference, ...]


def dump_plan(steps: Iterable[Step]) -> bytes:
    """Write the plan that follows a header."""
    plan = bytearray()
    for step in steps:
        plan += _STEP.pack(step.kind, len(step.references), step.size, step.unpacked, step.packed)
        for start, size, as_is in step.references:
            plan += _REFERENCE.pack(start, size | (_AS_IS if as_is else 0))
    packed = zstandard.pack(bytes(plan), 19)
    return _SIZES.pack(len(packed), len(plan)) + packed


def rebuild(
    delta: BinaryIO, slot: Slot, output: BinaryIO, progress: Callable[[int], None]
) -> Header:
    """Write the update that a delta stands for, and bring it to the disk.

    What an earlier call has left in `output` is not made again. Calls `progress` with the number of
    bytes that are made.

    Raises:
        DeltaError: the delta is damaged, or not for this system; `output` is then of no use.
        SlotError: the slot cannot be read.
        OSError: the output cannot be written.
    """
    header, plan = _read(delta)
    _check(header, plan, slot, _left(delta))
    made, synced = 0, 0
    held = output.seek(0, os.SEEK_END)
    for step in _steps(plan):
        if made + step.size <= held:
            delta.seek(step.packed, os.SEEK_CUR)
            made += step.size
            continue
        output.seek(made)
        output.truncate()
        held = 0
        try:
            for some in _made(step, header, slot, delta, output):
                output.seek(made)
                output.write(some)
                made += len(some)
        except (ZstandardError, DeflateError) as error:
            raise DeltaError(f"The delta is damaged: {error}") from error
        if made - synced >= _SYNC:
            durable.sync_content(output)
            synced = made
            progress(made)
    durable.sync_content(output)
    if _sha256(output) != header.sha256:
        raise DeltaError("What the delta makes is not the update.")
    progress(made)
    return header


def _read(delta: BinaryIO) -> tuple[Header, bytes]:
    header = Header.read(delta)
    sizes = delta.read(_SIZES.size)
    if len(sizes) < _SIZES.size:
        raise DeltaError("The delta ends too early.")
    packed, unpacked = _SIZES.unpack(sizes)
    if packed > MAX_PLAN or unpacked > MAX_PLAN or header.size > MAX_UPDATE:
        raise DeltaError("The delta is too large.")
    try:
        plan = zstandard.unpack(delta.read(packed), unpacked)
    except ZstandardError as error:
        raise DeltaError(f"The delta's plan is damaged: {error}") from error
    return header, plan


def _steps(plan: bytes) -> Iterator[Step]:
    at = 0
    try:
        while at < len(plan):
            kind, count, size, unpacked, packed = _STEP.unpack_from(plan, at)
            at += _STEP.size
            references = []
            for _ in range(count):
                start, stored = _REFERENCE.unpack_from(plan, at)
                at += _REFERENCE.size
                references.append(Reference(start, stored & ~_AS_IS, bool(stored & _AS_IS)))
            yield Step(Kind(kind), size, unpacked, packed, tuple(references))
    except (struct.error, ValueError) as error:
        raise DeltaError("The delta's plan is damaged.") from error


def _check(header: Header, plan: bytes, slot: Slot, payload: int) -> None:
    """Raise DeltaError unless the plan makes the update of what there is, within all bounds."""
    made = used = work = 0
    for step in _steps(plan):
        if not _is_sound(step, made) or not all(
            slot.has(each.start, each.size) for each in step.references
        ):
            raise DeltaError("The delta's plan is not sound.")
        if step.kind in _BY_ZSTD and header.zstd != zstandard.version():
            raise DeltaError(f"The delta needs version {header.zstd} of zstd.")
        made += step.size
        used += step.packed
        work += step.unpacked
    if made != header.size or used != payload or work > _MAX_WORK * MAX_UPDATE:
        raise DeltaError("The delta's plan does not come to its update.")


def _is_sound(step: Step, made: int) -> bool:
    """Whether a step's sizes are those of its kind; `made` bytes are there before it."""
    references = step.references
    if step.kind is Kind.COPY:
        return (
            len(references) == 1
            and references[0].as_is
            and references[0].size == step.size > 0
            and step.packed == step.unpacked == 0
        )
    if step.kind is Kind.TREE:
        return (
            not references
            and BLOCK < step.unpacked <= made
            and step.unpacked % BLOCK == 0
            and (step.size, step.packed) == (tree_size(step.unpacked), SALT)
        )
    bounds = 0 < step.unpacked <= MAX_BLOCK and step.packed > 0 and 0 < step.size <= 2 * MAX_BLOCK
    prefix = sum(each.size for each in references) <= MAX_PREFIX
    whole = step.size == step.unpacked or step.kind in _PACKED
    return (
        bounds
        and step.packed <= 2 * MAX_BLOCK
        and prefix
        and whole
        and (len(references) <= MAX_REFERENCES)
    )


def _made(
    step: Step, header: Header, slot: Slot, delta: BinaryIO, output: BinaryIO
) -> Iterator[bytes]:
    """The bytes that a step makes."""
    if step.kind is Kind.COPY:
        (source,) = step.references
        end = source.start + source.size
        for start in range(source.start, end, _COPIED):
            yield slot.read(start, min(_COPIED, end - start))
        return
    payload = delta.read(step.packed)
    if step.kind is Kind.TREE:
        end = output.tell()
        yield hash_tree(output, end - step.unpacked, step.unpacked, payload)
        return
    unpack = deflate.unpack if step.kind is Kind.PIECE else zstandard.unpack
    prefix = _prefix(step.references, slot, unpack)
    content = zstandard.unpack(payload, step.unpacked, prefix)
    del prefix
    if step.kind in _BY_ZSTD:
        content = zstandard.pack(content, header.level)
    elif step.kind is Kind.PIECE:
        content = deflate.pack(content)
    if step.kind is Kind.TABLE:
        content = len(content).to_bytes(2, "little") + content
    if len(content) != step.size:
        raise DeltaError("A step of the delta does not make what it says.")
    yield content


def _prefix(
    references: tuple[Reference, ...], slot: Slot, unpack: Callable[[bytes, int], bytes]
) -> bytearray:
    prefix = bytearray()
    for start, size, as_is in references:
        stored = slot.read(start, size)
        room = MAX_PREFIX - len(prefix)
        if as_is and size > room:
            raise DeltaError("A step of the delta refers to too much.")
        prefix += stored if as_is else unpack(stored, min(room, MAX_BLOCK))
    return prefix


def _sha256(file: BinaryIO) -> bytes:
    file.seek(0)
    told = hashlib.sha256()
    while some := file.read(_COPIED):
        told.update(some)
    return told.digest()


def _left(file: BinaryIO) -> int:
    here = file.tell()
    end = file.seek(0, os.SEEK_END)
    file.seek(here)
    return end - here
