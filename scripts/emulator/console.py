# SPDX-License-Identifier: Apache-2.0
"""The emulated board's serial console."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from pathlib import Path
from typing import TextIO

from scripts.deadlines import Deadline, DeadlineError


class Console:
    """The serial console: everything is kept in a log file, and can be waited for."""

    def __init__(self, connection: socket.socket, log: Path) -> None:
        self._connection = connection
        self._log = log.open("ab")
        self._text = ""
        self._read = 0
        self._screen: TextIO | None = None
        self._news = threading.Condition()
        threading.Thread(target=self._listen, name="console", daemon=True).start()

    def _listen(self) -> None:
        with self._log as log, contextlib.suppress(OSError):
            while data := self._connection.recv(65536):
                log.write(data)
                log.flush()
                text = data.decode("utf-8", "replace").replace("\r", "")
                with self._news:
                    self._text += text
                    self._news.notify_all()
                if self._screen:
                    print(text, end="", file=self._screen, flush=True)

    def show(self, screen: TextIO) -> None:
        """Show what comes from now on."""
        self._screen = screen

    def write(self, text: str) -> None:
        """Type `text`."""
        self._connection.sendall(text.encode())

    def wait_for(self, pattern: str, seconds: float) -> re.Match[str]:
        """Wait until `pattern` comes, after what an earlier wait found; raises DeadlineError."""
        deadline = Deadline(seconds, f"{pattern!r} on the console")
        with self._news:
            while not (found := re.compile(pattern).search(self._text, self._read)):
                try:
                    self._news.wait(min(1.0, deadline.left()))
                except DeadlineError as missed:
                    raise DeadlineError(f"{missed}; its last lines:\n{self.tail()}") from None
            self._read = found.end()
        return found

    def tail(self, lines: int = 20) -> str:
        """The last lines that the board wrote."""
        return "\n".join(self._text.splitlines()[-lines:])
