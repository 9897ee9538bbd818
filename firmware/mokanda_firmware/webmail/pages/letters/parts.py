# SPDX-License-Identifier: Apache-2.0
"""A long letter is shown in parts: no phone shows a page of a megabyte, and no board makes one."""

import os
from pathlib import Path
from typing import NamedTuple

from mokanda_firmware.mailbox.letters.opened import Letter
from mokanda_firmware.webmail.visit import Visit
from mokanda_wire.message import CUT
from mokanda_wire.text import clean

PART = 32 * 1024  # characters of a text, bytes of a file
SCREEN = 1000  # characters: more than a phone shows at once
_SHOWN = 5000  # characters that are not folded, besides what is quoted


class Part(NamedTuple):
    """A piece of a letter's text: where it begins, and what follows it; None at the end."""

    text: str
    begins: int
    following: int | None


def part_of(visit: Visit, letter: Letter) -> Part:
    """What a page shows of a letter: from the place that its address has, in the whole of it."""
    at = visit.number("from") or 0
    message = letter.message
    if message.note == CUT and letter.files and letter.files[0].here:
        return of_file(visit.store.attachments.path(letter.files[0].here.digest), at)
    return of_text(message.words, at)


def of_text(text: str, at: int) -> Part:
    """A part of a text, from a character on; it ends with a line, if there is one to end with."""
    piece = text[at : at + PART]
    if at + len(piece) >= len(text):
        return Part(piece, at, None)
    end = piece.rfind("\n", PART // 2) + 1 or len(piece)
    return Part(piece[:end], at, at + end)


def of_file(path: Path, at: int) -> Part:
    """A part of a file in UTF-8, from a byte on; nothing of one that is gone."""
    try:
        with path.open("rb") as file:
            file.seek(min(at, file.seek(0, os.SEEK_END)))  # no file system takes any place
            piece = file.read(PART + 1)
    except FileNotFoundError:
        piece = b""
    if len(piece) <= PART:
        return Part(clean(piece.decode("utf-8", "replace")), at, None)
    end = piece.rfind(b"\n", PART // 2, PART) + 1 or PART
    while end > PART - 4 and piece[end] & 0xC0 == 0x80:  # within a character
        end -= 1
    return Part(clean(piece[:end].decode("utf-8", "replace")), at, at + end)


def folded(text: str) -> tuple[str, str]:
    """Divide a long text into its beginning and the rest, which a page shows when it is asked to.

    Quotations are folded by themselves, and are not divided.
    """
    at = shown = 0
    for line in text.split("\n"):
        is_quoted = line.startswith(">")
        if shown > _SHOWN and not is_quoted and len(text) - at > _SHOWN // 4:
            return text[:at], text[at:]
        shown += 0 if is_quoted else len(line) + 1
        at += len(line) + 1
    return text, ""
