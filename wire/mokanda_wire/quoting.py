# SPDX-License-Identifier: Apache-2.0
"""Quoted text without its marks, so that a quotation reads like what it quotes.

A compressor that has seen a mail foresees it, line after line; the `> ` before each line of
a quotation is in its way. Here the marks are written only where they change.
"""

import re
from io import StringIO

from mokanda_wire.text import clean

_MAX_MARKS = 100  # characters
_MARKS = re.compile("(?:> ?){0,50}")

# At the start of a line: the marks change. Mail holds no such characters (message.clean).
_NONE = "\x02"  # there are none
_DEEPER = "\x03"  # there is another “> ”
_OTHER = "\x04"  # they are what stands between two of these


class QuotingError(ValueError):
    """Text that `strip` never makes."""


def strip(text: str) -> str:
    """Write the quotation marks only where they change."""
    marks = ""
    lines = []
    for line in clean(text).split("\n"):
        if line == marks.rstrip(" "):  # an empty quoted line has mostly lost its last space
            lines.append("")
            continue
        match = _MARKS.match(line)
        found = match[0] if match else ""
        rest = line[len(found) :]
        if found == marks and rest:
            change = ""
        elif not found:
            change = _NONE
        elif found == marks + "> ":
            change = _DEEPER
        else:
            change = f"{_OTHER}{found}{_OTHER}"
        marks = found
        lines.append(change + rest)
    return "\n".join(lines)


def restore(text: str, limit: int) -> str:
    """Undo `strip`.

    Raises:
        QuotingError: the marks, or the whole text in characters, pass the limit.
    """
    marks, at, restored = "", 0, StringIO()
    while at <= len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        line = text[at:end]
        if line.startswith(_NONE):
            marks, line = "", line[1:]
        elif line.startswith(_DEEPER):
            marks += "> "
            line = marks + line[1:]
        elif line.startswith(_OTHER):
            marks, _, line = line[1:].partition(_OTHER)
            line = marks + line
        else:
            line = marks + line if line else marks.rstrip(" ")
        limit -= len(line) + 1
        if len(marks) > _MAX_MARKS or limit < 0:
            raise QuotingError("A text is too long.")
        restored.write(f"\n{line}" if at else line)
        at = end + 1
    return restored.getvalue()
