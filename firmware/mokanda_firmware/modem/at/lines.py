# SPDX-License-Identifier: Apache-2.0
"""What a modem or pppd says, line by line, in memory and time that stay small whatever it says."""

import re

MAX_LINE = 1000  # bytes of a line that are kept
_END = re.compile(rb"[\r\n]")


class LineReader:
    """Puts lines together from the pieces in which they come; empty ones are passed over."""

    def __init__(self) -> None:
        self._begun = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Take in what came; return the lines that have ended, of each the first MAX_LINE bytes."""
        *ended, begun = _END.split(data)
        lines = []
        for piece in ended:
            self._add(piece)
            if self._begun:
                lines.append(bytes(self._begun))
            self._begun.clear()
        self._add(begun)
        return lines

    @property
    def has_begun(self) -> bool:
        """Whether a line has begun that has not ended."""
        return bool(self._begun)

    @property
    def begun(self) -> bytes:
        """What has come of a line that has not ended."""
        return bytes(self._begun)

    def forget(self) -> None:
        """Forget the line that has begun."""
        self._begun.clear()

    def _add(self, piece: bytes) -> None:
        self._begun += piece[: MAX_LINE - len(self._begun)]
