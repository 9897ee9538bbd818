# SPDX-License-Identifier: Apache-2.0
"""The bytes of a part, its transfer encoding undone."""

import binascii
import quopri
import re
from contextlib import suppress
from email.message import Message as Part

_ENCODING = "Content-Transfer-Encoding"
_NOT_IN_NAME = re.compile(r"[^\w]")
_SOFT_BREAK = re.compile(rb"=[ \t]{1,9}\r?\n")
_MEANT = {"quotedprintable": "quoted-printable", "xuuencode": "uuencode", "xuue": "uue"}
_UUENCODED = ("uuencode", "uue")
_FOOTERS = (b"--", b"__")  # a list's, behind what has no padding
_BASE64 = re.compile(rb"[A-Za-z0-9+/]+={0,2}")
_BASE64_LINE = re.compile(rb"[A-Za-z0-9+/=]+")


def content_of(part: Part) -> bytes:
    """What a part holds; what is not encoded as it says stays as it is."""
    encoding = encoding_of(part)
    if encoding in _UUENCODED:
        return _payload(part)
    said = part.get_all(_ENCODING, [])
    del part[_ENCODING]  # the parser's own decoders stop at what ours passes over
    raw = _payload(part)
    for each in said:
        part[_ENCODING] = each
    if encoding == "quoted-printable":
        return quopri.decodestring(_SOFT_BREAK.sub(b"=\n", raw))
    return from_base64(raw) if encoding == "base64" else raw


def _payload(part: Part) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def encoding_of(part: Part) -> str:
    """The name of the transfer encoding, "" for none."""
    said = str(part.get(_ENCODING) or "").partition("(")[0].partition(";")[0]
    name = _NOT_IN_NAME.sub("", said).lower()
    return _MEANT.get(name, name)


def from_base64(raw: bytes) -> bytes:
    """Decode; behind a padding go on while there are lines of base64, and there end."""
    with suppress(binascii.Error):
        return binascii.a2b_base64(b"".join(raw.split()), strict_mode=True)
    pieces, run = list[bytes](), list[bytes]()
    for line in filter(None, map(bytes.strip, raw.splitlines())):
        if not _BASE64_LINE.fullmatch(line):
            if not pieces and not run:
                return raw
            if not run or line.startswith(_FOOTERS):
                break
        for letters in _BASE64.findall(line):
            run.append(letters)
            if letters.endswith(b"="):
                pieces.append(_decoded(b"".join(run)))
                run = []
    return b"".join((*pieces, _decoded(b"".join(run))))


def _decoded(letters: bytes) -> bytes:
    letters = letters.replace(b"=", b"")
    letters = letters[: len(letters) - (len(letters) % 4 == 1)]
    try:
        return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))
    except binascii.Error:
        return b""
