# SPDX-License-Identifier: Apache-2.0
"""Makes a delta from one update's system to another update."""

from __future__ import annotations

import hashlib
import io
import re
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from mokanda_firmware.updates import deflate, zstandard
from mokanda_firmware.updates.rebuild import (
    MAX_PREFIX,
    MAX_REFERENCES,
    Kind,
    Reference,
    Step,
    dump_plan,
    rebuild,
)
from mokanda_firmware.updates.slot import FIT, Slot
from mokanda_firmware.updates.verity import BLOCK, SALT, hash_tree, tree_size
from mokanda_wire.delta import Header
from scripts.assembly.layout import ZSTD_LEVEL
from scripts.releases.deltas.kernel import Alike, KernelPiece, pieces
from scripts.releases.deltas.squashfs import TAIL, UNPACKED_METADATA, Block, Squashfs

SLOT_IMAGE, MANIFEST = "/slot.img", "/manifest.raucm"
_FRAMES = 22  # the level of what travels
_PIECE = 128 << 10  # bytes
_PROBE = 64  # bytes by which equal ones are found
_WORTH = 4096  # bytes from which on equal ones are copied
_ZSTD = re.compile(r".*/libzstd\.so\.(\d+)\.(\d+)\.(\d+)")
_ZLIB = re.compile(r".*/libz\.so\.([\d.]+)")
_SALT = re.compile(rb"\bverity-salt=([0-9a-f]{64})\b")
_VERSION = re.compile(rb"^version=(.+)$", re.MULTILINE)


class UnfitError(Exception):
    """No delta can be made of these two updates."""


class Made(NamedTuple):
    """A step, what it needs of the delta, and what it makes."""

    step: Step
    payload: bytes
    content: bytes


class Piece(NamedTuple):
    """Bytes of the new slot, and how they are made."""

    start: int
    made: Made


class System:
    """What a slot holds: its root file system, and its FIT image."""

    def __init__(self, image: bytes) -> None:
        self.image = image
        self.root = Squashfs(image)
        self.fit = image[FIT : FIT + int.from_bytes(image[FIT + 4 : FIT + 8], "big")]
        self.blocks = self.root.blocks()

    def zstd(self) -> int:
        """The version of zstd in it, as ZSTD_versionNumber(); 0 where there is none."""
        for name in self.root.files:
            if found := _ZSTD.fullmatch(name):
                major, minor, patch = map(int, found.groups())
                return major * 10000 + minor * 100 + patch
        return 0

    def kernel(self) -> list[KernelPiece]:
        """The kernel's pieces, if the system packs them as we do; a device does so by its zlib."""
        found = filter(None, map(_ZLIB.fullmatch, self.root.files))
        is_ours = any(each[1] == zlib.ZLIB_RUNTIME_VERSION for each in found)
        return pieces(self.fit) if is_ours else []


def make(old: bytes, new: bytes) -> bytes:
    """Make the delta from the system that one update brings to another update.

    The delta is tried: what it makes is the update.

    Raises:
        UnfitError: no delta can be made of these two.
        SquashfsError, struct.error: one of them is damaged.
        SlotError: the old one brings no system.
    """
    before = Squashfs(old)
    version = _VERSION.search(before.read(MANIFEST))
    if not version:
        raise UnfitError("The update does not say which version it is.")
    image = bytes(before.read(SLOT_IMAGE))
    with _as_slot(image) as slot:
        base = slot.sha256()
        made = list(_update(System(image), new))
        header = Header(
            base, version[1].decode(), ZSTD_LEVEL, zstandard.version(), len(new), _sha256(new)
        )
        steps = _joined(each.step for each in made)
        delta = header.dump() + dump_plan(steps) + b"".join(each.payload for each in made)
        with tempfile.TemporaryFile() as output:
            rebuild(io.BytesIO(delta), slot, output, lambda _: None)
    return delta


def _update(base: System, new: bytes) -> Iterator[Made]:
    """Steps for all of an update, in its order."""
    bundle = Squashfs(new)
    image = bytes(bundle.read(SLOT_IMAGE))
    pieces = list(_pieces(base, System(image)))
    done = 0  # bytes of the update
    for at, size, start in _runs(bundle):
        yield from _literal(new[done:at])
        yield from _slot(pieces, image, start, size)
        done = at + size
    payload = _whole(bundle.used)
    yield from _literal(new[done:payload])
    if (salt := _SALT.search(new, payload)) and (
        tree := _tree(new, payload, bytes.fromhex(salt[1].decode()))
    ):
        yield tree
        payload += len(tree.content)
    yield from _literal(new[payload:])


