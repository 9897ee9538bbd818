# SPDX-License-Identifier: Apache-2.0
"""The kernel as a slot has it: a gzip whose pieces a device can pack again from what has changed.

A zImage unpacks itself, so that U-Boot need not know how, and nothing of it is found again in the
next one. It is taken apart here: U-Boot unpacks the kernel, as a part that is only loaded, to where
the zImage would have done so, and starts a word of ours that goes on to it. It would start an
unpacked kernel by itself, but none of more than 8 MiB, and no update changes the U-Boot of a card.
"""

from __future__ import annotations

import lzma
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from mokanda_firmware.updates import deflate
from scripts.recipes import Soc
from scripts.tools.steps import StepError

GZIP = b"\x1f\x8b\x08\0\0\0\0\0\x02\xff"  # what the kernel's begins with: no name, no time

# A zImage's first words, from its byte 36 on: magic, start, end, byte order, another magic, and the
# place of a table. See arch/arm/boot/compressed/{head.S,vmlinux.lds.S} of Linux.
_HEAD = struct.Struct("<6I")
_HEAD_AT, _MAGIC, _HAS_TABLE = 36, 0x016F2818, 0x45454545
# How many words it has and its kind; where the packed kernel's unpacked size stands, as its last
# four bytes; what the kernel clears behind itself; how far from the memory's beginning it belongs.
_TABLE = struct.Struct("<5I")
_TABLE_KIND = 0x5A534C4B
_MEMORY = 128 << 20  # bytes: a zImage takes the multiple of this below itself for the beginning
_UNPACKERS: dict[bytes, Callable[[bytes], bytes]] = {
    b"\xfd7zXZ\0": lambda packed: lzma.LZMADecompressor().decompress(packed),
    b"\x1f\x8b\x08": lambda packed: zlib.decompressobj(wbits=31).decompress(packed),
}


class Kernel(NamedTuple):
    """The files of the kernel that are parts of a FIT image.

    Attributes:
        packed: the kernel.
        address: where in memory U-Boot unpacks it to.
        starter: what is started in its place, at the SoC's address; None where U-Boot can.
    """

    packed: Path
    address: int
    starter: Path | None


class Unpacked(NamedTuple):
    """What is in a zImage.

    Attributes:
        content: the kernel.
        offset: where it belongs, from the memory's beginning.
        size: how much memory it takes there before it looks at anything else.
    """

    content: bytes
    offset: int
    size: int


def prepare(soc: Soc, image: Path, work: Path) -> Kernel:
    """Make the parts of the kernel that an engine has built; raises StepError."""
    content, address, starter = image.read_bytes(), soc.kernel_address, None
    if soc.kernel_image == "zImage":
        unpacked = unpack(content)
        content = unpacked.content
        address = soc.kernel_address // _MEMORY * _MEMORY + unpacked.offset
        if address + unpacked.size > soc.kernel_address:
            raise StepError(f"the kernel would lie over {soc.kernel_address:#x}, where it starts")
        starter = work / "starter"
        starter.write_bytes(jump(address))
    packed = work / "kernel.gz"
    packed.write_bytes(b"".join(pack(content)))
    return Kernel(packed, address, starter)


def jump(address: int) -> bytes:
    """Code for ARM of 32 bits that goes on at an address, with the registers as they are."""
    return b"\x04\xf0\x1f\xe5" + address.to_bytes(4, "little")  # ldr pc, [pc, #-4]


def unpack(image: bytes) -> Unpacked:
    """Take a zImage apart.

    Raises:
        StepError: it is none, or its kernel is packed as nobody here can unpack it.
    """
    try:
        magic, _, _, _, has_table, at = _HEAD.unpack_from(image, _HEAD_AT)
        _, kind, end, cleared, offset = _TABLE.unpack_from(image, at)
        (size,) = struct.unpack_from("<I", image, end)
    except struct.error as error:
        raise StepError("the kernel is no zImage, or is cut") from error
    if (magic, has_table, kind) != (_MAGIC, _HAS_TABLE, _TABLE_KIND):
        raise StepError("the kernel is no zImage, or of a Linux that does not say what is in it")
    for content in _contents(image[: end + 4]):
        if len(content) == size:
            return Unpacked(content, offset, size + cleared)
    raise StepError("the kernel in the zImage is packed neither by xz nor by gzip")


def _contents(image: bytes) -> Iterator[bytes]:
    """What can be unpacked of an image, wherever it begins."""
    for magic, unpacked in _UNPACKERS.items():
        for found in re.finditer(re.escape(magic), image):
            try:
                yield unpacked(image[found.start() :])
            except (lzma.LZMAError, zlib.error):
                continue


def pack(content: bytes) -> Iterator[bytes]:
    """The parts of a gzip, one behind the other: what it begins with, its pieces, and its end."""
    yield GZIP
    for start in range(0, len(content), deflate.PIECE):
        yield deflate.pack(content[start : start + deflate.PIECE])
    yield b"\x03\0" + struct.pack("<II", zlib.crc32(content), len(content))
