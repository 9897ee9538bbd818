# SPDX-License-Identifier: Apache-2.0
"""Paragraphs that a sender's program has cut into lines (RFC 3676, format=flowed)."""

import re

_SIGNATURE = "-- "
_MARKS = re.compile(r"(?:>(?: (?=>))?)*")  # of a quotation; some programs set them apart


def unflowed(text: str, *, delete_space: bool) -> str:
    """Put the lines of each paragraph together; the depth of quotations stays.

    `delete_space` says that the blank at a line's end is not the text's (the parameter DelSp).
    """
    paragraphs: list[list[str]] = []
    depth_before, flows = 0, False  # of the line before
    for line in text.split("\n"):
        marks = _MARKS.match(line)
        depth = marks[0].count(">") if marks else 0
        words = line[marks.end() if marks else 0 :].removeprefix(" ")
        goes_on = flows and depth == depth_before and words != _SIGNATURE
        depth_before, flows = depth, words != _SIGNATURE and words.endswith(" ")
        if flows and delete_space:
            words = words[:-1]
        if goes_on:
            paragraphs[-1].append(words)
        else:
            paragraphs.append([f"{'>' * depth} {words}" if depth else words])
    lines = map("".join, paragraphs)
    return "\n".join(line if line == _SIGNATURE else line.rstrip(" ") for line in lines)
