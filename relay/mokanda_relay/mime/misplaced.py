# SPDX-License-Identifier: Apache-2.0
"""Headers that a script has written into the text: behind a blank line too many, or once more.

Of those how the text is written is taken from them; who wrote it, and to whom, the head alone says.
"""

import re

_MAX_HEADERS = 16 * 1024  # bytes of them
_HEADER = re.compile(
    rb"(?:\r?\n)*((mime-version|content-[a-z-]{2,30}|from|sender|reply-to|errors-to|to|b?cc"
    rb"|subject|date|message-id|organi[sz]ation|importance|priority|x-[\w-]{1,60})[ \t]{0,9}:"
    rb"[^\r\n]*(?:\r?\n[ \t]+[^\s][^\r\n]*)*)(?:\r?\n|\Z)",
    re.IGNORECASE,
)
_HOW = (b"content-type", b"content-transfer-encoding")
_KIND = re.compile(rb"^content-type[ \t]*:\s*(text\b)?", re.IGNORECASE | re.MULTILINE)
_PARTS = re.compile(
    rb"(?:[^\r\n]{0,200}\r?\n){0,3}--([\w'()+,./:=?-]{1,70})\r?\ncontent-type:", re.IGNORECASE
)


def put_into_head(head: bytes, text: bytes) -> tuple[bytes, bytes]:
    """The head and the text of a mail, with the headers where they belong.

    The head ends in a line break; the text begins with the blank line behind it, if there is one.
    """
    kind = _KIND.search(head)
    if kind and not kind[1]:
        return head, text
    found, at = dict[bytes, bytes](), 0
    while (header := _HEADER.match(text, at, _MAX_HEADERS)) is not None:
        found.setdefault(header[2].lower(), header[1])
        at = header.end()
    if len(found) > 1 and (_HOW[0] in found or b"mime-version" in found):
        for name in _HOW:
            if name in found:
                head = _without(head, name) + found[name] + b"\n"
        return head, b"\n" + text[at:].lstrip(b"\r\n")
    parts = _PARTS.match(text)
    if parts and kind is None:
        head += b'Content-Type: multipart/mixed; boundary="' + parts[1] + b'"\n'
    return head, text


def _without(head: bytes, name: bytes) -> bytes:
    return re.sub(rb"(?im)^%s[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*" % name, b"", head)
