# SPDX-License-Identifier: Apache-2.0
"""The world's HTML as text: no markup of a stranger's ever leaves the relay.

A village reads mail as text (see docs/decisions/0004-html.md). What a mail says is read by the
sanitiser's parser, which is a browser's, so that broken markup loses no words.
"""

import re
from collections.abc import Mapping

import nh3

from mokanda_relay.mime.tags import End, Start, Words, read_tags
from mokanda_wire.text import clean, one_line

_MAX_DEPTH = 30  # of words within words that are marked
_MAX_PICTURES = 20  # of a mail of pictures alone that are named

# What has a meaning as text; everything else is taken off, and its words stay.
_TAGS = {
    *("a", "b", "blockquote", "br", "dd", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5"),
    *("h6", "hr", "i", "img", "li", "ol", "p", "pre", "strong", "table", "td", "tr", "ul"),
}
_ATTRIBUTES = {"a": {"href"}, "img": {"alt", "src"}}
# Whose content is no words.
_WITHOUT_WORDS = {"script", "style", "template", "title"}
# The parser takes time by the square of tags that are not closed in their order, of escapes, and of
# a tag's attributes; longer pages than these are newsletters' at most, and read by our own reader.
_MAX_TAGS = 5_000
_MAX_LENGTH = 512 * 1024  # characters


class _TextOfHtml:
    """Collects what a reader of a page would read, links with their targets.

    Bold and slanted words come between * and _, as people write them in plain text.
    """

    _BLOCKS = re.compile(
        "address|article|blockquote|br|d[dlt]|div|fieldset|footer|form|h[1-6]|header|hr|li|ol|p|pre"
        "|section|table|tr|ul"
    )
    _PARAGRAPHS = re.compile("h[1-6]|hr|p|pre")
    _SKIPPED = re.compile("script|style|title|template")
    _EMPHASIS = {"b": "*", "strong": "*", "i": "_", "em": "_"} | {f"h{n}": "*" for n in range(1, 7)}

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._line: list[str] = []
        self._skipping = ""
        self._quotes = 0
        self._preformatted = 0
        self._emphasised: list[tuple[str, int, int]] = []  # tag, line, piece of the line
        self._link = ""
        self._label: list[str] = []
        self._pictures: list[str] = []

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Begin an element."""
        if self._skipping:
            return
        if self._SKIPPED.fullmatch(tag):
            self._skipping = tag
        elif self._BLOCKS.fullmatch(tag):
            self._end_block(tag)
            self._quotes += tag == "blockquote"
            self._preformatted += tag == "pre"
            if tag == "li":
                self._line.append("- ")
        elif tag == "td":
            self._line.append(" ")
        elif tag == "img":
            self._add_picture(attributes)
        elif tag == "a":
            target = attributes.get("href", "")
            self._link = target if target.startswith(("http:", "https:", "mailto:")) else ""
            self._label = []
        if tag in self._EMPHASIS and len(self._emphasised) < _MAX_DEPTH:
            self._emphasised.append((tag, len(self.lines), len(self._line)))

    def end(self, tag: str) -> None:
        """End an element."""
        if self._skipping:
            self._skipping = "" if tag == self._skipping else self._skipping
            return
        if self._emphasised and self._emphasised[-1][0] == tag:
            self._emphasise(*self._emphasised.pop())
        if self._BLOCKS.fullmatch(tag) and tag != "br":
            self._end_block(tag)
            self._quotes -= tag == "blockquote" and self._quotes > 0
            self._preformatted -= tag == "pre" and self._preformatted > 0
        elif tag == "a" and self._link:
            label = "".join("".join(self._label).split()).rstrip("/")
            bare = self._link.removeprefix("mailto:").rstrip("/")
            if label not in (bare, bare.partition("://")[2]):
                self._line.append(f" <{self._link}>")
            self._link = ""

    def words(self, data: str) -> None:
        """Read what stands between tags."""
        if self._skipping:
            return
        if self._link:
            self._label.append(data)
        if self._preformatted:
            first, *others = data.split("\n")
            self._line.append(first)
            for each in others:
                self._end_line()
                self._line.append(each)
        else:
            self._line.append(re.sub(r"\s+", " ", data))

    def text(self) -> str:
        """What was read; of a page of pictures alone, where they are."""
        self._end_line()
        text = clean(re.sub(r"\n{3,}", "\n\n", "\n".join(self.lines)).strip("\n"))
        return text if text.strip("> \n") else clean("\n".join(self._pictures))

    def _end_block(self, tag: str) -> None:
        if tag == "br" or any(piece.strip() for piece in self._line):
            self._end_line()
        self._line = []
        if self._PARAGRAPHS.fullmatch(tag) and self.lines and self.lines[-1]:
            self.lines.append("")

    def _end_line(self) -> None:
        line = "".join(self._line)
        line = line.rstrip() if self._preformatted else one_line(line)
        quotes = ">" * min(self._quotes, 5)
        self.lines.append(f"{quotes} {line}" if quotes and line else line)
        self._line = []

    def _emphasise(self, tag: str, line: int, piece: int) -> None:
        """Put the mark around words that stand in one line."""
        mark, words = self._EMPHASIS[tag], "".join(self._line[piece:])
        inner = words.strip()
        before = self._line[piece - 1][-1:] if 0 < piece <= len(self._line) else ""
        if line != len(self.lines) and tag[0] != "h":
            return
        if not inner or len(inner) > 200 or mark in inner or before.isalnum():
            return
        start = words[: len(words) - len(words.lstrip())]
        end = words[len(words.rstrip()) :]
        self._line[piece:] = [start, mark + inner + mark, end]

    def _add_picture(self, attributes: Mapping[str, str]) -> None:
        self._line.append(attributes.get("alt", ""))
        source = attributes.get("src", "")
        if source.startswith(("http:", "https:")) and len(self._pictures) < _MAX_PICTURES:
            self._pictures.append(f"[<{one_line(source)[:500]}>]")


def html_to_text(html: str) -> str:
    """Say what an HTML mail says, without markup; a link's target follows its label."""
    if len(html) > _MAX_LENGTH or html.count("<") + html.count("&") > _MAX_TAGS:
        return _read(html)
    safe = nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        clean_content_tags=_WITHOUT_WORDS,
        url_schemes={"cid", "http", "https", "mailto"},
        link_rel=None,
    )
    return _read(safe) or _read(html)


def _read(html: str) -> str:
    reader = _TextOfHtml()
    for each in read_tags(html):
        match each:
            case Start(name, attributes):
                reader.start(name, attributes)
            case End(name):
                reader.end(name)
            case Words(text):
                reader.words(text)
    return reader.text() or _without_tags(html)


def _without_tags(html: str) -> str:
    return one_line(clean(re.sub(r"<[^<>]*>", " ", html)))
