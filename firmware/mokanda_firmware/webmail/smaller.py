# SPDX-License-Identifier: Apache-2.0
"""Pictures made smaller before they leave the village: by programs beside the webmail, not in it.

libjpeg-turbo's `djpeg` reads a photo at a fraction of its size, so that ten megapixels take a few
megabytes of memory; the webmail holds no more of it than a screen has pixels. A PNG is read by
libpng (`pixels`). What was drawn, as text on a screen is, stays a PNG, of few colours (`pngquant`),
and can be read; all else becomes a JPEG. One picture at a time.
"""

import logging
import os
import resource
import struct
import subprocess
import sys
import threading
import zlib
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from mokanda_firmware.webmail import pixels
from mokanda_firmware.webmail.heads import Photo, read_head
from mokanda_wire.limits import MAX_PHOTO, MAX_PIXELS, PHOTO_SIDE

_QUALITIES = (80, 70, 60, 50, 40)
_PARTS = 8  # djpeg reads a picture at so many eighths of its size
_MEMORY = 128 << 20  # bytes of address space of one program; a progressive photo takes most
_SECONDS = 60
_ENVIRONMENT = {"OMP_NUM_THREADS": "1"}  # the same picture becomes the same bytes

_MAX_PNG = 12_000_000  # pixels; all of them are in memory at once, in three bytes each
# Text still reads well at half the width of such a screen: a phone's, held upright, or another.
_FINE_UPRIGHT, _FINE = 1000, 2000
_READABLE_PARTS = (8, 4, 3)  # the half keeps edges sharp, and takes fewer bytes than 5 or 6 parts
_MAX_READABLE = 2_100_000  # pixels, of which pngquant takes 24 bytes each
_COLOURS = "16"
# Text has 57 and more of pngquant's quality, and a seventh to two thirds of a bit a pixel. A photo
# has a quality of 8 and less, or, if it is grey, dark or pale, two bits a pixel.
_QUALITY = "30-100"
_MAX_BITS = 1
# A PNG that is so many times as long as wide was no camera's: there is text between its photos.
_SCREEN = 1.7
_SCREEN_QUALITY = 50

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


