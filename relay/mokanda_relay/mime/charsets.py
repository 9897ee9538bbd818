# SPDX-License-Identifier: Apache-2.0
"""Bytes as text, by whatever charset they name."""

from mokanda_wire.text import clean

# What browsers do: senders label the wider charset with the narrower one's name.
_WIDER_CHARSETS = {
    "ascii": "windows-1252",
    "us-ascii": "windows-1252",
    "iso-8859-1": "windows-1252",
    "latin-1": "windows-1252",
    "latin1": "windows-1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
}
_NOT_CHARSETS = {"idna", "punycode", "raw_unicode_escape", "undefined", "unicode_escape"}


def decode_text(data: bytes, charset: str | None) -> str:
    """Turn bytes into clean text, by `charset` if it is known and fits, else by a guess.

    Lines end in LF; characters that no text holds become U+FFFD.
    """
    name = (charset or "us-ascii").strip().lower()
    name = _WIDER_CHARSETS.get(name, name)
    for encoding in dict.fromkeys((name, "utf-8") if name != "windows-1252" else ("utf-8", name)):
        try:
            if encoding.replace("-", "_") not in _NOT_CHARSETS:
                return clean(data.decode(encoding))
        except (LookupError, ValueError):
            continue
    if not data.decode("utf-8", "ignore").isascii():  # one damaged letter, not all
        name = "utf-8"
    elif name == "utf-8":
        name = "windows-1252"
    try:
        return clean(data.decode(name, "replace"))
    except (LookupError, ValueError):
        return clean(data.decode("windows-1252", "replace"))
