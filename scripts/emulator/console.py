# SPDX-License-Identifier: Apache-2.0
"""The emulated board's serial console: QEMU writes all of it to a log, and reads what is typed."""

from __future__ import annotations

import codecs
import os
import re
import time
from pathlib import Path

from scripts.tools.deadlines import Deadline, DeadlineError


class Console:
    """What the board writes from now on can be waited for, and lines be typed."""

    def __init__(self, log: Path, keyboard: Path) -> None:
        """Follow `log`, and make `keyboard`, a named pipe for QEMU to read."""
        log.touch()
        self._log = log
        self._size = log.stat().st_size
        os.mkfifo(keyboard)
        # Open for both, so that neither end has to wait for the other.
        self._keyboard = os.open(keyboard, os.O_RDWR)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._text = ""
        self._read = 0

    def close(self) -> None:
        """Let go of the keyboard; what was written can still be read."""
        os.close(self._keyboard)

    def write(self, text: str) -> None:
        """Type `text`."""
        os.write(self._keyboard, text.encode())

    def wait_for(self, pattern: str, seconds: float) -> re.Match[str]:
        """Wait until `pattern` comes, after what an earlier wait found; raises DeadlineError."""
        deadline = Deadline(seconds, f"{pattern!r} on the console")
        while not (found := re.compile(pattern).search(self._all(), self._read)):
            try:
                time.sleep(min(0.02, deadline.left()))
            except DeadlineError as missed:
                raise DeadlineError(f"{missed}; its last lines:\n{self.tail()}") from None
        self._read = found.end()
        return found

    def tail(self, lines: int = 20) -> str:
        """The last lines that the board wrote."""
        return "\n".join(self._all().splitlines()[-lines:])

    def _all(self) -> str:
        with self._log.open("rb") as log:
            log.seek(self._size)
            data = log.read()
        self._size += len(data)
        self._text += self._decoder.decode(data).replace("\r", "")
        return self._text
