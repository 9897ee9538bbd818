# SPDX-License-Identifier: Apache-2.0
"""Photos for tests: with as much in them as a camera's, and what strangers call photos."""

from __future__ import annotations

import functools
import io
import struct
import zlib

from PIL import Image, ImageDraw, ImageFont
from pillow_heif import register_heif_opener

ORIENTATION = 0x0112  # of EXIF; 6: turn it by 90 degrees to the right
# How each form is written; HEIF's encoder takes seconds to do its best.
_OPTIONS: dict[str, dict[str, object]] = {
    "JPEG": {"quality": 90, "comment": b"x"},
    "HEIF": {"enc_params": {"preset": "ultrafast"}},
}


register_heif_opener()


@functools.cache
def photo(
    width: int = 1600, height: int = 1200, form: str = "JPEG", *, orientation: int = 1
) -> bytes:
    """A picture that is hard to compress, white in its upper left quarter as it is stored."""
    noise = Image.effect_noise((width, height), 60).convert("RGB")
    picture = Image.blend(noise, Image.linear_gradient("L").resize(noise.size).convert("RGB"), 0.5)
    ImageDraw.Draw(picture).rectangle((0, 0, width // 2, height // 2), "white")
    options = dict(_OPTIONS.get(form, {}))
    if form == "JPEG":
        exif = options["exif"] = Image.Exif()
        exif[ORIENTATION] = orientation
        exif[0x010F] = "A maker of cameras"
    out = io.BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    """A picture, to be looked at."""
    return Image.open(io.BytesIO(data))


def screenshot(width: int, height: int) -> bytes:
    """A PNG of a phone's screen, full of words."""
    picture = Image.new("RGB", (width, height), "#efeae2")
    draw = ImageDraw.Draw(picture)
    letter = min(width, height) // 25
    font = ImageFont.load_default(letter)
    draw.rectangle((0, 0, width, 3 * letter), "#008069")
    for line, top in enumerate(range(4 * letter, height, 2 * letter)):
        left = letter + line % 3 * letter
        draw.rounded_rectangle((left, top, left + 20 * letter, top + 1.7 * letter), 9, "#d9fdd3")
        text = f"Mbote, ndeko na nga! Tokokutana {line} na zando"
        draw.text((left + letter, top), text, "#111b21", font)
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of these chunks, each a name and what is in it, and an end."""
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in (*chunks, (b"IEND", b""))
    )


def bomb(side: int = 20_000) -> bytes:
    """A PNG of some hundred KB at most that says to have so many pixels a side."""
    row = bytes(1 + side // 8)
    packer = zlib.compressobj(1)
    pixels = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return png((b"IHDR", head), (b"IDAT", pixels))


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
