# SPDX-License-Identifier: Apache-2.0
"""The hash tree behind a root file system, by which the kernel checks each block that it reads."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from scripts.tools.digest import file_sha256
from scripts.tools.steps import Log, StepError

BLOCK = 4096  # bytes


class RootHash(NamedTuple):
    """What the initramfs has to know of a root file system, to trust nothing else of the slot.

    Attributes:
        blocks: how many blocks the file system has; its hash tree begins behind them.
        digest: SHA-256 of the tree's topmost block, hexadecimal.
        salt: of all hashes, hexadecimal.
    """

    blocks: int
    digest: str
    salt: str

    def line(self) -> str:
        """As boot/init reads it."""
        return "{} {} {}\n".format(*self)


def append_tree(image: Path, log: Log) -> RootHash:
    """Put the hash tree behind an image of a file system: the same bytes for the same image.

    The salt is the image's SHA-256: it need not be told to who makes a delta of two systems.
    Raises StepError.
    """
    blocks, salt = image.stat().st_size // BLOCK, file_sha256(image)
    told = log.run(*tree_command(image, blocks, salt))
    return RootHash(blocks, digest(told), salt)


def tree_command(image: Path, blocks: int, salt: str) -> tuple[str | Path, ...]:
    """The command that puts it there."""
    return (
        *("veritysetup", "format", "--no-superblock", "--hash=sha256", f"--salt={salt}"),
        *(f"--data-block-size={BLOCK}", f"--hash-block-size={BLOCK}"),
        *(f"--data-blocks={blocks}", f"--hash-offset={blocks * BLOCK}", image, image),
    )


def digest(told: str) -> str:
    """The topmost hash, by what the command has written. Raises StepError."""
    found = re.search(r"^Root hash:\s+([0-9a-f]{64})$", told, re.MULTILINE)
    if not found:
        raise StepError(f"veritysetup tells no root hash: {told}")
    return found[1]
