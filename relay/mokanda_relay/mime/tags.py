# SPDX-License-Identifier: Apache-2.0
"""A page taken apart into tags and words, in time that grows with its length alone.

The standard library's parser looks for the end of each broken tag anew, which takes minutes for
some 100 KB of them.
"""

from collections.abc import Iterator
from html import unescape
from typing import NamedTuple

_MAX_ATTRIBUTES = 50  # of one tag that are looked at
_SPACE = " \t\n\f\r"
_RAW = {"script", "style"}  # what stands in them is no markup


class Start(NamedTuple):
    """The start of an element; `attributes` as they are meant, without their escapes."""

    name: str
    attributes: dict[str, str]


class End(NamedTuple):
    """The end of an element."""

    name: str


class Words(NamedTuple):
    """What stands between tags."""

    text: str


class _Page:
    """A page, and where the search in it is; what is not found once is not looked for again."""

    def __init__(self, html: str) -> None:
        self.html = html
        self._absent: set[str] = set()

    def find(self, what: str, at: int) -> int:
        """Where `what` stands next; -1 if it does not. `at` must grow from call to call."""
        if what in self._absent:
            return -1
        found = self.html.find(what, at)
        if found < 0:
            self._absent.add(what)
        return found

    def past(self, characters: str, at: int) -> int:
        """Where the first character stands that is none of these."""
        while at < len(self.html) and self.html[at] in characters:
            at += 1
        return at

    def up_to(self, characters: str, at: int) -> int:
        """Where the first of these characters stands."""
        while at < len(self.html) and self.html[at] not in characters:
            at += 1
        return at


def read_tags(html: str) -> Iterator[Start | End | Words]:
    """Yield the tags and words of a page; a tag that never ends is words, comments are nothing."""
    page = _Page(html)
    at = 0
    while (start := page.find("<", at)) >= 0:
        if start > at:
            yield Words(unescape(html[at:start]))
        following = html[start + 1 : start + 2]
        at = start + 1
        if following in ("!", "?"):
            at = _behind_comment(page, start)
        elif following == "/" and html[start + 2 : start + 3].isalpha():
            end = page.find(">", start)
            if end >= 0:
                name = html[start + 2 : end].split(maxsplit=1)[0]
                yield End(name.rstrip("/").lower())
                at = end + 1
        elif following.isalpha() and page.find(">", start) >= 0:
            tag, at = _read_start(page, start + 1)
            yield tag
            if tag.name in _RAW:
                at = _end_of_raw(page, tag.name, at)
        if at == start + 1:
            yield Words("<")
    if at < len(html):
        yield Words(unescape(html[at:]))


def _behind_comment(page: _Page, start: int) -> int:
    """Where what follows a comment or a declaration begins; behind its < if it never ends."""
    if page.html.startswith(("<!-->", "<!--->"), start):
        return page.html.index(">", start) + 1
    mark = "-->" if page.html.startswith("<!--", start) else ">"
    end = page.find(mark, start)
    if end < 0 and mark == "-->":
        mark, end = ">", page.find(">", start)
    return end + len(mark) if end >= 0 else start + 1


def _read_start(page: _Page, at: int) -> tuple[Start, int]:
    """Read a tag that begins with its name at `at`; also returns where it ends."""
    html = page.html
    end = page.up_to(_SPACE + "/>", at)
    name, at = html[at:end].lower(), end
    attributes: dict[str, str] = {}
    while at < len(html):
        at = page.past(_SPACE + "/", at)
        if html[at : at + 1] == ">":
            return Start(name, attributes), at + 1
        end = page.up_to(_SPACE + "/>=", at + 1)
        key, at = html[at:end].lower(), page.past(_SPACE, end)
        value = ""
        if html[at : at + 1] == "=":
            at = page.past(_SPACE, at + 1)
            quote = html[at : at + 1]
            end = page.find(quote, at + 1) if quote in ('"', "'") and quote else -1
            if end >= 0:
                value, at = html[at + 1 : end], end + 1
            else:
                end = page.up_to(_SPACE + ">", at)
                value, at = html[at:end], end
        if len(attributes) < _MAX_ATTRIBUTES:
            attributes.setdefault(key, unescape(value))
    return Start(name, attributes), at


def _end_of_raw(page: _Page, name: str, at: int) -> int:
    """Where the end of a script or style stands; where it begins, if it has none."""
    ends = [found for each in (name, name.upper()) if (found := page.find(f"</{each}", at)) >= 0]
    return min(ends, default=at)
