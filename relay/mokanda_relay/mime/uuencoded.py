# SPDX-License-Identifier: Apache-2.0
"""Files that old programs write into the text itself: uuencode, its base64 (POSIX), and yEnc."""

import binascii
import re

from mokanda_relay.mime.charsets import decode_text
from mokanda_relay.mime.transfer import from_base64

_BLOCK = re.compile(
    r"^begin [0-7]{3,4} ([^\n]{0,200})\n((?:[ -`]{1,62}\n){1,400000})(?:end|\Z)\n?", re.MULTILINE
)
_BASE64 = re.compile(
    r"^begin-base64 [0-7]{3,4} ([^\n]{0,200})\n((?:[A-Za-z0-9+/=]{1,100}\n){1,400000}?)====\n?",
    re.MULTILINE,
)
_YENC = re.compile(rb"^=ybegin [^\r\n]{0,200}? name=([^\r\n]{0,200})\r?\n", re.MULTILINE)
_YENC_PART = re.compile(rb"=ypart [^\r\n]{0,200}\r?\n")
_YENC_END = re.compile(rb"^=yend [^\r\n]{0,200}\r?\n?", re.MULTILINE)
_YENC_BYTES = bytes((n - 42) % 256 for n in range(256))


def without_files(text: str) -> tuple[str, list[tuple[str, bytes]]]:
    """Take the files out of a text; also returns their names and contents."""
    if "\nbegin" not in f"\n{text}":
        return text, []
    files = [(found[1], _decoded(found[2])) for found in _BLOCK.finditer(text)]
    files += [(found[1], from_base64(found[2].encode())) for found in _BASE64.finditer(text)]
    return _BASE64.sub("", _BLOCK.sub("", text)), files


def without_yenc(data: bytes) -> tuple[bytes, list[tuple[str, bytes]]]:
    """The same for yEnc, of which the bytes are no text in any charset."""
    pieces, files, done = list[bytes](), list[tuple[str, bytes]](), 0
    while begin := _YENC.search(data, done):
        end = _YENC_END.search(data, begin.end())
        if end is None:
            break
        part = _YENC_PART.match(data, begin.end())
        lines = data[part.end() if part else begin.end() : end.start()]
        first, *escaped = lines.translate(None, b"\r\n").split(b"=")
        meant = (bytes([(each[0] - 64) % 256]) + each[1:] for each in escaped if each)
        content = b"".join((first, *meant))
        files.append((decode_text(begin[1].strip(), None), content.translate(_YENC_BYTES)))
        pieces.append(data[done : begin.start()])
        done = end.end()
    return b"".join((*pieces, data[done:])), files


def _decoded(lines: str) -> bytes:
    pieces = []
    for line in lines.splitlines():
        try:
            pieces.append(binascii.a2b_uu(line))
        except binascii.Error:  # blanks at its end were lost, or added
            size = (((ord(line[0]) - 32) & 63) * 4 + 5) // 3
            pieces.append(binascii.a2b_uu(line[:size].ljust(size)))
    return b"".join(pieces)
