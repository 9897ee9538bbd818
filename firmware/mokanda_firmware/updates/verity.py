# SPDX-License-Identifier: Apache-2.0
"""The hash tree of dm-verity, format 1 with SHA-256.

RAUC puts one behind what it signs, and one lies behind a slot's root file system. It is a hundredth
of what it is made of, which nothing compresses, and follows from that and a salt.
"""

import hashlib
from collections.abc import Iterable
from typing import BinaryIO

BLOCK = 4096  # bytes
SALT = 32  # bytes
_PER_BLOCK = BLOCK // hashlib.sha256().digest_size


def tree_size(size: int) -> int:
    """How many bytes the tree over so many blocks' bytes has."""
    blocks, whole = size // BLOCK, 0
    while blocks > 1:
        blocks = -(-blocks // _PER_BLOCK)
        whole += blocks
    return whole * BLOCK


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
