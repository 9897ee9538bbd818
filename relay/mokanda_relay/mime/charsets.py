# SPDX-License-Identifier: Apache-2.0
"""Bytes as text, by whatever charset they name: as browsers read it (WHATWG's Encoding)."""

import codecs
import re

import webencodings

from mokanda_wire.text import clean

_CODE_PAGE = re.compile(r"(?:x-)?(?:cp|ibm|windows|win|dos)?[-_]?(\d{3,5})")
# Charsets that WHATWG leaves out as a danger to pages; as text they are none.
_MAIL_ONLY = re.compile(
    r"utf-?7|unicode-1-1-utf-7|hz(-gb-2312)?|iso-2022-\w+|cp\d+|utf-?(16|32).*|eucjp|johab"
)
_OF_7_BITS = ("iso2022", "hz", "utf-7")
_OF_TWO_BYTES = ("gb", "big5", "shift", "euc", "cp9", "johab")
_WIDE = ("utf-16", "utf-32")
_LATIN = "cp1252"  # what those mean who name no charset, or Latin 1
_BLOCK = 1024  # bytes of a page in which its charset is looked for
_META = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
_MIXED = "mokanda.mixed"


def _as_latin(error: UnicodeError) -> tuple[str, int]:
    """Read what is no UTF-8 within a text that is: programs join texts of two charsets."""
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode(_LATIN, "replace"), error.end


codecs.register_error(_MIXED, _as_latin)


def decode_text(data: bytes, charset: str | None) -> str:
    """Turn bytes into clean text, by `charset` if it is known and fits, else by a guess.

    Lines end in LF; characters that no text holds become U+FFFD.
    """
    codec = _by_mark(data) or _codec(charset)
    if codec is not None and codec.startswith(_OF_7_BITS) and data.isascii():
        return clean(data.decode(codec, "replace"))  # damaged, it would pass for ASCII
    guesses = (codec, "utf-8") if codec and not _seems_utf_8(data, codec) else ("utf-8", codec)
    for each in guesses:
        try:
            return clean(data.decode(each or _LATIN))
        except (LookupError, ValueError):
            continue
    if not data.decode("utf-8", "ignore").isascii():  # one damaged letter, not all
        codec = "utf-8"
    elif codec in (None, "utf-8"):
        codec = _LATIN
    try:
        return clean(data.decode(codec, _MIXED if codec == "utf-8" else "replace"))
    except (LookupError, ValueError):
        return clean(data.decode(_LATIN, "replace"))


def charset_of_page(data: bytes) -> str | None:
    """The charset that an HTML page names in itself."""
    found = _META.search(data[:_BLOCK])
    return found[1].decode("ascii", "replace") if found else None


def _seems_utf_8(data: bytes, codec: str) -> bool:
    """Whether a text that names another charset is UTF-8, as which hardly any other one reads."""
    if codec == _LATIN:
        return True
    if codec.startswith(_WIDE):
        return False
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return False
    least = "\u0800" if codec.startswith(_OF_TWO_BYTES) else "\x80"
    return any(character >= least for character in text)


def _by_mark(data: bytes) -> str | None:
    """The codec that a byte order mark tells."""
    if data.startswith(codecs.BOM_UTF8):
        return "utf-8"
    return "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else None


def _codec(charset: str | None) -> str | None:
    """Python's name of a charset, None for one that is not known."""
    label = (charset or "").strip(" \t\"'").lower()[:60]
    known = webencodings.lookup(label)
    if known is not None and known.name not in ("replacement", "x-user-defined"):
        name = str(known.codec_info.name)
        return "gb18030" if name == "gbk" else name  # the larger one, as browsers do
    page = _CODE_PAGE.fullmatch(label)
    label = f"cp{page[1]}" if page else label
    if not _MAIL_ONLY.fullmatch(label):
        return None
    try:
        return codecs.lookup(label).name
    except LookupError:
        return None