def _runs(bundle: Squashfs) -> Iterator[tuple[int, int, int]]:
    """Where the slot's image lies in a bundle: place there, size, place in the image."""
    run: tuple[int, int, int] | None = None
    for start, block in bundle.places(SLOT_IMAGE):
        if block.is_packed:
            raise UnfitError("The blocks of the new update are compressed.")
        if run and (run[0] + run[1], run[2] + run[1]) == (block.start, start):
            run = (run[0], run[1] + block.size, run[2])
            continue
        if run:
            yield run
        run = (block.start, block.size, start)
    if run:
        yield run


def _slot(pieces: list[Piece], image: bytes, start: int, size: int) -> Iterator[Made]:
    """Steps for the new slot's bytes from `start` on."""
    first, end = start, start + size
    for piece in pieces:
        after = piece.start + len(piece.made.content)
        # A hash tree is of all that lies before it, in one.
        is_possible = piece.made.step.kind is not Kind.TREE or first == 0
        if start <= piece.start and after <= end and is_possible:
            yield from _literal(image[start : piece.start])
            yield piece.made
            start = after
    yield from _literal(image[start:end])


def _pieces(base: System, system: System) -> Iterator[Piece]:
    """What of a new slot can be made from the base, as it lies there."""
    stored = {_with_size(base.root, block): block for block in reversed(base.blocks)}
    find = _References(base)
    can_pack = base.zstd() == zstandard.version()
    for block in system.blocks:
        packed = system.root.stored(block)
        whole = _with_size(system.root, block)
        sized = len(whole) - len(packed)
        if whole in stored:
            yield Piece(block.start - sized, _copy(whole, stored[whole].start - sized))
            continue
        references = find(block)
        prefix = b"".join(base.root.content(each) for each in references)
        content = system.root.content(block)
        made = None
        if block.is_packed and can_pack and zstandard.pack(content, ZSTD_LEVEL) == packed:
            kind = Kind.TABLE if block.table else Kind.BLOCK
            made = _framed(kind, content, whole, prefix, references)
        elif not block.is_packed:
            made = _framed(Kind.TEXT, content, packed, prefix, references)
            sized = 0
        if made:
            yield Piece(block.start - sized, made)
    end = _whole(system.root.used)
    salt = _sha256(system.image[:end])  # scripts/assembly/verity.py
    if tree := _tree(system.image, end, salt):
        yield Piece(end, tree)
    yield from _fit(base, system)


def _with_size(root: Squashfs, block: Block) -> bytes:
    """A block as it lies there, with its size before it where that is its place."""
    stored = root.stored(block)
    if not block.table:
        return stored
    word = len(stored) | (0 if block.is_packed else UNPACKED_METADATA)
    return word.to_bytes(2, "little") + stored


