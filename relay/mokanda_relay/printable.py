# SPDX-License-Identifier: Apache-2.0
"""Foreign text where people read: one line, of bounded length, in which nothing is hidden."""

from __future__ import annotations

import logging
from types import TracebackType

_MAX_RECORD = 4000  # characters


def one_line(text: str, limit: int) -> str:
    """At most `limit` characters that show the beginning of a text; what is unprintable, escaped.

    So are line breaks, NULs, halves of characters, and what changes the direction of writing.
    """
    shown = "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode("ascii")
        for each in text[:limit]
    )
    whole = len(text) <= limit and len(shown) <= limit
    return shown if whole else f"{shown[: limit - 1]}…"


class LogFormatter(logging.Formatter):
    """Writes each record in one line; those of a traceback are indented, so that none looks so."""

    def __init__(self) -> None:
        """Begin lines with time and level."""
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """The line without its traceback."""
        record.message = one_line(record.message, _MAX_RECORD)
        return super().formatMessage(record)

    def formatException(  # noqa: N802 - logging's name
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None]
        | tuple[None, None, None],
    ) -> str:
        """The traceback, its lines indented."""
        lines = super().formatException(ei).split("\n")
        return "\n".join(f"  {one_line(line, _MAX_RECORD)}" for line in lines)
