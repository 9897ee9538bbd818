# SPDX-License-Identifier: Apache-2.0
"""A system in a slot: so many blocks that its hash tree has two levels, and a FIT image."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import NamedTuple

from mokanda_firmware.updates.mending import RootHash
from mokanda_firmware.updates.slot import FIT, SIZE
from mokanda_firmware.updates.verity import BLOCK, block_hash, hash_tree

BLOCKS = 300
TOP, LEAF = BLOCKS, BLOCKS + 1  # the tree's root, and the block above the first 128
FIT_BLOCK = FIT // BLOCK
FIT_SIZE = 2 * BLOCK + 100


class ASystem(NamedTuple):
    """What lies in a slot, and what the initramfs trusts."""

    root: RootHash
    content: dict[int, bytes]  # all blocks, by their number

    def write(self, path: Path) -> Path:
        """Write it as a slot."""
        with path.open("wb") as file:
            file.truncate(SIZE)
        for number, content in self.content.items():
            put(path, number, content)
        return path


def a_system(folder: Path, seed: int) -> ASystem:
    """Make one: each seed another."""
    source = random.Random(seed)
    data = source.randbytes(BLOCKS * BLOCK)
    image = folder / "root"
    image.write_bytes(data)
    salt = source.randbytes(32)
    with image.open("rb") as file:
        tree = hash_tree(file, 0, len(data), salt)
    image.unlink()
    fit = b"\xd0\x0d\xfe\xed" + FIT_SIZE.to_bytes(4, "big") + source.randbytes(FIT_SIZE - 8)
    content = {at // BLOCK: (data + tree)[at:][:BLOCK] for at in range(0, len(data + tree), BLOCK)}
    for at in range(0, FIT_SIZE, BLOCK):
        content[(FIT + at) // BLOCK] = fit[at:][:BLOCK].ljust(BLOCK, b"\0")
    return ASystem(RootHash(BLOCKS, block_hash(tree[:BLOCK], salt), salt), content)


def put(path: Path, number: int, content: bytes) -> None:
    """Write a block."""
    with path.open("r+b") as file:
        file.seek(number * BLOCK)
        file.write(content)


def rot(path: Path, *numbers: int) -> None:
    """Flip a bit of each of these blocks."""
    for number in numbers:
        with path.open("r+b") as file:
            file.seek(number * BLOCK + 17)
            (byte,) = file.read(1)
            file.seek(number * BLOCK + 17)
            file.write(bytes([byte ^ 0x10]))


def differing(path: Path, system: ASystem) -> list[int]:
    """The blocks of a slot that are not the system's."""
    with path.open("rb") as file:
        return [
            number
            for number, content in system.content.items()
            if os.pread(file.fileno(), BLOCK, number * BLOCK) != content
        ]
