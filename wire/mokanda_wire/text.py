# SPDX-License-Identifier: Apache-2.0
"""Text that any store, protocol and page takes."""

import re

_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")
# Unicode's Default_Ignorable_Code_Point: what nobody sees, and what turns the writing round.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_UNSAFE_IN_NAME = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|\u202a-\u202e\u2066-\u2069]')


def clean(text: str) -> str:
    """Make text such that any store and protocol takes it.

    Lines end in LF; what no text holds (most control characters, half surrogates) becomes
    U+FFFD.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _CONTROL.sub("\ufffd", text)


def without_invisible(text: str) -> str:
    """Drop the characters that nobody sees, also those that turn the writing round."""
    return _INVISIBLE.sub("", text)


def one_line(text: str) -> str:
    """Put a text into one line, its words one space apart."""
    return " ".join(text.split())


def bare_link(link: str, behind: str) -> str:
    """Leave off what a sentence has put behind a link, of these characters; not a ) of its own."""
    bare = link.rstrip(behind)
    return f"{bare})" if link[len(bare) :].startswith(")") and "(" in bare else bare


def safe_file_name(name: str) -> str:
    """Make a sender's name for a file harmless: no path, no control characters, not long."""
    name = _UNSAFE_IN_NAME.sub("_", name.replace("\\", "/").rpartition("/")[2])
    name = one_line(clean(name)).strip(". ")
    stem, dot, extension = name.rpartition(".")
    if dot and len(extension) <= 10:
        return f"{stem[:100]}.{extension}"
    return name[:100]
