# SPDX-License-Identifier: Apache-2.0
"""What a reader of a page would read, as plain text with the marks that people type.

Bold and slanted words come between * and _, struck ones between ~; quotations behind >, items of
lists behind - or their number, targets of links behind their label.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from mokanda_relay.mime.hidden import is_hidden, letters_without_size, without_fillers
from mokanda_relay.mime.items import INDENT, Items, item_lines, number_of
from mokanda_relay.mime.links import target_of
from mokanda_relay.mime.styles import Styles
from mokanda_relay.mime.tables import Table
from mokanda_wire.text import clean, one_line

_BLOCKS = re.compile(
    "address|article|aside|blockquote|br|button|caption|center|d[dlt]|details|dialog|div|fieldset"
    "|figure|footer|form|h[1-6]|header|hr|legend|li|main|nav|ol|option|p|pre|section|summary|table"
    "|textarea|t[dhr]|ul"
)
_PARAGRAPHS = re.compile("h[1-6]|p|pre")
_WITHOUT_WORDS = {"script", "style", "template", "title"}
_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "wbr"}
_MARKS = {"b": "*", "strong": "*", "i": "_", "em": "_", "del": "~", "s": "~", "strike": "~"}
_MARKS |= {f"h{number}": "*" for number in range(1, 7)}
# What values of `white-space` keep.
_LINES, _ALL = "lines", "lines and blanks"
_PREFORMATTED = {"pre-line": _LINES, "normal": "", "nowrap": ""}
_PREFORMATTED |= dict.fromkeys(("pre", "pre-wrap", "break-spaces"), _ALL)
# Which open elements the start of another ends, and within what.
_ENDED_BY = {
    "li": (("li",), {"ol", "ul", "td", "th", "blockquote"}),
    "dt": (("dd", "dt"), {"dl", "td", "th"}),
    "dd": (("dd", "dt"), {"dl", "td", "th"}),
    "td": (("td", "th"), {"table"}),
    "th": (("td", "th"), {"table"}),
    "tr": (("tr", "td", "th"), {"table"}),
}
_OF_TABLES = {"table", "tbody", "td", "tfoot", "th", "thead", "tr"}
_MAX_ELEMENTS = 1000  # open ones that are known
_MAX_LOOK = 50  # of them that are looked at for the one that a tag ends
_MAX_FRAMES = 30  # lines within lines; with each the lines in it are copied once more
_MAX_QUOTES = 5
_MAX_ITEMS = 10_000  # of a page's tables and lists that are set as such
_MAX_MARKED = 200  # characters between marks
_MAX_PICTURES = 20  # of a mail of pictures alone that are named
_BEFORE_ITEM = re.compile(r"[>\s]*(?:(?:-|\w{1,6}\.) )?")
_TARGET = re.compile(r" <[^<>\s]*>$")
_SUPERSCRIPTS = str.maketrans("123", "¹²³")


@dataclass(slots=True)
class _Frame:
    """Lines that become part of those around them when they are whole."""

    lines: list[str] = field(default_factory=list)
    line: list[str] = field(default_factory=list)  # pieces of the one that is being read


@dataclass(slots=True)
class _Element:
    """An element that is open. What it marks begins in a frame at a line, with a piece of it."""

    tag: str
    holds: Table | Items | _Frame | None
    value: int | None
    hidden: bool
    without_size: bool
    rtl: bool
    preformatted: str
    mark: str
    link: str
    frame: _Frame
    line: int
    piece: int


class _Marked(NamedTuple):
    """Words between marks, which end with the piece before `pieces` of a frame's `line`."""

    mark: str
    words: str
    frame: _Frame
    line: int
    pieces: int


