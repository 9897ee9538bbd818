# SPDX-License-Identifier: Apache-2.0
"""A root shell on the board's serial console, which only the tests' copy of the card has."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from scripts.emulator import Board
from scripts.patience import Deadline, DeadlineError, wait_until

# systemd's own shell in place of a login, and nobody else on the console.
KERNEL_ARGUMENTS: Final = (
    "systemd.debug_shell=ttyS0 systemd.mask=serial-getty@ttyS0.service"
    " systemd.show_status=no loglevel=1"
)
# What a terminal takes as one line.
LONGEST_LINE: Final = 4095


@dataclass(frozen=True)
class Result:
    """The code that a command ended with, and what it wrote to both its outputs."""

    code: int
    output: str


class CommandError(Exception):
    """A command that had to succeed did not; the text has its output."""


class Shell:
    """Runs commands as root on a board, one at a time."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._numbers = itertools.count(1)

    def wait_for_start(self, seconds: float = 90) -> None:
        """Wait until a board that was powered on or reset takes commands."""
        # A key typed any earlier would stop U-Boot.
        self._board.console.wait_for("Starting kernel", seconds)
        deadline = Deadline(seconds, "the root shell")
        while deadline.left():
            # What is typed before the shell reads is lost: type it again.
            number = next(self._numbers)
            self._board.console.write(f"stty -echo; PS1=; PS2=; echo $(({number}))shell\n")
            try:
                self._board.console.wait_for(rf"\n{number}shell\n", 3)
            except DeadlineError:
                continue
            return

    def run(self, command: str, seconds: float = 30) -> Result:
        """Run a line of shell; raises DeadlineError when it does not end in time."""
        number = next(self._numbers)
        line = f"echo '<{number}>'; {{ {command}; }} 2>&1; echo \"<{number} $?>\"\n"
        if len(line.encode()) > LONGEST_LINE:
            raise ValueError("the command is too long for the board's terminal")
        console = self._board.console
        console.write(line)
        console.wait_for(rf"<{number}>\n", seconds)
        found = console.wait_for(rf"(?s)(.*?)<{number} (\d+)>\n", seconds)
        return Result(int(found[2]), found[1])

    def check(self, command: str, seconds: float = 30) -> str:
        """Run a line of shell that must succeed; return its output without the last newline."""
        result = self.run(command, seconds)
        if result.code:
            raise CommandError(f"{command!r} ended with {result.code}:\n{result.output}")
        return result.output.rstrip("\n")

    def status(self, name: str) -> dict[str, Any]:
        """What a daemon published last; empty before its first word."""
        text = self.run(f"cat /run/mokanda/status/{name}.json").output
        try:
            content: dict[str, Any] = json.loads(text)
        except ValueError:
            return {}
        return content

    def wait_for_status(
        self, name: str, condition: Callable[[dict[str, Any]], bool], seconds: float = 60
    ) -> dict[str, Any]:
        """Wait until a daemon's status fulfils `condition`; return it."""
        seen: dict[str, Any] = {}

        def fulfilled() -> bool:
            nonlocal seen
            seen = self.status(name)
            return condition(seen)

        try:
            wait_until(fulfilled, f"the status of {name}", seconds, every=0.5)
        except DeadlineError as error:
            journal = self.run(f"journalctl --no-pager --lines=40 --unit=mokanda-{name}").output
            raise DeadlineError(f"{error}; it is {seen}\n{journal}") from None
        return seen

    def request(self, daemon: str, verb: str, **arguments: object) -> Result:
        """Make a request of a daemon, as another daemon of the board would."""
        code = (
            "import json; from mokanda_firmware import status; "
            f"print(json.dumps(status.request({daemon!r}, {verb!r}, timeout=120, **{arguments!r})))"
        )
        return self.run(f'python3 -c "{code}"', seconds=150)
