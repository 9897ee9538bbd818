# SPDX-License-Identifier: Apache-2.0
"""The hash tree of dm-verity, format 1 with SHA-256.

RAUC puts one behind what it signs, and one lies behind a slot's root file system. It is a hundredth
of what it is made of, which nothing compresses, and follows from that and a salt.
"""

import hashlib
from collections.abc import Iterable
from typing import BinaryIO, NamedTuple

BLOCK = 4096  # bytes
SALT = 32  # bytes
HASH = hashlib.sha256().digest_size
PER_BLOCK = BLOCK // HASH  # hashes


class Level(NamedTuple):
    """The blocks of a level of the tree, or those that it is over: from which one on, how many."""

    first: int
    blocks: int


def levels(blocks: int) -> list[Level]:
    """Where the levels lie with a tree behind so many blocks; its root comes first, they last."""
    counts = [blocks]
    while counts[-1] > 1:
        counts.append(-(-counts[-1] // PER_BLOCK))
    found, first = [], blocks
    for count in reversed(counts[1:]):
        found.append(Level(first, count))
        first += count
    return [*found, Level(0, blocks)]


def tree_size(size: int) -> int:
    """How many bytes the tree over so many blocks' bytes has."""
    return sum(level.blocks for level in levels(size // BLOCK)[:-1]) * BLOCK


def block_hash(block: bytes, salt: bytes) -> bytes:
    """The hash of a block, as the tree has it."""
    return hashlib.sha256(salt + block).digest()


def hash_tree(file: BinaryIO, start: int, size: int, salt: bytes) -> bytes:
    """Return the tree over `size` bytes of a file, whole blocks; the root comes first."""
    file.seek(start)
    level = _hashes((file.read(BLOCK) for _ in range(size // BLOCK)), salt)
    levels = [level]
    while len(level) > BLOCK:
        level = _hashes((level[at : at + BLOCK] for at in range(0, len(level), BLOCK)), salt)
        levels.append(level)
    return b"".join(reversed(levels)) if size > BLOCK else b""


def _hashes(blocks: Iterable[bytes], salt: bytes) -> bytes:
    """The hashes of blocks, filled up with zeros to whole blocks."""
    seed = hashlib.sha256(salt)
    hashes = bytearray()
    for block in blocks:
        told = seed.copy()
        told.update(block)
        hashes += told.digest()
    return bytes(hashes.ljust(-(-len(hashes) // BLOCK) * BLOCK, b"\0"))
