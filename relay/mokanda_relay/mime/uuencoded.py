# SPDX-License-Identifier: Apache-2.0
"""Files that old programs write into the text itself (uuencode)."""

import binascii
import re

_BLOCK = re.compile(
    r"^begin [0-7]{3,4} ([^\n]{0,200})\n((?:[ -`]{1,62}\n){1,400000})(?:end|\Z)", re.MULTILINE
)


def without_files(text: str) -> tuple[str, list[tuple[str, bytes]]]:
    """Take the files out of a text; also returns their names and contents."""
    if "\nbegin " not in f"\n{text}":
        return text, []
    files = [(found[1], _decoded(found[2])) for found in _BLOCK.finditer(text)]
    return _BLOCK.sub("", text), files


def _decoded(lines: str) -> bytes:
    pieces = []
    for line in lines.splitlines():
        try:
            pieces.append(binascii.a2b_uu(line))
        except binascii.Error:  # blanks at its end were lost, or added
            size = (((ord(line[0]) - 32) & 63) * 4 + 5) // 3
            pieces.append(binascii.a2b_uu(line[:size].ljust(size)))
    return b"".join(pieces)
