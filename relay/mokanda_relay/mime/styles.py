# SPDX-License-Identifier: Apache-2.0
"""What a page's style says of an element: as much of CSS as tells what its reader sees.

Of the page's rules those count that name a tag, a class or an id, alone or a tag with one of the
others. A rule that says more of where it holds may show what others hide, but hides nothing itself;
rules that are for some screens alone, or for printing, do not count.
"""

import re
from collections.abc import Iterator, Mapping

from mokanda_relay.mime.hidden import is_hidden, letters_without_size

_MAX_STYLE = 2000  # characters of the declarations of an element or a rule that are looked at
_MAX_SHEETS = 128 * 1024  # characters of a page's rules
_MAX_SELECTORS = 5000
_MAX_CLASSES = 10  # of an element
_PROPERTIES = {
    *("display", "visibility", "opacity", "overflow", "height", "max-height"),
    *("font", "font-size", "white-space", "text-decoration"),
}
_SHEET = re.compile(r"<!--|<style(?=[\s>])([^<>]{0,300})>", re.IGNORECASE)
_END = re.compile(r"</style", re.IGNORECASE)
_MEDIA = re.compile(r"\smedia\s*=\s*[\"']?\s*([^\"'>]*)", re.IGNORECASE)
_SCREENS = ("", "all", "screen")
_BRACE = re.compile(r"[{}]")
_OF_COMMENTS = re.compile(r"<!--|-->")
_COMBINED = re.compile(r"[\s>+~]+")
_SIMPLE = re.compile(r"(?!html|body)(?:[a-z]\w{0,20})?(?:[.#][a-z_-][\w-]{0,60})?")


def declarations(style: str) -> dict[str, str]:
    """Read declarations, in small letters."""
    pairs = (each.partition(":") for each in style[:_MAX_STYLE].lower().split(";"))
    return {
        name.strip(): value.replace("!important", "").strip()
        for name, colon, value in pairs
        if colon
    }


class Styles:
    """The rules of a page."""

    def __init__(self, html: str) -> None:
        self._rules: dict[str, dict[str, str]] = {}
        selectors = 0
        for prelude, body in _rules(_sheets(html)):
            style = {k: value for k, value in declarations(body).items() if k in _PROPERTIES}
            shows = not (is_hidden({}, style) or letters_without_size(style, inherited=False))
            for selector in prelude.lower().split(","):
                *around, last = _COMBINED.split(selector.strip())
                selectors += 1
                if selectors > _MAX_SELECTORS:
                    return
                if _SIMPLE.fullmatch(last) and (shows or not around):
                    self._rules.setdefault(last, {}).update(style)

    def of(self, tag: str, attributes: Mapping[str, str]) -> dict[str, str]:
        """What the rules and its own `style` say of an element."""
        style: dict[str, str] = {}
        if self._rules:
            classes = attributes.get("class", "").lower().split()[:_MAX_CLASSES]
            marks = [f".{each}" for each in classes] + [f"#{attributes.get('id', '').lower()}"]
            for key in (tag, *(key for mark in marks for key in (mark, tag + mark))):
                style.update(self._rules.get(key, {}))
        return style | declarations(attributes.get("style", ""))


def _sheets(html: str) -> str:
    """The contents of the <style> elements; not those in comments, which Outlook alone reads."""
    pieces, length, at = list[str](), 0, 0
    while length < _MAX_SHEETS and (found := _SHEET.search(html, at)):
        if found[0] == "<!--":
            end = html.find("-->", found.end() - 2)
            at = end + 3
        else:
            close = _END.search(html, found.end())
            end = close.start() if close else -1
            at = end
            media = _MEDIA.search(found[1])
            if end >= 0 and (media is None or media[1].strip().lower() in _SCREENS):
                pieces.append(html[found.end() : end][: _MAX_SHEETS - length])
                length += len(pieces[-1])
        if end < 0:
            break
    return "\n".join(pieces)


def _rules(css: str) -> Iterator[tuple[str, str]]:
    """Yield selectors and declarations of the rules that stand within no other."""
    first, *others = css.split("/*")
    css = " ".join((first, *(each.partition("*/")[2] for each in others)))
    css = _OF_COMMENTS.sub(" ", css)
    depth = start = 0
    prelude = ""
    for brace in _BRACE.finditer(css):
        if brace[0] == "{":
            if depth == 0:
                prelude = css[start : brace.start()].rpartition(";")[2].strip()
            depth += 1
        else:
            if depth == 1 and not prelude.startswith("@"):
                yield prelude, css[start : brace.start()]
            depth = max(depth - 1, 0)
        start = brace.end()