class _References:
    """Finds for a new block those of the base that are most like it."""

    def __init__(self, base: System) -> None:
        self._blocks = base.blocks
        self._most = min(MAX_PREFIX // base.root.block_size, MAX_REFERENCES)
        self._by_name: dict[tuple[str, int], int] = {}
        self._by_last: dict[tuple[str, int], int] = {}
        for number, block in enumerate(base.blocks):
            for name, part in block.names:
                self._by_name[name, part] = number
                self._by_last[name.rpartition("/")[2], part] = number

    def __call__(self, block: Block) -> list[Block]:
        """The blocks to refer to, the best one last, where zstd finds it nearest."""
        votes: Counter[int] = Counter()
        for name, part in block.names:
            parts = ((TAIL, 3),) if part == TAIL else ((part, 3), (part + 1, 2), (part - 1, 1))
            for each, weight in parts:
                last = name.rpartition("/")[2]
                number = self._by_name.get((name, each), self._by_last.get((last, each)))
                if number is not None:
                    votes[number] += weight
        best = [number for number, _ in votes.most_common(self._most)]
        return [self._blocks[number] for number in reversed(best)]


def _fit(base: System, system: System) -> Iterator[Piece]:
    """Pieces of a FIT image: those of the kernel, and what lies before and behind them."""
    earlier, kernel = base.kernel(), pieces(system.fit)
    done = 0
    if earlier and kernel:
        yield from _parts(base.fit, system.fit[: kernel[0].start], 0)
        yield from _kernel(earlier, kernel)
        done = kernel[-1].start + len(kernel[-1].stored)
    yield from _parts(base.fit, system.fit, done)


def _kernel(earlier: list[KernelPiece], kernel: list[KernelPiece]) -> Iterator[Piece]:
    there = {each.stored: each.start for each in earlier}
    find = Alike(earlier, MAX_PREFIX // deflate.PIECE)
    for piece in kernel:
        start, stored, content = piece
        if stored in there:
            yield Piece(FIT + start, _copy(stored, FIT + there[stored]))
            continue
        near = find(piece)
        frame = zstandard.pack(content, _FRAMES, b"".join(each.content for each in near))
        references = tuple(Reference(FIT + at, len(each), as_is=False) for at, each, _ in near)
        step = Step(Kind.PIECE, len(stored), len(content), len(frame), references)
        yield Piece(FIT + start, Made(step, frame, stored))


def _parts(old: bytes, new: bytes, done: int) -> Iterator[Piece]:
    """Pieces of a FIT image from `done` on: parts that are packed as a whole, or not at all."""
    at = done
    while at + _WORTH <= len(new):
        source = old.find(new[at : at + _PROBE])
        size = _equal(old, source, new, at) if source >= 0 else 0
        if size < _WORTH:
            at += _WORTH
            continue
        while at > done and source and old[source - 1] == new[at - 1]:
            at, source, size = at - 1, source - 1, size + 1
        yield from _texts(old, new, done, at)
        yield Piece(FIT + at, _copy(new[at : at + size], FIT + source))
        at = done = at + size
    yield from _texts(old, new, done, len(new))


def _texts(old: bytes, new: bytes, start: int, end: int) -> Iterator[Piece]:
    for at in range(start, end, _PIECE):
        content = new[at : min(at + _PIECE, end)]
        near, far = max(0, at - _PIECE), min(len(old), at + 2 * _PIECE)
        references = [Reference(FIT + near, far - near, as_is=True)] if near < far else []
        yield Piece(FIT + at, _text(content, old[near:far], references))


def _equal(old: bytes, source: int, new: bytes, at: int) -> int:
    """How many bytes are the same from two places on."""
    size, step = 0, 1 << 20
    while step:
        if old[source + size : source + size + step] == new[at + size : at + size + step]:
            reached = min(len(old) - source - size, len(new) - at - size, step)
            size += reached
            if reached < step:
                return size
        else:
            step //= 2
    return size


def _whole(used: int) -> int:
    """Where the hash tree begins behind a file system of so many bytes."""
    return -(-used // BLOCK) * BLOCK


def _tree(image: bytes, end: int, salt: bytes) -> Made | None:
    """The hash tree of the first `end` bytes, if it lies behind them."""
    content = hash_tree(io.BytesIO(image), 0, end, salt)
    if not content or image[end : end + len(content)] != content:
        return None
    return Made(Step(Kind.TREE, tree_size(end), end, SALT, ()), salt, content)


def _literal(content: bytes) -> Iterator[Made]:
    for at in range(0, len(content), _PIECE):
        yield _text(content[at : at + _PIECE], b"", [])


def _copy(content: bytes, start: int) -> Made:
    reference = Reference(start, len(content), as_is=True)
    return Made(Step(Kind.COPY, len(content), 0, 0, (reference,)), b"", content)


def _text(content: bytes, prefix: bytes, references: list[Reference]) -> Made:
    frame = zstandard.pack(content, _FRAMES, prefix)
    step = Step(Kind.TEXT, len(content), len(content), len(frame), tuple(references))
    return Made(step, frame, content)


def _framed(kind: Kind, content: bytes, stored: bytes, prefix: bytes, blocks: list[Block]) -> Made:
    frame = zstandard.pack(content, _FRAMES, prefix)
    references = tuple(Reference(each.start, each.size, not each.is_packed) for each in blocks)
    return Made(Step(kind, len(stored), len(content), len(frame), references), frame, stored)


def _joined(steps: Iterable[Step]) -> Iterator[Step]:
    """Let what is copied from one place be one step."""
    last: Step | None = None
    for step in steps:
        if last and last.kind is step.kind is Kind.COPY:
            (before,), (source,) = last.references, step.references
            if before.start + before.size == source.start:
                whole = Reference(before.start, before.size + source.size, as_is=True)
                last = Step(Kind.COPY, whole.size, 0, 0, (whole,))
                continue
        if last:
            yield last
        last = step
    if last:
        yield last


@contextmanager
def _as_slot(image: bytes) -> Iterator[Slot]:
    with tempfile.TemporaryFile() as file:
        file.write(image)
        file.flush()
        yield Slot(file)


def _sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()
