# SPDX-License-Identifier: Apache-2.0
"""Photos made smaller before they leave the village: by libjpeg-turbo's programs, not in here.

`djpeg` reads a photo at a fraction of its size, so that ten megapixels take a few megabytes of
memory; the webmail holds no more of it than a phone's screen has pixels. One photo at a time.
"""

import logging
import resource
import struct
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from mokanda_wire.limits import MAX_PHOTO, MAX_PIXELS, PHOTO_SIDE

_QUALITIES = (80, 70, 60, 50, 40)
_PARTS = 8  # djpeg reads a picture at so many eighths of its size
_MEMORY = 128 << 20  # bytes of address space of one program; a progressive photo takes most
_SECONDS = 60
_MAX_SEGMENTS = 1000  # of a photo's head; a camera writes some ten

_TURNS = {  # EXIF's orientation, as jpegtran sets it right
    2: ("-flip", "horizontal"),
    3: ("-rotate", "180"),
    4: ("-flip", "vertical"),
    5: ("-transpose",),
    6: ("-rotate", "90"),
    7: ("-transverse",),
    8: ("-rotate", "270"),
}

_one_at_a_time = threading.Lock()
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Photo:
    """What the head of a JPEG says: pixels, and EXIF's orientation (1: upright)."""

    width: int
    height: int
    orientation: int


def smaller(path: Path) -> bytes:
    """Make a photo of at most MAX_PHOTO bytes, upright, without metadata.

    Nothing where that cannot be done: it is no JPEG, broken, small already, or the programs are
    not there.
    """
    try:
        if path.stat().st_size <= MAX_PHOTO:
            return b""
        with path.open("rb") as file:
            photo = read_head(file)
        if photo is None or not 0 < photo.width * photo.height <= MAX_PIXELS:
            return b""
        with _one_at_a_time:
            return _shrunk(path, photo)
    except (OSError, subprocess.SubprocessError) as error:
        _log.warning("a photo could not be made smaller: %s", error)
        return b""


def _shrunk(path: Path, photo: Photo) -> bytes:
    """Try what fits: first the size of a screen, then less of it."""
    longest = max(photo.width, photo.height)
    screen = min(max(PHOTO_SIDE * _PARTS // longest, 1), _PARTS)
    pixels = _run(["djpeg", "-scale", f"{screen}/{_PARTS}", "-pnm", str(path)])
    shown = _run(["cjpeg", "-quality", "95"], pixels)
    for part in range(_PARTS, _PARTS // 4, -1):
        pixels = _run(["djpeg", "-scale", f"{part}/{_PARTS}", "-pnm"], shown)
        for quality in _QUALITIES:
            data = _run(["cjpeg", "-quality", str(quality), "-optimize", "-progressive"], pixels)
            if len(data) <= MAX_PHOTO:
                return _upright(data, photo.orientation)
    return b""


def _upright(data: bytes, orientation: int) -> bytes:
    turn = _TURNS.get(orientation)
    if turn is None:
        return data
    return _run(["jpegtran", *turn, "-trim", "-copy", "none", "-optimize", "-progressive"], data)


def _run(command: list[str], data: bytes = b"") -> bytes:
    """Run a program within bounds of memory and time; raises SubprocessError."""
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as program:
        resource.prlimit(program.pid, resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        resource.prlimit(program.pid, resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
        try:
            out, _ = program.communicate(data, _SECONDS)
        except subprocess.TimeoutExpired:
            program.kill()
            raise
    if program.returncode:
        raise subprocess.CalledProcessError(program.returncode, command[0])
    return out


def read_head(file: BinaryIO) -> Photo | None:
    """Read the head of a JPEG; None if it has none."""
    if file.read(2) != b"\xff\xd8":
        return None
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
            return Photo(width, height, orientation)
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
