# SPDX-License-Identifier: Apache-2.0
"""What Outlook wraps into winmail.dat (TNEF, MS-OXTNEF), as if it had been attached.

A reader of our own: tnefparse believes each count that it reads, so that 14 bytes keep it busy for
hours, and gives up at a file name with an accent.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from compressed_rtf import decompress
from striprtf.striprtf import rtf_to_text

from mokanda_relay.mime.charsets import decode_text
from mokanda_relay.mime.html_to_text import html_to_text

MEDIA_TYPES = ("application/ms-tnef", "application/vnd.ms-tnef")

_SIGNATURE = 0x223E9F78
_MAX_FILES = 200
_MAX_WITHIN = 3  # mails within mails
_MAX_RTF = 2 * 1024 * 1024  # bytes, decompressed
# Attributes (2.1.3.2), and properties of messages and attachments (MS-OXPROPS).
_BODY, _TITLE, _DATA = 0x800C, 0x8010, 0x800F
_NEW_FILE, _OF_MESSAGE, _OF_FILE, _CODE_PAGE = 0x9002, 0x9003, 0x9005, 0x9007
_TEXT, _HTML, _RTF = 0x1000, 0x1013, 0x1009
_SHORT_NAME, _LONG_NAME, _CONTENT = 0x3704, 0x3707, 0x3701
_NAMED = 0x8000  # properties from here on bring their name along
_MANY = 0x1000  # values of one property
_UNICODE, _OBJECT = 0x1F, 0x0D
# Sizes of kinds of values; others say theirs.
_SIZES = {
    0: 0,
    1: 0,
    2: 2,
    3: 4,
    4: 4,
    5: 8,
    6: 8,
    7: 8,
    0xA: 4,
    0xB: 2,
    0x14: 8,
    0x40: 8,
    0x48: 16,
}


class TnefError(ValueError):
    """It is no TNEF, or damaged."""


@dataclass
class Unwrapped:
    """The text, "" for none, and the files: name and content."""

    text: str = ""
    files: list[tuple[str, bytes]] = field(default_factory=list)


class _Value(NamedTuple):
    kind: int
    data: bytes


def unwrap(data: bytes, within: int = 0) -> Unwrapped:
    """Take a winmail.dat apart.

    Raises:
        TnefError: it is damaged.
    """
    found = Unwrapped()
    charset = "windows-1252"
    try:
        for name, content in _attributes(data):
            if name == _CODE_PAGE:
                charset = f"cp{int.from_bytes(content[:4], 'little')}"
            elif name == _BODY:
                found.text = _string(content, charset)
            elif name == _OF_MESSAGE:
                found.text = _text(_properties(content), charset) or found.text
            elif name == _NEW_FILE and len(found.files) < _MAX_FILES:
                found.files.append(("", b""))
            elif found.files and name == _TITLE:
                found.files[-1] = (_string(content, charset), found.files[-1][1])
            elif found.files and name == _DATA:
                found.files[-1] = (found.files[-1][0], content)
            elif found.files and name == _OF_FILE:
                _describe(found, _properties(content), charset, within)
    except (struct.error, IndexError) as error:
        raise TnefError(str(error)) from error
    return found


def _describe(found: Unwrapped, about: dict[int, _Value], charset: str, within: int) -> None:
    """Give the last file the name and content that its properties have; or unwrap a mail in it."""
    name, content = found.files[-1]
    for each in (_SHORT_NAME, _LONG_NAME):
        if each in about:
            name = _words(about[each], charset)
    if _CONTENT in about:
        content = about[_CONTENT].data
    if _CONTENT in about and about[_CONTENT].kind == _OBJECT and within < _MAX_WITHIN:
        inner = unwrap(content[16:], within + 1)  # behind the class of the object
        found.files.pop()
        found.files += inner.files[: _MAX_FILES - len(found.files)]
        found.text = "\n\n".join(filter(None, (found.text, inner.text)))
    else:
        found.files[-1] = (name, content)


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield what stands one after the other: names without their types, and data."""
    if len(data) < 6 or int.from_bytes(data[:4], "little") != _SIGNATURE:
        raise TnefError("no TNEF")
    at = 6
    while at + 9 <= len(data):
        name, size = struct.unpack_from("<xHxxI", data, at)
        yield name, data[at + 9 : at + 9 + size]
        at += 9 + size + 2


def _properties(data: bytes) -> dict[int, _Value]:
    """The properties of a message or file by their ids, each with its first value."""
    (count,) = struct.unpack_from("<I", data)
    found: dict[int, _Value] = {}
    at = 4
    for _ in range(min(count, len(data) // 4)):
        kind, name = struct.unpack_from("<HH", data, at)
        at += 4
        if name >= _NAMED:
            at = _behind_name(data, at)
        value, at = _value(data, at, kind)
        found.setdefault(name, value)
    return found


def _behind_name(data: bytes, at: int) -> int:
    (by_text,) = struct.unpack_from("<I", data, at + 16)  # behind the set that it is of
    if not by_text:
        return at + 24
    (size,) = struct.unpack_from("<I", data, at + 20)
    return at + 24 + _padded(size)


def _value(data: bytes, at: int, kind: int) -> tuple[_Value, int]:
    size = _SIZES.get(kind & ~_MANY)
    count = 1
    if size is None or kind & _MANY:
        (count,) = struct.unpack_from("<I", data, at)
        at += 4
    if size is not None:
        first = data[at : at + size]
        return _Value(kind & ~_MANY, first), at + _padded(size * min(count, len(data)))
    first = b""
    for number in range(min(count, len(data) // 4)):
        (size,) = struct.unpack_from("<I", data, at)
        first = first if number else data[at + 4 : at + 4 + size]
        at += 4 + _padded(size)
    return _Value(kind & ~_MANY, first), at


def _padded(size: int) -> int:
    return size + -size % 4


def _text(about: dict[int, _Value], charset: str) -> str:
    if _TEXT in about:
        return _words(about[_TEXT], charset)
    if _HTML in about:
        return html_to_text(_words(about[_HTML], charset))
    return rtf_to_words(_decompressed(about[_RTF].data)) if _RTF in about else ""


def rtf_to_words(rtf: bytes) -> str:
    """Say what a text in RTF says; "" where it cannot be read."""
    try:
        to_text: Callable[..., str] = rtf_to_text
        return to_text(rtf.decode("latin-1"), errors="ignore").strip()
    except Exception:  # noqa: BLE001 - raises many kinds on damaged texts
        return ""


def _decompressed(data: bytes) -> bytes:
    """Undo MS-OXRTFCP; nothing where it says to become too large, or is damaged."""
    if len(data) < 16 or int.from_bytes(data[4:8], "little") > _MAX_RTF:
        return b""
    try:
        return bytes(decompress(data))
    except Exception:  # noqa: BLE001 - raises many kinds on damaged texts
        return b""


def _words(value: _Value, charset: str) -> str:
    return _string(value.data, "utf-16-le" if value.kind == _UNICODE else charset)


def _string(data: bytes, charset: str) -> str:
    return decode_text(data, charset).rstrip("\0\ufffd")
