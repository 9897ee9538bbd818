# SPDX-License-Identifier: Apache-2.0
"""A program of its own: a photo on its standard input, one for a phone's screen on its output.

Strangers' pictures are read here and nowhere else, so that the worst of them (a bomb, a flaw of a
decoder) ends nothing but this process:
`python -m mokanda_relay.rendering.shrink SIDE BYTES FORMAT`.
"""

from __future__ import annotations

import io
import resource
import sys
import warnings

from PIL import Image, ImageOps
from pillow_heif import register_heif_opener

from mokanda_wire.limits import MAX_PIXELS

_FORMATS = ("BMP", "GIF", "HEIF", "JPEG", "PNG", "TIFF", "WEBP")
_MEMORY = 1 << 30  # bytes of address space
_SECONDS = 30  # of processor time

_MAX_QUALITY, _MIN_QUALITY = 80, 35  # quality: below this a smaller picture shows more
_SMALLER = 0.75  # side of the next try
_MIN_SIDE = 160  # pixels of the longest side


class HopelessError(Exception):
    """No picture of this size is small enough."""


def smaller(data: bytes, side: int, max_bytes: int, kind: str) -> bytes:
    """Make a picture of at most `max_bytes` and `side` pixels a side, upright, without metadata.

    Raises:
        Exception: of many kinds; it is no picture, broken, or too large to be looked at.
    """
    with Image.open(io.BytesIO(data), formats=_FORMATS) as opened:
        opened.draft("RGB", (side, side))
        opened.thumbnail((side, side), Image.Resampling.LANCZOS)
        upright = ImageOps.exif_transpose(opened)
    # On a new picture: profiles and comments would come along.
    picture = Image.new("RGB", upright.size, "white")
    transparent = upright.has_transparency_data
    layer = upright.convert("RGBA" if transparent else "RGB")
    picture.paste(layer, mask=layer if transparent else None)
    while True:
        if len(written(picture, kind, _MIN_QUALITY)) <= max_bytes:
            return _best(picture, kind, max_bytes)
        longest = int(max(picture.size) * _SMALLER)
        if longest < _MIN_SIDE:
            raise HopelessError
        picture.thumbnail((longest, longest), Image.Resampling.LANCZOS)


def _best(picture: Image.Image, kind: str, max_bytes: int) -> bytes:
    """Find the highest quality that fits."""
    low, high, best = _MIN_QUALITY, _MAX_QUALITY, b""
    while low <= high:
        quality = (low + high + 1) // 2
        data = written(picture, kind, quality)
        if len(data) <= max_bytes:
            low, best = quality + 1, data
        else:
            high = quality - 1
    return best or written(picture, kind, _MIN_QUALITY)


def written(picture: Image.Image, kind: str, quality: int) -> bytes:
    """Write a picture as "jpeg" or "webp"."""
    out = io.BytesIO()
    if kind == "webp":
        picture.save(out, "WEBP", quality=quality, method=4)
    else:
        picture.save(out, "JPEG", quality=quality, optimize=True, progressive=True)
    return out.getvalue()


def main() -> int:
    """Do it; the exit code is 1, and the reason on standard error, where it cannot be done."""
    side, max_bytes, kind = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    register_heif_opener()  # what iPhones take
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        result = smaller(sys.stdin.buffer.read(), side, max_bytes, kind)
    except Exception as error:  # noqa: BLE001 - decoders raise all kinds
        sys.stderr.write(f"{type(error).__name__}: {error}"[:300])
        return 1
    sys.stdout.buffer.write(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
