# SPDX-License-Identifier: Apache-2.0
"""Lists as text: numbers as a reader of the page sees them, what is within an item is indented."""

import re
from dataclasses import dataclass, field

INDENT = "  "
_NUMBER = re.compile(r"\s*-?\d{1,6}\s*")
_ROMAN = [(10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")]
_MAX_ROMAN = 39


@dataclass(slots=True)
class Items:
    """A list: an item is the number that it asks for, and its lines. `kind` is HTML's `type`."""

    ordered: bool = False
    start: int | None = None
    falling: bool = False
    kind: str = "1"
    items: list[tuple[int | None, list[str]]] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Write it as text."""
        step = -1 if self.falling else 1
        number = self.start
        if number is None:
            number = len(self.items) if self.falling else 1
        lines: list[str] = []
        for asked, item in self.items:
            number = number if asked is None else asked
            mark = f"{_written(number, self.kind)}." if self.ordered else "-"
            lines += item_lines(mark, item)
            number += step
        return lines


def item_lines(mark: str, lines: list[str]) -> list[str]:
    """Put a mark before an item, and what is in it behind an indent."""
    words = [line for line in lines if line.strip()]
    return [f"{mark} {line}" if at == 0 else INDENT + line for at, line in enumerate(words)]


def number_of(text: str) -> int | None:
    """Read a number of an attribute, None if it is none."""
    return int(text) if _NUMBER.fullmatch(text) else None


def _written(number: int, kind: str) -> str:
    if kind in ("a", "A") and 1 <= number <= 26:
        return chr(ord(kind) + number - 1)
    if kind in ("i", "I") and 1 <= number <= _MAX_ROMAN:
        roman = ""
        for value, letters in _ROMAN:
            roman += letters * (number // value)
            number %= value
        return roman.upper() if kind == "I" else roman
    return str(number)
