# SPDX-License-Identifier: Apache-2.0
"""A PNG's pixels, by libpng: `python3 -m mokanda_firmware.webmail.pixels FILE` prints a PNM.

It holds the whole picture, three bytes a pixel, and is to be run within bounds of memory and time.
What is transparent lies on white.
"""

import sys
from ctypes import CDLL, Structure, byref, c_char, c_uint8, c_uint32, c_void_p, create_string_buffer

# Of libpng's png.h.
_VERSION = 1
_COLOR = 0x02  # format: three channels, or one
_SIXTEEN_BITS_ARE_SRGB = 0x04  # flag: as all but instruments write them


class _Image(Structure):
    """libpng's png_image."""

    _fields_ = (
        ("opaque", c_void_p),
        ("version", c_uint32),
        ("width", c_uint32),
        ("height", c_uint32),
        ("format", c_uint32),
        ("flags", c_uint32),
        ("colormap_entries", c_uint32),
        ("warning_or_error", c_uint32),
        ("message", c_char * 64),
    )


def main(path: str) -> None:
    """Print a picture's pixels; raises SystemExit where it is broken."""
    libpng = CDLL("libpng16.so.16")
    image = _Image(version=_VERSION)
    if not libpng.png_image_begin_read_from_file(byref(image), path.encode()):
        raise SystemExit(image.message.decode())
    image.format &= _COLOR
    image.flags |= _SIXTEEN_BITS_ARE_SRGB
    kind, channels = (b"P6", 3) if image.format else (b"P5", 1)
    pixels = create_string_buffer(image.width * image.height * channels)
    white = (c_uint8 * 3)(255, 255, 255)
    if not libpng.png_image_finish_read(byref(image), white, pixels, 0, None):
        raise SystemExit(image.message.decode())
    sys.stdout.buffer.write(b"%s\n%d %d\n255\n" % (kind, image.width, image.height))
    sys.stdout.buffer.write(pixels)


if __name__ == "__main__":
    main(sys.argv[1])
