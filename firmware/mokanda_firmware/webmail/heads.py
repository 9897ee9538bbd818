# SPDX-License-Identifier: Apache-2.0
"""What the heads of JPEG and PNG say, read within bounds; what is in them is the senders'."""

import struct
from typing import BinaryIO, Literal, NamedTuple

_MAX_SEGMENTS = 1000  # of a picture's head; a camera writes some ten
_MAX_EXIF = 1 << 16  # bytes; as much as a JPEG's can have


class Photo(NamedTuple):
    """What a picture's head says: pixels, and EXIF's orientation (1: upright)."""

    form: Literal["jpeg", "png"]
    width: int
    height: int
    orientation: int


def read_head(file: BinaryIO) -> Photo | None:
    """Read the head of a JPEG, or of a PNG that stands still; None if it has neither."""
    start = file.read(8)
    if start.startswith(b"\xff\xd8"):
        file.seek(2)
        return _read_jpeg(file)
    return _read_png(file) if start == b"\x89PNG\r\n\x1a\n" else None


def _read_jpeg(file: BinaryIO) -> Photo | None:
    orientation = 1
    for _ in range(_MAX_SEGMENTS):
        head = file.read(4)
        if len(head) < 4 or head[0] != 0xFF:
            return None
        kind, length = head[1], int.from_bytes(head[2:], "big") - 2
        if length < 0 or kind in {0xD8, 0xD9, 0xDA}:
            return None
        content = file.read(length)
        if len(content) < length:
            return None
        if kind == 0xE1 and content.startswith(b"Exif\0\0"):
            orientation = _orientation(content[6:])
        elif 0xC0 <= kind <= 0xCF and kind not in {0xC4, 0xC8, 0xCC} and length >= 6:
            height, width = struct.unpack(">HH", content[1:5])
            return Photo("jpeg", width, height, orientation)
    return None


def _read_png(file: BinaryIO) -> Photo | None:
    length, kind, width, height = struct.unpack(">I4sII", file.read(16).ljust(16, b"\0"))
    if (length, kind) != (13, b"IHDR"):
        return None
    file.seek(9, 1)  # the rest of it, and its checksum
    orientation = 1
    for _ in range(_MAX_SEGMENTS):
        length, kind = struct.unpack(">I4s", file.read(8).ljust(8, b"\0"))
        if kind == b"IDAT":
            return Photo("png", width, height, orientation)
        if kind == b"eXIf" and length <= _MAX_EXIF:
            orientation = _orientation(file.read(length))
            length = 0
        elif kind in {b"acTL", b"\0" * 4}:  # it moves, or ends
            return None
        file.seek(length + 4, 1)
    return None


def _orientation(exif: bytes) -> int:
    """Find tag 0x0112 in the first directory of EXIF's TIFF."""
    order = {b"II": "<", b"MM": ">"}.get(exif[:2], "")
    if not order:
        return 1
    try:
        (start,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, start)
        for place in range(count):
            tag, _, _, value = struct.unpack_from(f"{order}HHIH", exif, start + 2 + 12 * place)
            if tag == 0x0112:
                return int(value)
    except struct.error:
        pass
    return 1