class PageReader:
    """Collects the words of a page, as it is read."""

    def __init__(self, styles: Styles, *, rtl: bool) -> None:
        self._styles = styles
        self._page = _Frame()
        self._frames = [self._page]
        self._holders: list[Table | Items | _Frame] = []
        self._open: list[_Element] = []
        self._unknown = 0  # elements that are open besides
        self._rtl = self._page_rtl = rtl
        self._skipping = ""
        self._marks: set[str] = set()  # of the elements that are open
        self._hidden = 0
        self._quotes = 0
        self._preformatted = ""  # whether lines are kept, and blanks
        self._items = 0
        self._apart = False  # whether no letter may follow at once
        self._marked: _Marked | None = None  # last
        self._label: list[str] | None = None  # of the link that is open
        self._pictures: list[str] = []

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Begin an element."""
        if self._skipping:
            return
        if tag in _WITHOUT_WORDS:
            self._skipping = tag
            return
        if _BLOCKS.fullmatch(tag):
            if tag != "br" and self._open and self._open[-1].tag == "p":
                self._end_last()
            ended, within = _ENDED_BY.get(tag, ((), set()))
            for each in ended:
                self._end_any(each, within)
            self._end_block(tag)
        if tag in _VOID:
            self._add_void(tag, attributes)
        elif len(self._open) < _MAX_ELEMENTS:
            self._begin(tag, attributes)
        else:
            self._unknown += 1

    def end(self, tag: str) -> None:
        """End an element, and those within it."""
        if self._skipping:
            self._skipping = "" if tag == self._skipping else self._skipping
        elif self._unknown:
            self._unknown -= 1
        else:
            self._end_any(tag, {"table"} if tag in _OF_TABLES else {"table", "td", "th"})
        if _BLOCKS.fullmatch(tag) and tag != "br" and not self._skipping:
            self._end_block(tag)

    def words(self, data: str) -> None:
        """Read what stands between tags."""
        if self._skipping or self._hidden or (self._open and self._open[-1].without_size):
            return
        if self._label is not None:
            self._label.append(data)
        if self._preformatted:
            if self._preformatted == _LINES:
                data = re.sub(r"[ \t]+", " ", data)
            first, *others = data.split("\n")
            self._frame.line.append(first)
            for each in others:
                self._end_line()
                self._frame.line.append(each)
            return
        words = without_fillers(re.sub(r"\s+", " ", data))
        if self._apart and words:
            self._apart = False
            words = f" {words}" if words[0].isalnum() else words
        if words[:1].isalnum():
            self._unmark()
        self._frame.line.append(words)

    def text(self) -> str:
        """What was read; of a page of pictures alone, where they are."""
        while self._open:
            self._end_last()
        self._end_block("")
        text = clean(re.sub(r"\n{3,}", "\n\n", "\n".join(self._page.lines)).strip("\n"))
        return text if text.strip("> \n") else clean("\n".join(self._pictures))

    @property
    def _frame(self) -> _Frame:
        return self._frames[-1]

    def _begin(self, tag: str, attributes: Mapping[str, str]) -> None:
        style = self._styles.of(tag, attributes)
        around = self._open[-1] if self._open else None
        direction = attributes.get("dir", "").lower()
        hidden = is_hidden(attributes, style)
        struck = "line-through" in style.get("text-decoration", "")
        mark = "~" if struck else _MARKS.get(tag, "")
        holds = self._hold(tag, attributes)
        element = _Element(
            tag=tag,
            holds=holds,
            value=number_of(attributes.get("value", "")) if tag == "li" else None,
            hidden=hidden,
            without_size=letters_without_size(style, around is not None and around.without_size),
            rtl=direction == "rtl" if direction in ("ltr", "rtl") else self._rtl,
            preformatted=_PREFORMATTED.get(
                style.get("white-space", "pre" if tag == "pre" else ""), self._preformatted
            ),
            mark="" if mark in self._marks else mark,
            link=target_of(attributes.get("href", "")) if tag == "a" else "",
            frame=self._frame,
            line=len(self._frame.lines),
            piece=len(self._frame.line),
        )
        self._open.append(element)
        self._marks.add(mark)
        self._rtl = element.rtl
        self._preformatted = element.preformatted
        self._hidden += hidden
        self._quotes += tag == "blockquote"
        if tag == "a":
            self._label = []
        elif tag == "q":
            self.words('"')
        elif tag == "li" and holds is None and not self._hidden:
            self._frame.line.append("- ")

    def _hold(self, tag: str, attributes: Mapping[str, str]) -> Table | Items | _Frame | None:
        """Open what the element's lines are put into, if they are not simply the page's."""
        holder: Table | Items | _Frame | None = None
        around = self._holders[-1] if self._holders else None
        may_nest = len(self._frames) < _MAX_FRAMES and self._items < _MAX_ITEMS
        is_cell = tag in ("td", "th") and isinstance(around, Table)
        is_quotation = tag == "blockquote" and self._quotes < _MAX_QUOTES
        if tag == "table":
            holder = Table(attributes.get("border", "0") not in ("", "0"))
        elif tag in ("ol", "ul"):
            holder = Items(
                tag == "ol",
                number_of(attributes.get("start", "")),
                "reversed" in attributes,
                attributes.get("type", "1"),
            )
        elif isinstance(around, Table) and tag in ("thead", "caption"):
            around.marked = True
        elif isinstance(around, Table) and tag == "tr" and may_nest:
            around.rows.append([])
            self._items += 1
        elif may_nest and (tag in ("dd", "li") or is_cell or is_quotation):
            holder = _Frame()
        if holder is not None:
            self._holders.append(holder)
            self._items += 1
        if isinstance(holder, _Frame):
            self._frames.append(holder)
        return holder

    def _end_any(self, tag: str, within: set[str]) -> None:
        """End the last element of this tag that is open, unless it is around one of others."""
        for back in range(1, min(len(self._open), _MAX_LOOK) + 1):
            found = self._open[-back].tag
            if found == tag:
                for _ in range(back):
                    self._end_last()
                return
            if found in within:
                return

    def _end_last(self) -> None:
        """End the last element that is open."""
        if self._open[-1].tag == "q":
            self.words('"')
        element = self._open.pop()
        if element.mark:
            self._marks.discard(element.mark)
            self._mark(element)
        if element.tag == "sup":
            self._raise(element)
        elif element.link:
            self._add_target(element)
        if _BLOCKS.fullmatch(element.tag):
            self._end_block(element.tag)
        if element.holds is not None:
            self._settle(element)
        self._hidden -= element.hidden
        self._quotes -= element.tag == "blockquote"
        self._rtl = self._open[-1].rtl if self._open else self._page_rtl
        self._preformatted = self._open[-1].preformatted if self._open else ""

    def _settle(self, element: _Element) -> None:
        """Put what an element held into what is around it."""
        holder = self._holders.pop()
        around = self._holders[-1] if self._holders else None
        if isinstance(holder, _Frame):
            self._frames.pop()
            lines = holder.lines
            if element.tag in ("td", "th") and isinstance(around, Table):
                around.add(lines, is_heading=element.tag == "th")
                return
            if element.tag == "li" and isinstance(around, Items):
                around.items.append((element.value, lines))
                return
            if element.tag == "li":
                lines = item_lines("-", lines)
            elif element.tag == "dd":
                lines = [f"{INDENT}{line}" if line else "" for line in lines]
            else:
                lines = _quoted(lines)
        else:
            lines = holder.lines()
            if isinstance(holder, Items) and isinstance(around, Items) and around.items:
                around.items[-1][1].extend(lines)  # a list between the items of another
                return
        self._frame.lines += lines

    def _end_block(self, tag: str) -> None:
        frame = self._frame
        if tag == "br" or any(piece.strip() for piece in frame.line):
            self._end_line()
        frame.line.clear()
        if _PARAGRAPHS.fullmatch(tag) and frame.lines and frame.lines[-1]:
            frame.lines.append("")

    def _end_line(self) -> None:
        line = "".join(self._frame.line)
        line = line.rstrip() if self._preformatted == _ALL else one_line(line)
        self._frame.lines.append(f"\u200f{line}" if self._rtl and _seems_ltr(line) else line)
        self._frame.line.clear()
        self._apart = False

    def _mark(self, element: _Element) -> None:
        """Put marks around the words of an element."""
        frame, mark = self._frame, element.mark
        if frame is not element.frame:
            return
        in_one_line = element.line == len(frame.lines)
        if mark == "~" or element.tag[0] == "h":
            for number in range(element.line, len(frame.lines)):
                frame.lines[number] = _marked(frame.lines[number], mark)
        elif not in_one_line and self._marked_line(element):
            return
        piece = element.piece if in_one_line else 0
        words = "".join(frame.line[piece:])
        if not words.strip():
            return
        before = "".join(frame.line[max(piece - 1, 0) : piece])[-1:]
        if mark == "~":
            before, words = "", f" {words}" if before.isalnum() else words
            self._apart = bool(words.strip())
        elif (last := self._marked_before(mark)) is not None:
            between = "".join(frame.line[last.pieces : piece])
            if not between.strip():
                piece, before, words = last.pieces - 1, "", last.words + between + words
        if not before.isalnum() or words[0].isspace():
            frame.line[piece:] = [_marked(words, mark)]
            self._marked = _Marked(mark, words, frame, len(frame.lines), len(frame.line))

    def _marked_before(self, mark: str) -> _Marked | None:
        """What stands between the same marks in this line, if it may go on."""
        last, frame = self._marked, self._frame
        if last is None or last.frame is not frame or last.line != len(frame.lines):
            return None
        may_go_on = len(last.words) <= _MAX_MARKED and not last.words.endswith(">")  # of a target
        return last if last.mark == mark and may_go_on else None

    def _marked_line(self, element: _Element) -> bool:
        """Mark the one line of an element that has words; whether no words are left to mark."""
        frame = self._frame
        lines = [n for n in range(element.line, len(frame.lines)) if frame.lines[n].strip()]
        has_words = any(piece.strip() for piece in frame.line)
        if lines == [] and has_words:
            return False
        if len(lines) == 1 and not has_words and (lines[0] > element.line or not element.piece):
            line = frame.lines[lines[0]]
            before = _BEFORE_ITEM.match(line)
            if not (before and before[0]):
                frame.lines[lines[0]] = _marked(line, element.mark)
        return True

    def _unmark(self) -> None:
        """Take marks back within a word, which nobody would read as such."""
        line, last = self._frame.line, self._marked
        if (
            last is not None
            and last.mark != "~"
            and not last.words[-1].isspace()
            and last.frame is self._frame
            and (last.line, last.pieces) == (len(self._frame.lines), len(line))
        ):
            line[-1] = last.words

    def _raise(self, element: _Element) -> None:
        """Keep a small number above the line from becoming part of the one before it."""
        line = self._frame.line
        if self._frame is not element.frame or len(line) <= element.piece or not element.piece:
            return
        number = "".join(line[element.piece :]).strip()
        if number.lstrip("-+").isdigit() and line[element.piece - 1][-1:].isalnum():
            small = number.translate(_SUPERSCRIPTS)
            line[element.piece :] = [f"^{number}" if small.strip("¹²³") else small]

    def _add_target(self, element: _Element) -> None:
        label = "".join("".join(self._label or ()).split()).rstrip("/")
        self._label = None
        if self._hidden or (element.without_size and not label):
            return
        bare = element.link.rstrip("/")
        if label not in (bare, bare.partition("://")[2]):
            self._frame.line.append(f" <{element.link}>")

    def _add_void(self, tag: str, attributes: Mapping[str, str]) -> None:
        if self._hidden or is_hidden(attributes, self._styles.of(tag, attributes)):
            return
        if tag == "hr":
            if self._frame.lines and self._frame.lines[-1] != "---":
                self._frame.lines.append("---")
        elif tag == "area" and (target := target_of(attributes.get("href", ""))):
            self._frame.line.append(f" {attributes.get('alt', '')} <{target}> ")
        elif tag == "img":
            alt = re.sub(r"\s+", " ", attributes.get("alt", ""))
            self._frame.line.append(alt)
            if self._label is not None:
                self._label.append(alt)
            source = attributes.get("src", "")
            if source.startswith(("http:", "https:")) and len(self._pictures) < _MAX_PICTURES:
                self._pictures.append(f"[<{one_line(source)[:500]}>]")


def _marked(words: str, mark: str) -> str:
    """Put a mark around words, but not around what stands before an item, or a link's target."""
    start = words[: len(words) - len(words.lstrip())]
    end = words[len(words.rstrip()) :]
    words = words.strip()
    before = _BEFORE_ITEM.match(words)
    if before and mark == "~":
        start, words = start + before[0], words[before.end() :]
    if target := _TARGET.search(words[-1000:]):
        words, end = words[: len(words) - len(target[0])], target[0] + end
    if not words or len(words) > _MAX_MARKED or mark in words:
        return start + words + end
    return f"{start}{mark}{words}{mark}{end}"


def _quoted(lines: list[str]) -> list[str]:
    """Put > before the lines of a quotation."""
    words = [number for number, line in enumerate(lines) if line.strip("> ")]
    if not words:
        return []
    lines = lines[words[0] : words[-1] + 1]
    return [(f">{line}" if line.startswith(">") else f"> {line}").rstrip() for line in lines]


def _seems_ltr(line: str) -> bool:
    """Whether a line of right-to-left words begins with others, by which a page would set it."""
    kinds = [unicodedata.bidirectional(character) for character in line[:500]]
    first = next((kind for kind in kinds if kind in ("L", "R", "AL")), "")
    return first == "L" and ("R" in kinds or "AL" in kinds)
