# SPDX-License-Identifier: Apache-2.0
"""Paragraphs that a sender's program has cut into lines (RFC 3676, format=flowed)."""

_SIGNATURE = "-- "


def unflowed(text: str, *, delete_space: bool) -> str:
    """Put the lines of each paragraph together; the depth of quotations stays.

    `delete_space` says that the blank at a line's end is not the text's (the parameter DelSp).
    """
    lines: list[str] = []
    depth_before, flows = 0, False  # of the line before
    for line in text.split("\n"):
        words = line.lstrip(">")
        depth = len(line) - len(words)
        words = words.removeprefix(" ")
        fixed = words == _SIGNATURE or not words.endswith(" ")
        if flows and depth == depth_before and words != _SIGNATURE:
            lines[-1] += words
        else:
            lines.append(f"{'>' * depth} {words}" if depth else words)
        depth_before, flows = depth, not fixed
        if flows and delete_space:
            lines[-1] = lines[-1][:-1]
    return "\n".join(line if line == _SIGNATURE else line.rstrip(" ") for line in lines)