def smaller(path: Path) -> bytes:
    """Make a picture smaller, upright, without metadata: a JPEG of at most MAX_PHOTO bytes.

    A PNG of few colours becomes another one, a screen with photos on it a JPEG whose text can still
    be read, either of at most half the bytes. Nothing where that cannot be done: it is no picture,
    broken, small already, or the programs are not there.
    """
    try:
        size = path.stat().st_size
        if size <= MAX_PHOTO:
            return b""
        with path.open("rb") as file:
            photo = read_head(file)
        most = _MAX_PNG if photo and photo.form == "png" else MAX_PIXELS
        if photo is None or not 0 < photo.width * photo.height <= most:
            return b""
        with _one_at_a_time:
            if photo.form == "png":
                return _of_png(path, photo, size // 2)
            return _shrunk(path, photo)
    except (OSError, subprocess.SubprocessError) as error:
        _log.warning("a picture could not be made smaller: %s", error)
        return b""


def _of_png(path: Path, photo: Photo, most: int) -> bytes:
    """Make it a drawing or a screen of at most so many bytes, or a photo."""
    pnm = _pixels(path, photo, _readable(photo))
    data = b"" if photo.orientation in _TURNS else _drawn(pnm)
    if not data:
        short, long = sorted((photo.width, photo.height))
        if long < _SCREEN * short:
            return _shrunk(path, photo)
        data = _upright(_jpeg(pnm, _SCREEN_QUALITY), photo.orientation)
    return data if len(data) <= most else b""


def _readable(photo: Photo) -> int:
    """Return how many eighths of a screen its text can be read at, or that there is memory for."""
    fine = _FINE_UPRIGHT if photo.height > photo.width else _FINE
    for part in _READABLE_PARTS:
        width, height = (side * part // _PARTS for side in (photo.width, photo.height))
        if width < fine and width * height <= _MAX_READABLE:
            return part
    return _READABLE_PARTS[-1]


def _drawn(pnm: bytes) -> bytes:
    """Make pixels a PNG of few colours; nothing where they are a photo's."""
    try:
        data = _run(["pngquant", _COLOURS, "--nofs", "--quality", _QUALITY, "-"], data=_png(pnm))
    except subprocess.CalledProcessError:
        return b""
    width, height = _sides(pnm)
    return data if 8 * len(data) <= _MAX_BITS * width * height else b""


def _shrunk(path: Path, photo: Photo) -> bytes:
    """Try what fits: first the size of a screen, then less of it."""
    longest = max(photo.width, photo.height)
    screen = min(max(PHOTO_SIDE * _PARTS // longest, 1), _PARTS)
    shown = _run(["cjpeg", "-quality", "95"], data=_pixels(path, photo, screen))
    for part in range(_PARTS, _PARTS // 4, -1):
        pnm = _run(["djpeg", "-scale", f"{part}/{_PARTS}", "-pnm"], data=shown)
        for quality in _QUALITIES:
            data = _jpeg(pnm, quality)
            if len(data) <= MAX_PHOTO:
                return _upright(data, photo.orientation)
    return b""


def _jpeg(pnm: bytes, quality: int) -> bytes:
    options = ["-quality", str(quality), "-optimize", "-progressive"]
    return _run(["cjpeg", *options], data=pnm)


def _upright(data: bytes, orientation: int) -> bytes:
    turn = _TURNS.get(orientation)
    if turn is None:
        return data
    options = ["-trim", "-copy", "none", "-optimize", "-progressive"]
    return _run(["jpegtran", *turn, *options], data=data)


def _pixels(path: Path, photo: Photo, part: int) -> bytes:
    """Return so many eighths of a picture as PNM; a PNG goes through a JPEG that loses nothing."""
    scale = ["djpeg", "-scale", f"{part}/{_PARTS}", "-pnm"]
    if photo.form == "jpeg":
        return _run([*scale, str(path)])
    read = [sys.executable, "-m", pixels.__name__, str(path)]
    return _run(read, ["cjpeg", "-quality", "100", "-sample", "1x1"], scale)


def _sides(pnm: bytes) -> tuple[int, int]:
    width, height = map(int, pnm.split(b"\n", 2)[1].split())
    return width, height


def _png(pnm: bytes) -> bytes:
    """Return the pixels of djpeg's PNM as the simplest PNG."""
    width, height = _sides(pnm)
    kind, _, _, rows = pnm.split(b"\n", 3)
    colour, length = (2, 3 * width) if kind == b"P6" else (0, width)
    lines = b"".join(b"\0" + rows[at : at + length] for at in range(0, height * length, length))
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)),
        (b"IDAT", zlib.compress(lines, 1)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def _run(*commands: list[str], data: bytes = b"") -> bytes:
    """Run programs, each on what the one before it prints, within bounds of memory and time.

    `data` is for one that is alone. Raises SubprocessError, or OSError where there is no such
    program.
    """
    programs: list[subprocess.Popen[bytes]] = []
    source: int | IO[bytes] | None = subprocess.PIPE if data else subprocess.DEVNULL
    with ExitStack() as running:
        for command in commands:
            program = subprocess.Popen(
                command,
                stdin=source,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, **_ENVIRONMENT},
            )
            running.enter_context(program)
            running.callback(program.kill)  # before it is waited for
            resource.prlimit(program.pid, resource.RLIMIT_AS, (_MEMORY, _MEMORY))
            resource.prlimit(program.pid, resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
            if programs and programs[-1].stdout:
                programs[-1].stdout.close()  # the next program's alone: it ends when that does
            programs.append(program)
            source = program.stdout
        out, _ = programs[-1].communicate(data or None, _SECONDS)
        for program, command in zip(programs, commands, strict=True):
            if program.wait(_SECONDS):
                raise subprocess.CalledProcessError(program.returncode, command[0])
    return out
