# SPDX-License-Identifier: Apache-2.0
"""What a modem announces of the network: a text in quotes, which may go over lines."""

import re
from collections.abc import Iterable

_MOST = 10
_MAX_LENGTH = 4000  # characters; a text of 182 has 728 digits
_BY_ITSELF = re.compile(r"[+^][A-Z]+:", re.IGNORECASE)  # what is no line of a text
_QUOTED = re.compile(r'[^",]*, *"')
_WHOLE = re.compile(r'"[^"]*" {0,9}, {0,9}\d{0,3} {0,9}\Z')  # a number is behind the last quote


def announcements(name: str, lines: Iterable[str]) -> list[str]:
    """Return what lines announce that begins with a name, each with the lines of its text."""
    announced: list[str] = []
    for line in lines:
        add(announced, name, line)
    return announced


def add(announced: list[str], name: str, line: str) -> bool:
    """Add a line to what was announced; False: it belongs to nothing of that."""
    if line.upper().startswith(name) and len(announced) < _MOST:
        announced.append(line)
    elif announced and goes_on(announced[-1]) and not _BY_ITSELF.match(line):
        announced[-1] += f"\n{line}"
    else:
        return False
    return True


def goes_on(announced: str) -> bool:
    """Whether lines may be missing of a text in quotes, which may have others in it."""
    is_short = len(announced) <= _MAX_LENGTH
    return is_short and bool(_QUOTED.match(announced)) and not _WHOLE.search(announced)
