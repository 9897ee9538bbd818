# SPDX-License-Identifier: Apache-2.0
"""The text of a letter as HTML: the one place where foreign words become part of a page.

People mark words in plain text as they do on their phones: *bold*, _slanted_, ~struck~, lines that
begin with - for a list and with > for what somebody else wrote. Everything is escaped first; the
few tags that are here are the only ones that ever come of it.
"""

import re
from html import escape

from mokanda_firmware.webmail.wording.links import linked

_MAX_DEPTH = 5  # quotations within quotations, and lists within lists; deeper ones keep their marks
_MAX_QUOTED = 8  # lines of a quotation that a letter shows at once
_QUOTED = re.compile(r"> ?")
_ITEM = re.compile(r"( {0,10})[-*•] (?=[^\s*-])")
_RULE = re.compile(r"[-_=~*─—]{3,200}")
_BOLD = re.compile(r"(?<![\w*])\*(?![\s*])([^*\n]{1,400})(?<!\s)\*(?![\w*])")
_SLANTED = re.compile(r"(?<![\w_/])_(?![\s_])([^_\n]{1,400})(?<!\s)_(?![\w_])")
_STRUCK = re.compile(r"(?<![\w~])~(?![\s~])([^~\n]{1,400})(?<!\s)~(?![\w~])")


def to_html(text: str, quoted: str = "") -> str:
    """Write a text as HTML, for an element that keeps its line breaks.

    A long quotation is folded, if there is something to write on it: `quoted`.
    """
    return _lines(text.replace("\ufffc", "").split("\n"), 0, quoted)


def _lines(lines: list[str], depth: int, quoted: str) -> str:
    parts: list[str] = []
    plain: list[str] = []
    at = 0
    while at < len(lines):
        start = at
        while at < len(lines) and depth < _MAX_DEPTH and _QUOTED.match(lines[at]):
            at += 1
        if at > start:
            parts += [_plain(plain), _quotation(lines[start:at], depth, quoted)]
            continue
        # What is indented at first is within an item that has a number: it stays behind its indent.
        while at < len(lines) and _ITEM.match(lines[at]) and (at > start or lines[at][0] != " "):
            at += 1
        if at > start:
            parts += [_plain(plain), _list(lines[start:at])]
            continue
        if _RULE.fullmatch(lines[at]):
            parts += [_plain(plain), "<hr>"]
        else:
            plain.append(lines[at])
        at += 1
    parts.append(_plain(plain))
    return "".join(parts)


def _quotation(lines: list[str], depth: int, quoted: str) -> str:
    inner = [_QUOTED.sub("", line, count=1) for line in lines]
    html = f'<blockquote dir="auto">{_lines(inner, depth + 1, "")}</blockquote>'
    if not quoted or len(lines) <= _MAX_QUOTED:
        return html
    return f"<details><summary>{escape(quoted)}</summary>{html}</details>"


def _list(lines: list[str]) -> str:
    """Write items as lists, those with a wider indent within the ones before them."""
    parts: list[str] = []
    indents: list[int] = []  # of the lists that are open
    for line in lines:
        indent = len(line) - len(line.lstrip(" "))
        while len(indents) > 1 and indent < indents[-1]:
            indents.pop()
            parts.append("</li></ul>")
        if not indents or (indent > indents[-1] and len(indents) < _MAX_DEPTH):
            indents.append(indent)
            parts.append('<ul dir="auto"><li>')
        else:
            parts.append("</li><li>")
        parts.append(_words(line[indent + 2 :]))
    return "".join(parts) + "</li></ul>" * len(indents)


def _plain(lines: list[str]) -> str:
    """Write what was collected, and begin anew."""
    text = "\n".join(map(_words, lines))
    lines.clear()
    return text


def _words(line: str) -> str:
    return linked(line, _emphasised)


def _emphasised(text: str) -> str:
    text = _BOLD.sub(r"<b>\1</b>", escape(text))
    return _STRUCK.sub(r"<s>\1</s>", _SLANTED.sub(r"<i>\1</i>", text))
