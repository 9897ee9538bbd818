# SPDX-License-Identifier: Apache-2.0
"""What Outlook wraps into winmail.dat (TNEF, MS-OXTNEF), as if it had been attached."""

from collections.abc import Callable
from dataclasses import dataclass

from striprtf.striprtf import rtf_to_text
from tnefparse import TNEF

from mokanda_relay.mime.charsets import decode_text
from mokanda_relay.mime.html_to_text import html_to_text

MEDIA_TYPES = ("application/ms-tnef", "application/vnd.ms-tnef")

_MAX_FILES = 200


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """The text, "" for none, and the files: name and content."""

    text: str
    files: tuple[tuple[str, bytes], ...]


def unwrap(data: bytes) -> Unwrapped:
    """Take a winmail.dat apart.

    Raises:
        Exception: of many kinds, where it is damaged.
    """
    tnef = TNEF(data, do_checksum=False)
    files = tuple(
        (each.long_filename() or "", bytes(each.data)) for each in tnef.attachments[:_MAX_FILES]
    )
    return Unwrapped(_text(tnef), files)


def _text(tnef: TNEF) -> str:
    plain, html = getattr(tnef, "body", None), getattr(tnef, "htmlbody", None)
    if plain:
        return _decoded(plain)
    if html:
        return html_to_text(_decoded(html))
    rtf = tnef.rtfbody
    to_text: Callable[..., str] = rtf_to_text
    return to_text(_decoded(rtf), errors="ignore") if rtf else ""


def _decoded(text: object) -> str:
    if isinstance(text, list):
        text = text[0] if text else ""
    return decode_text(text.rstrip(b"\0"), None) if isinstance(text, bytes) else str(text or "")
