# SPDX-License-Identifier: Apache-2.0
"""Which files are pictures that a page may show: by what is in them, not by what a sender says.

A phone unpacks each pixel into its memory, so one that says to have more of them than MAX_PIXELS is
a file like any other.
"""

import struct
from pathlib import Path
from typing import BinaryIO

from mokanda_firmware.webmail.heads import read_head
from mokanda_wire.limits import MAX_PIXELS

_HEAD = 30  # bytes; in those of all but JPEG the size stands


def picture_type(path: Path) -> str:
    """Return the media type of a picture that every phone can show, "" when it is none."""
    try:
        with path.open("rb") as file:
            kind, width, height = _told(file)
    except (OSError, struct.error):
        return ""
    return kind if 0 < width * height <= MAX_PIXELS else ""


def _told(file: BinaryIO) -> tuple[str, int, int]:
    """Return the media type that a head tells, and how many pixels it is wide and high."""
    start = file.read(_HEAD)
    if start.startswith(b"\xff\xd8\xff"):
        file.seek(0)
        photo = read_head(file)
        return ("image/jpeg", photo.width, photo.height) if photo else ("", 0, 0)
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png", *struct.unpack(">II", start[16:24])
    if start.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif", *struct.unpack("<HH", start[6:10])
    if start.startswith(b"RIFF") and start[8:12] == b"WEBP":
        return "image/webp", *_of_webp(start)
    return "", 0, 0


def _of_webp(start: bytes) -> tuple[int, int]:
    """Read the size in a WebP's first chunk (RFC 9649)."""
    if start[12:16] == b"VP8X":
        return _side(start[24:27]), _side(start[27:30])
    if start[12:16] == b"VP8L":
        (bits,) = struct.unpack("<I", start[21:25])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack("<HH", start[26:30])
    return width & 0x3FFF, height & 0x3FFF


def _side(less_one: bytes) -> int:
    return int.from_bytes(less_one, "little") + 1
