# SPDX-License-Identifier: Apache-2.0
"""The text of a letter as HTML: the one place where foreign words become part of a page.

People mark words in plain text as they do on their phones: *bold*, _slanted_, lines that begin with
- for a list and with > for what somebody else wrote. Everything is escaped first; the few tags that
are here are the only ones that ever come of it.
"""

import re
from html import escape
from urllib.parse import quote

_MAX_DEPTH = 5  # quotations within quotations; deeper ones keep their marks
_QUOTED = re.compile(r"> ?")
_ITEM = re.compile(r"[-*•] (?=[^\s*-])")
_WEB_ADDRESS = re.compile(r"(https?://\S{1,2000})")
_MAIL_ADDRESS = re.compile(r"(?<![\w.+/@-])[\w.+-]{1,64}@(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}\b")
_BOLD = re.compile(r"(?<![\w*])\*(?![\s*])([^*\n]{1,400})(?<!\s)\*(?![\w*])")
_SLANTED = re.compile(r"(?<![\w_/])_(?![\s_])([^_\n]{1,400})(?<!\s)_(?![\w_])")


def to_html(text: str) -> str:
    """Write a text as HTML, for an element that keeps its line breaks."""
    return _lines(text.split("\n"), 0)


def _lines(lines: list[str], depth: int) -> str:
    parts: list[str] = []
    plain: list[str] = []
    at = 0
    while at < len(lines):
        start = at
        while at < len(lines) and depth < _MAX_DEPTH and _QUOTED.match(lines[at]):
            at += 1
        if at > start:
            parts.append(_plain(plain))
            inner = [_QUOTED.sub("", line, count=1) for line in lines[start:at]]
            parts.append(f"<blockquote>{_lines(inner, depth + 1)}</blockquote>")
            continue
        while at < len(lines) and _ITEM.match(lines[at]):
            at += 1
        if at > start:
            parts.append(_plain(plain))
            items = (_words(line[2:]) for line in lines[start:at])
            parts.append("<ul>" + "".join(f"<li>{item}</li>" for item in items) + "</ul>")
            continue
        plain.append(lines[at])
        at += 1
    parts.append(_plain(plain))
    return "".join(parts)


def _plain(lines: list[str]) -> str:
    """Write what was collected, and begin anew."""
    text = "\n".join(map(_words, lines))
    lines.clear()
    return text


def _words(line: str) -> str:
    parts = _WEB_ADDRESS.split(line)  # every second one is an address of the web
    return "".join(
        escape(part) if number % 2 else _marked(part) for number, part in enumerate(parts)
    )


def _marked(text: str) -> str:
    parts, at = [], 0
    for found in _MAIL_ADDRESS.finditer(text):
        parts += [_emphasised(text[at : found.start()]), _to_write(found[0])]
        at = found.end()
    return "".join([*parts, _emphasised(text[at:])])


def _to_write(address: str) -> str:
    return f'<a href="/write?to={quote(address)}">{escape(address)}</a>'


def _emphasised(text: str) -> str:
    return _SLANTED.sub(r"<i>\1</i>", _BOLD.sub(r"<b>\1</b>", escape(text)))
