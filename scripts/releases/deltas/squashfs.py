# SPDX-License-Identifier: Apache-2.0
"""Where the blocks of a squashfs lie, and of which files they are.

Its format is that of Linux' fs/squashfs/squashfs_fs.h, version 4.0, compressed with zstd, without
extended attributes, as our images and RAUC's bundles are. The latter have an export table.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from mokanda_firmware.updates import zstandard

MAGIC = b"hsqs"
_SUPERBLOCK = struct.Struct("<4sIIIIHHHHHHQQQQQQQQ")
_ZSTD = 6
_NOWHERE = 0xFFFF_FFFF
_NO_TABLE = (1 << 64) - 1
_UNPACKED_BLOCK, UNPACKED_METADATA = 1 << 24, 1 << 15
_METADATA = 8192  # bytes, unpacked
_PER_INDEX = 512  # fragments that a block of their table has
_HEADER = 16  # bytes of every inode's beginning
TAIL = -1


class SquashfsError(Exception):
    """This is no such file system."""


class Block(NamedTuple):
    """Bytes of the file system that were compressed at once.

    `names` says of which files it is, and which of their blocks; TAIL where their ends share it.
    Those of a `table` have two bytes of their size before them.
    """

    start: int
    size: int
    is_packed: bool
    table: bool
    names: list[tuple[str, int]]


class File(NamedTuple):
    """A file: its blocks by place and size (with a flag), and the block that its end is in."""

    start: int
    size: int
    blocks: tuple[int, ...]
    fragment: int
    offset: int


class Squashfs:
    """A file system in memory. Raises SquashfsError, or struct.error where it is damaged."""

    def __init__(self, image: bytes | memoryview) -> None:
        self._image = image
        (magic, _, _, self.block_size, fragments, compression, *_, root, used, ids, _, inodes,
         directories, fragment_table, exports) = _SUPERBLOCK.unpack_from(image)  # fmt: skip
        if magic != MAGIC or compression != _ZSTD:
            raise SquashfsError("This is no squashfs of zstd.")
        self.used: int = used
        self.files: dict[str, File] = {}
        self._tables: list[Block] = []
        first_fragments = self._first(fragment_table) if fragments else None
        first_ids = self._first(ids)
        first_exports = self._first(exports) if exports != _NO_TABLE else None
        end = first_fragments or first_exports or first_ids
        inode_bytes, inode_places = self._table("inodes", inodes, directories)
        entries, entry_places = self._table("directories", directories, end)
        self._fragments: list[tuple[int, int]] = []
        if first_fragments is not None:
            records, _ = self._table("fragments", first_fragments, fragment_table)
            for start, word, _ in struct.iter_unpack("<QII", records):
                self._fragments.append((start, word))
        self._table("ids", first_ids, ids)
        self._walk((inode_bytes, inode_places), (entries, entry_places), root, "")

    def blocks(self) -> list[Block]:
        """All blocks, as they lie."""
        found: dict[int, Block] = {}
        for name, file in self.files.items():
            start = file.start
            for number, word in enumerate(file.blocks):
                size = word & ~_UNPACKED_BLOCK
                if size:  # else zeros, which are not there
                    self._note(found, start, word, (name, number))
                start += size
            if file.fragment != _NOWHERE:
                place, word = self._fragments[file.fragment]
                self._note(found, place, word, (name, TAIL))
        return sorted([*found.values(), *self._tables])

    def stored(self, block: Block) -> bytes:
        """A block as it lies there."""
        return bytes(self._image[block.start : block.start + block.size])

    def content(self, block: Block) -> bytes:
        """A block, unpacked."""
        stored = self.stored(block)
        return zstandard.unpack(stored, self.block_size) if block.is_packed else stored

    def places(self, name: str) -> Iterator[tuple[int, Block]]:
        """Where the blocks of a file belong in it, those of zeros left out."""
        for block in self.blocks():
            for owner, number in block.names:
                if owner == name and number != TAIL:
                    yield number * self.block_size, block

    def read(self, name: str) -> bytearray:
        """The content of a file."""
        file = self.files[name]
        content = bytearray(file.size)
        for at, block in self.places(name):
            some = self.content(block)
            content[at : at + len(some)] = some
        if file.fragment != _NOWHERE:
            at = len(file.blocks) * self.block_size
            start, word = self._fragments[file.fragment]
            block = _block(start, word)
            some = self.content(block)[file.offset : file.offset + file.size - at]
            content[at:] = some
        return content

    @staticmethod
    def _note(found: dict[int, Block], start: int, word: int, name: tuple[str, int]) -> None:
        found.setdefault(start, _block(start, word)).names.append(name)

    def _first(self, index: int) -> int:
        """Where the first block of a table lies, by its index."""
        first: int = struct.unpack_from("<Q", self._image, index)[0]
        return first

    def _table(self, name: str, start: int, end: int) -> tuple[bytes, dict[int, int]]:
        """Unpack a table; returns it, and where in it each of its blocks begins."""
        content = bytearray()
        places: dict[int, int] = {}
        at = start
        while at < end:
            word: int = struct.unpack_from("<H", self._image, at)[0]
            is_packed, size = not word & UNPACKED_METADATA, word & ~UNPACKED_METADATA
            names = [(f"{name} ", len(places))]  # no file has a name like this
            block = Block(at + 2, size, is_packed, table=True, names=names)
            places[at - start] = len(content)
            content += self.content(block)
            self._tables.append(block)
            at += 2 + size
        return bytes(content), places

    def _walk(
        self,
        inodes: tuple[bytes, dict[int, int]],
        entries: tuple[bytes, dict[int, int]],
        place: int,
        path: str,
    ) -> None:
        """Note the files of a directory, or the file, whose inode is at `place`."""
        table, places = inodes
        at = places[place >> 16] + (place & 0xFFFF)
        (kind,) = struct.unpack_from("<H", table, at)
        at += _HEADER
        if kind == 2:
            start, fragment, offset, size = struct.unpack_from("<IIII", table, at)
            self._file(path, table, at + 16, start, size, fragment, offset)
        elif kind == 9:
            start, size, _, _, fragment, offset, _ = struct.unpack_from("<QQQIIII", table, at)
            self._file(path, table, at + 40, start, size, fragment, offset)
        elif kind in (1, 8):
            if kind == 1:
                block, _, size, offset = struct.unpack_from("<IIHH", table, at)
            else:
                _, size, block, _, _, offset = struct.unpack_from("<IIIIHH", table, at)
            listing, starts = entries
            at = starts[block] + offset
            end = at + size - 3  # the two entries that every directory has are not there
            while at < end:
                count, base, _ = struct.unpack_from("<III", listing, at)
                at += 12
                for _ in range(count + 1):
                    offset, _, _, length = struct.unpack_from("<HhHH", listing, at)
                    name = listing[at + 8 : at + 9 + length].decode()
                    at += 9 + length
                    self._walk(inodes, entries, base << 16 | offset, f"{path}/{name}")

    def _file(
        self, path: str, table: bytes, at: int, start: int, size: int, fragment: int, offset: int
    ) -> None:
        count = size // self.block_size
        if fragment == _NOWHERE:
            count = -(-size // self.block_size)
        words = struct.unpack_from(f"<{count}I", table, at)
        self.files[path] = File(start, size, words, fragment, offset)


def _block(start: int, word: int) -> Block:
    size = word & ~_UNPACKED_BLOCK
    return Block(start, size, not word & _UNPACKED_BLOCK, table=False, names=[])
