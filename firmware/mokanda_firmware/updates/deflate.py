# SPDX-License-Identifier: Apache-2.0
"""Pieces of a gzip, each of which is unpacked, and packed again, without the others.

The kernel in a slot is a gzip of such pieces (scripts/assembly/kernel.py); whatever unpacks a gzip
unpacks that one, too.
"""

import zlib

PIECE = 128 << 10  # bytes, unpacked; the last one of a gzip has fewer

_RAW = -zlib.MAX_WBITS  # without what a gzip begins and ends with


class DeflateError(ValueError):
    """A piece is damaged, or holds more than it may."""


def pack(content: bytes) -> bytes:
    """Compress into one piece: it ends with a whole byte, and what follows refers to none of it.

    Another version of zlib may make other bytes.
    """
    packer = zlib.compressobj(9, wbits=_RAW)
    return packer.compress(content) + packer.flush(zlib.Z_FULL_FLUSH)


def unpack(piece: bytes, room: int) -> bytes:
    """Decompress a piece to at most `room` bytes.

    Raises:
        DeflateError: it is damaged, or holds more.
    """
    try:
        content = zlib.decompressobj(wbits=_RAW).decompress(piece, room + 1)
    except zlib.error as error:
        raise DeflateError(str(error)) from error
    if len(content) > room:
        raise DeflateError("It holds more than it may.")
    return content
