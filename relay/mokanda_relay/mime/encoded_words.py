# SPDX-License-Identifier: Apache-2.0
"""Encoded words (RFC 2047), also where a sender got them wrong."""

import base64
import binascii
import quopri
import re
from collections.abc import Iterator

from mokanda_relay.mime.charsets import decode_text
from mokanda_wire.text import clean, one_line

_START = re.compile(r"=\?([\w.:+-]{0,40})(?:\*[\w-]{1,20})?\?([bBqQ])\?")


def decode_words(value: str) -> str:
    """Decode the encoded words of a header, and put it into one line.

    What is no encoded word, or a broken one, stays as it stands. Words may stand within quotes
    and other words, and hold spaces. Neighbours of one charset are decoded together, as senders
    cut characters in two. Words that some program has encoded twice are decoded twice.
    """
    once = _decoded(value)
    return _decoded(once) if "=?" in once else once


def _decoded(value: str) -> str:
    pieces: list[str] = []
    run, charset = b"", ""  # neighbours so far
    for between, name, content in _words(value):
        if run and (between.strip() or name != charset):
            pieces.append(decode_text(run, charset))
            run = b""
            if between.strip():
                pieces.append(between)
        elif not run:
            pieces.append(between)
        run, charset = run + content, name
    if run:
        pieces.append(decode_text(run, charset))
    return one_line(clean("".join(pieces)))


def _words(value: str) -> Iterator[tuple[str, str, bytes]]:
    """Yield what stands before each word, its charset and content; at last, what stands behind."""
    at = done = 0
    while found := _START.search(value, at):
        end = value.find("?=", found.end())
        if end < 0:  # it was cut
            end = len(value)
            if " " in value[found.end() :]:
                break
        content = _content(found[2], value[found.end() : end])
        if content is None:
            at = found.end()
            continue
        yield value[done : found.start()], found[1].lower(), content
        at = done = end + 2
    yield value[done:], "", b""


def _content(encoding: str, text: str) -> bytes | None:
    if encoding in "qQ":
        return quopri.decodestring(text.replace("_", " ").encode("utf-8", "replace"), header=False)
    letters = re.sub(r"[^A-Za-z0-9+/]", "", text)
    try:
        return base64.b64decode(letters + "=" * (-len(letters) % 4))
    except (ValueError, binascii.Error):
        return None
