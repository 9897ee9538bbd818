# SPDX-License-Identifier: Apache-2.0
"""Tables as text: rows of data become lines, what only serves the layout becomes paragraphs."""

from dataclasses import dataclass, field

# Of a cell of data: how many lines and characters it has at most, where nothing but the cells tells
# that they are data, and where the table says so.
_SHORT = (2, 60)
_LONG = (5, 300)
_BESIDE = 60  # characters of the cells of a layout that stand in a line with another one


@dataclass(slots=True)
class Table:
    """Rows of cells; a cell is the lines in it. `marked` is one with a head, a title or borders."""

    marked: bool = False
    rows: list[list[list[str]]] = field(default_factory=list)
    _headings: int = 0

    def add(self, cell: list[str], *, is_heading: bool) -> None:
        """Add a cell to the last row."""
        if not self.rows:
            self.rows.append([])
        self.rows[-1].append(cell)
        words = _stripped(cell) if is_heading else []
        self._headings += len(words) == 1 and len(words[0]) <= _SHORT[1]

    def lines(self) -> list[str]:
        """Write it as text."""
        rows = [row for row in self.rows if any(map(_has_words, row))]
        full = [row for row in rows if sum(map(_has_words, row)) > 1]
        marked = self.marked or self._headings > 1  # a single one is a frame of the layout's
        most_lines, most = _LONG if marked else _SHORT
        cells = [_stripped(cell) for row in full for cell in row]
        short = all(len(cell) <= most_lines and sum(map(len, cell)) <= most for cell in cells)
        if short and len(full) > (0 if marked else 1):
            return _of_data(rows)
        return [line for row in rows for line in _of_layout(row)]


def _of_data(rows: list[list[list[str]]]) -> list[str]:
    """Set the cells of a row apart; columns that are empty in all rows are room alone."""
    used = {at for row in rows for at, cell in enumerate(row) if _has_words(cell)}
    lines = []
    for row in rows:
        cells = [" / ".join(_stripped(cell)) for at, cell in enumerate(row) if at in used]
        while not cells[-1]:
            del cells[-1]
        line = cells[0]
        for cell in cells[1:]:
            line += f" {cell}" if line.endswith(":") else f" | {cell}".rstrip()
        lines.append(line.lstrip())
    return lines


def _of_layout(row: list[list[str]]) -> list[str]:
    """Put short cells into one line, and others below each other."""
    cells = [cell for cell in row if _has_words(cell)]
    single = [_stripped(cell)[0] for cell in cells if len(_stripped(cell)) == 1]
    if len(single) == len(cells) > 1:
        lengths = sorted(map(len, single))
        if sum(lengths[:-1]) <= _BESIDE:
            return [" ".join(single)]
    return [line for cell in cells for line in cell]


def _has_words(cell: list[str]) -> bool:
    return any(map(str.strip, cell))


def _stripped(cell: list[str]) -> list[str]:
    return [line.strip() for line in cell if line.strip()]
