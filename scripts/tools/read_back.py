# SPDX-License-Identifier: Apache-2.0
"""Read back from a card what was written to it, and compare; runs in the toolbox.

Cards that pretend to be larger than they are, or are worn out, take all that is written and give
something else back.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

_PIECE = 1 << 20  # bytes
_RANGE = re.compile(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?")


class BadCardError(Exception):
    """The card does not hold what was written; the text says where."""


def mapped(block_map: Path) -> list[tuple[int, int]]:
    """The parts of an image that were written, by its block map: first byte, and the one behind.

    Raises:
        ValueError: it is no block map.
    """
    root = ElementTree.parse(block_map).getroot()  # noqa: S314 - made by our own build
    size, block = (int(root.findtext(name, "")) for name in ("ImageSize", "BlockSize"))
    parts = []
    for each in root.iterfind("BlockMap/Range"):
        found = _RANGE.fullmatch(each.text or "")
        if found is None:
            raise ValueError(f"{block_map} has a range that is none: {each.text!r}")
        first, last = int(found[1]), int(found[2] or found[1])
        parts.append((first * block, min((last + 1) * block, size)))
    return parts


def compare(image: Path, card: Path, parts: list[tuple[int, int]]) -> Iterator[int]:
    """Compare parts of an image with a card, as it is now; yields how many bytes are done.

    Raises:
        BadCardError: the card holds something else, or cannot be read.
    """
    done = 0
    with image.open("rb", buffering=0) as written, card.open("rb", buffering=0) as held:
        os.posix_fadvise(held.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        for start, end in parts:
            for at in range(start, end, _PIECE):
                size = min(_PIECE, end - at)
                wanted = os.pread(written.fileno(), size, at)
                try:
                    got = os.pread(held.fileno(), size, at)
                except OSError as error:
                    raise BadCardError(f"cannot be read at byte {at} ({error.strerror})") from error
                if got != wanted:
                    place = at + first_difference(wanted, got)
                    raise BadCardError(f"holds something else at byte {place}")
                done += size
                yield done


def first_difference(one: bytes, other: bytes) -> int:
    """Where two texts of bytes begin to differ."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def main() -> int:
    """Compare; returns the exit code, 1 where the card is bad."""
    parser = argparse.ArgumentParser(prog="scripts.tools.read_back", description=__doc__)
    parser.add_argument("--map", type=Path, help="the image's block map: only what that names")
    parser.add_argument("image", type=Path)
    parser.add_argument("card", type=Path)
    options = parser.parse_args()
    size = options.image.stat().st_size
    parts = mapped(options.map) if options.map else [(0, size)]
    whole = sum(end - start for start, end in parts)
    shown = -1
    try:
        for done in compare(options.image, options.card, parts):
            tenths = done * 10 // whole
            if tenths > shown:
                shown = tenths
                print(f"read back: {tenths * 10} % of {whole / 1e6:.0f} MB", file=sys.stderr)
    except BadCardError as error:
        print(f"the card {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
