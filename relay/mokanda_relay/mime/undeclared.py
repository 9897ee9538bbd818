# SPDX-License-Identifier: Apache-2.0
"""Texts that are encoded, or marked up, although their head says nothing of it."""

import quopri
import re
from html import unescape

from mokanda_relay.mime.transfer import from_base64

_LETTER = re.compile(rb"=(?:[CD][0-9A-F]|E[0-9A-F]=[89AB][0-9A-F])=[89AB][0-9A-F]")  # of UTF-8
_NOT_QUOTED = re.compile(rb"=(?![0-9A-F]{2}|[ \t]{0,9}\r?\n|\Z)")
_BASE64 = re.compile(rb"\s*(?:[A-Za-z0-9+/]{60,100}\r?\n)+[A-Za-z0-9+/]{0,100}={0,2}\s*")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f]")
_PAGE = re.compile(r"\s*<(?:!doctype html|html)\b", re.IGNORECASE)
_PIECE = re.compile(r"\s*<(?:body|center|div|h[1-6]|p|span|style|table)\b", re.IGNORECASE)
_END_OF_PAGE = re.compile(r"(?:</[a-z]\w{0,10}\s?>|<br\s?/?>)\s*\Z", re.IGNORECASE)
_END_TAG = re.compile(r"</(?:b|div|em|h[1-6]|i|li|p|span|strong|td)>", re.IGNORECASE)
_END = 100  # characters in which a page ends
_ENTITY = re.compile(r"&(?:#\d{1,6}|#[xX][0-9a-fA-F]{1,5}|[A-Za-z]{2,8});")


def decoded(data: bytes) -> bytes:
    """Undo quoted-printable or base64, if it cannot be anything else."""
    if not data.isascii():
        return data
    letters = _LETTER.finditer(data)
    if next(letters, None) and next(letters, None) and not _NOT_QUOTED.search(data):
        return quopri.decodestring(data)
    if _BASE64.fullmatch(data):
        try:
            text = from_base64(data).decode()
        except UnicodeDecodeError:
            return data
        return data if _CONTROL.search(text) else text.encode()
    return data


def is_page(text: str) -> bool:
    """Whether what calls itself a plain text is a page, or a piece of one to its end."""
    return bool(_PAGE.match(text) or (_PIECE.match(text) and _END_OF_PAGE.search(text[-_END:])))


def as_shown(plain: str, page: str) -> str:
    """The plain text beside a page (as text), without what only a page takes: "" if it is one."""
    if _END_TAG.search(plain) and not _END_TAG.search(page):
        return ""
    return plain if _ENTITY.search(page) else without_entities(plain)


def without_entities(text: str) -> str:
    """Write &eacute; and the like as the letters that they stand for."""
    return unescape(text) if _ENTITY.search(text) else text
