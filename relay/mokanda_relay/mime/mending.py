# SPDX-License-Identifier: Apache-2.0
"""Raw mails put in order, before a parser sees them that keeps to the letter.

It takes a header that it does not know for the first line of the text, and what stands behind
(sender, parts, files) with it. So in the headers of a mail and of its parts

    lines end in LF or CRLF, whatever they ended in
    a name stands before its colon without blanks
    a line that is no header goes on with the one before, if headers follow
    what a script has written into the text stands in the head (`misplaced.py`)

and nothing else is touched.
"""

import re
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterator

from mokanda_relay.mime.misplaced import put_into_head

_MAX_HEAD = 256 * 1024  # bytes of the headers of a mail or a part
_MAX_BOUNDARIES = 200
_MAX_REPEATED = 5
_BOUNDARY = re.compile(
    rb"boundary\s{0,9}=\s{0,9}(?:\"([^\"\r\n]{1,200})\"|([^\s;\"]{1,200}))", re.IGNORECASE
)
_MULTIPART = re.compile(rb"(?im)^content-type[ \t]*:\s{0,9}multipart/[\w.+-]{1,60}")
_BETWEEN_PARTS = re.compile(rb"(?im)^--([^\r\n\"]{1,70}?)[ \t]*\r?\n(?=content-[\w-]{1,40}[ \t]*:)")
_BLANK = re.compile(rb"^\r*\n", re.MULTILINE)
_HEADER = re.compile(rb"([!-9;-~]{1,70})[ \t]*:")
_MAIL_WITHIN = re.compile(
    rb"^content-type[ \t]*:\s{0,9}message/rfc822", re.IGNORECASE | re.MULTILINE
)
# Where a blank or a comma stands for the semicolon, as scripts write it.
_CONTENT_TYPE = re.compile(
    rb"(?i)^(content-type:\s{0,9})([\w.+-]{1,60})[ \t]{0,9}/[ \t]{0,9}([\w.+-]{1,60})"
    rb"(?:[ \t]{0,9}[;,/][ \t]{0,9}|[ \t]{1,9})(?=charset|name|boundary|format)"
)
_LINES_OF_THE_WAY = (b"From ", b">From ")  # that mailboxes of Unix put before a mail


def mended(raw: bytes) -> bytes:
    """The mail with its headers in order."""
    if b"\n" not in raw:
        raw = raw.replace(b"\r", b"\n")
    if b"\r\r\n" in raw[:_MAX_HEAD]:
        raw = raw.replace(b"\r\r\n", b"\r\n")
    raw = _without_lines_of_the_way(raw)
    end = _end_of_head(raw, 0, len(raw))
    raw = _without_early_ends(b"".join(put_into_head(raw[:end], raw[end:])))
    pieces, done = list[bytes](), 0
    for start, end in _heads(raw):
        head = raw[start:end]
        better = _with_boundary(_mended(head), raw, end)
        if better != head and start >= done:
            pieces += (raw[done:start], better)
            done = end
    return b"".join((*pieces, raw[done:])) if pieces else raw


def _without_lines_of_the_way(raw: bytes) -> bytes:
    """Leave out what stands before the first header: a byte order mark, blank lines, marks."""
    stripped = raw.removeprefix(BOM_UTF8).lstrip(b"\r\n")
    if _HEADER.match(stripped):
        return stripped
    while raw.startswith(_LINES_OF_THE_WAY) and not _HEADER.match(raw):
        raw = raw.partition(b"\n")[2]
    return raw


def _without_early_ends(raw: bytes) -> bytes:
    """Let parts within parts that have one boundary not end those around them."""
    found = Counter(quoted or bare for quoted, bare in _BOUNDARY.findall(raw))
    for boundary in [each for each, times in found.items() if times > 1][:_MAX_REPEATED]:
        line = b"\n--" + boundary
        last = max(raw.rfind(line + b"\n"), raw.rfind(line + b"\r\n"), 0)
        raw = raw[:last].replace(line + b"--", line) + raw[last:]
    return raw


def _heads(raw: bytes) -> Iterator[tuple[int, int]]:
    """Yield where headers begin and end: the mail's, then those of its parts."""
    yield 0, _end_of_head(raw, 0, len(raw))
    found = (quoted or bare for quoted, bare in _BOUNDARY.findall(raw))
    boundaries = list(dict.fromkeys(found))[:_MAX_BOUNDARIES]
    if boundaries:
        any_of = b"|".join(map(re.escape, boundaries))
        lines = list(re.finditer(rb"^--(?:%s)(?:--)?[ \t]*\r?\n" % any_of, raw, re.MULTILINE))
        limits = [each.start() for each in lines[1:]] + [len(raw)]
        for line, limit in zip(lines, limits, strict=False):
            start, end = line.end(), _end_of_head(raw, line.end(), limit)
            if _HEADER.match(raw, start):  # else it has none, and is text
                yield start, end
            blank = _MAIL_WITHIN.search(raw, start, end) and _BLANK.match(raw, end)
            if blank:
                yield blank.end(), _end_of_head(raw, blank.end(), limit)


def _end_of_head(raw: bytes, start: int, limit: int) -> int:
    limit = min(limit, start + _MAX_HEAD)
    blank = _BLANK.search(raw, start, limit)
    return blank.start() if blank else limit


def _with_boundary(head: bytes, raw: bytes, end: int) -> bytes:
    """Name the line between parts that stands behind a head, where that names another or none."""
    kind = _MULTIPART.search(head)
    if kind is None:
        return head
    said = _BOUNDARY.search(head, kind.start())
    if said and raw.find(b"\n--" + (said[1] or said[2]), max(end - 1, 0)) >= 0:
        return head
    line = _BETWEEN_PARTS.search(raw, end, end + _MAX_HEAD)
    if line is None:
        return head
    rest = _BOUNDARY.sub(b"", head[kind.end() :])
    return head[: kind.end()] + b'; boundary="' + line[1] + b'"' + rest


def _mended(head: bytes) -> bytes:
    lines = head.split(b"\n")
    headers = [n for n, line in enumerate(lines) if _HEADER.match(line)]
    if not headers:
        return head
    for n in range(headers[0], headers[-1]):
        if not (_HEADER.match(lines[n]) or lines[n].startswith((b" ", b"\t"))):
            lines[n] = b" " + lines[n]
    for n in headers:
        lines[n] = _HEADER.sub(rb"\1:", lines[n], count=1)
        lines[n] = _CONTENT_TYPE.sub(rb"\1\2/\3; ", lines[n], count=1)
    return b"\n".join(lines[headers[0] :])
