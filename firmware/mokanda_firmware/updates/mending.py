# SPDX-License-Identifier: Apache-2.0
"""Tells the blocks of a system as it was built from what a card makes of them, and puts them back.

Nothing is trusted but the root hash, which U-Boot has checked with the initramfs that holds it: by
it the hash tree is, block by block, and by that the file system. Where a block comes from does not
matter then: the other slot, an update that was kept, or, for a block of the tree, what it is over.
The FIT image is known by its SHA-256.
"""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, Self

from mokanda_firmware.updates import slot
from mokanda_firmware.updates.partition import FIT, Partition
from mokanda_firmware.updates.verity import BLOCK, HASH, PER_BLOCK, block_hash, levels

_MAX_LINE = 4096  # bytes
_MAX_SALT = 256  # bytes; the kernel's bound


class RootHash(NamedTuple):
    """What the initramfs trusts: of how many blocks the file system is, the tree's root, the salt.

    The tree begins behind the file system.
    """

    blocks: int
    digest: bytes
    salt: bytes

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what the initramfs has left; raises OSError, or ValueError where it is damaged."""
        with path.open("rb") as file:
            blocks, digest, salt = file.read(_MAX_LINE).decode("ascii").split()
        found = cls(int(blocks), bytes.fromhex(digest), bytes.fromhex(salt))
        if len(found.digest) != HASH or len(found.salt) > _MAX_SALT or found.blocks < 2:
            raise ValueError("no root hash")
        if found.whole > FIT:
            raise ValueError("such a file system does not fit into a slot")
        return found

    @property
    def whole(self) -> int:
        """How many blocks the file system and its tree are."""
        return sum(level.blocks for level in levels(self.blocks))


class Fit(NamedTuple):
    """A FIT image: how many bytes it has, and their SHA-256 in hexadecimal."""

    size: int
    sha256: str

    @classmethod
    def of(cls, source: "Source") -> Self | None:
        """The one that lies there; None if there is none. Raises OSError."""
        head = source.block(FIT) or b""
        size = int.from_bytes(head[4:8], "big")
        if not head.startswith(slot.FIT_IMAGE) or not 0 < size <= slot.SIZE - slot.FIT:
            return None
        told, read = hashlib.sha256(), 0
        for content in _fit_blocks(source, size):
            told.update(content)
            read += len(content)
        return cls(size, told.hexdigest()) if read == size else None


class Source(Protocol):
    """Where blocks may be had, by their place in a slot."""

    def block(self, number: int) -> bytes | None:
        """Return one, right or not; None where it cannot be had. Raises OSError."""


class System:
    """A system as it was built."""

    def __init__(self, root: RootHash, fit: Fit, sources: Sequence[Source]) -> None:
        """Learn its hash tree and its FIT image from whichever of the sources has them.

        Raises:
            OSError: one of them cannot be read at all.
        """
        self._root = root
        self._fit = fit
        self._sources = sources
        self._levels = levels(root.blocks)
        self._tree: dict[int, bytes] = {}
        for depth, level in enumerate(self._levels[:-1]):
            for number in range(level.blocks):
                content = self.right(level.first + number) or self._made_anew(depth, number)
                if content is not None:
                    self._tree[level.first + number] = content
        self._fit_hashes = self._learn_fit()

    def right(self, number: int) -> bytes | None:
        """A block as it was built; None where nobody has it, or can tell. Raises OSError."""
        if number in self._tree:
            return self._tree[number]
        contents = (source.block(number) for source in self._sources)
        return next((each for each in contents if self._fits(number, each)), None)

    def rotten(self, partition: Partition) -> list[int]:
        """The blocks of a partition that are not as they were built. Raises OSError."""
        return [
            number
            for first, count in (*self._levels, (FIT, _blocks(self._fit.size)))
            for number, content in partition.blocks(first, count)
            if not self._fits(number, content)
        ]

    def is_meant_for(self, partition: Partition) -> bool:
        """Whether this system was put there, whatever has become of it. Raises OSError.

        The hashes of another have another salt, so that none is the same.
        """
        found = sum(partition.block(number) == content for number, content in self._tree.items())
        return 2 * found >= len(self._tree) > 0

    def _fits(self, number: int, content: bytes | None) -> bool:
        if content is None:
            return False
        if number >= FIT:
            at = number - FIT
            known = self._fit_hashes[at : at + 1]
            return known == [hashlib.sha256(content[: self._fit.size - at * BLOCK]).digest()]
        return block_hash(content, self._root.salt) == self._hash_of(number)

    def _hash_of(self, number: int) -> bytes | None:
        """The hash of a block of the file system, or of its tree; None where that is lost."""
        if number == self._levels[0].first:
            return self._root.digest
        for above, level in zip(self._levels, self._levels[1:], strict=False):
            if level.first <= number < level.first + level.blocks:
                place, at = divmod(number - level.first, PER_BLOCK)
                hashes = self._tree.get(above.first + place)
                return hashes[at * HASH : (at + 1) * HASH] if hashes else None
        return None

    def _made_anew(self, depth: int, number: int) -> bytes | None:
        """A block of the tree by what it is over: as a source has that, or has what lies below."""
        wanted = self._hash_of(self._levels[depth].first + number)
        for source in self._sources if wanted else ():
            for deep in (False, True):
                content = self._over(source, depth, number, deep=deep)
                if content is not None and block_hash(content, self._root.salt) == wanted:
                    return content
        return None

    def _over(self, source: Source, depth: int, number: int, *, deep: bool) -> bytes | None:
        """The hashes of what a block of the tree is over; `deep`: by the file system alone."""
        below = self._levels[depth + 1]
        is_data = depth + 2 == len(self._levels)
        hashes = bytearray()
        for child in range(number * PER_BLOCK, min((number + 1) * PER_BLOCK, below.blocks)):
            if is_data or not deep:
                content = source.block(below.first + child)
            else:
                content = self._over(source, depth + 1, child, deep=True)
            if content is None:
                return None
            hashes += block_hash(content, self._root.salt)
        return bytes(hashes.ljust(BLOCK, b"\0"))

    def _learn_fit(self) -> list[bytes]:
        """The hashes of the FIT image's blocks; none where no source has it as it was."""
        for source in self._sources:
            told, hashes = hashlib.sha256(), []
            for content in _fit_blocks(source, self._fit.size):
                told.update(content)
                hashes.append(hashlib.sha256(content).digest())
            if told.hexdigest() == self._fit.sha256:
                return hashes
        return []


def _fit_blocks(source: Source, size: int) -> Iterator[bytes]:
    """The blocks of a FIT image of so many bytes, up to one that cannot be had."""
    for number in range(_blocks(size)):
        content = source.block(FIT + number)
        if content is None:
            return
        yield content[: size - number * BLOCK]


def _blocks(size: int) -> int:
    return -(-size // BLOCK)
