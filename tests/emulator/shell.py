# SPDX-License-Identifier: Apache-2.0
"""A root shell on the board's serial console, which only the tests' copy of the card has."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from mokanda_firmware.bus.sentences import Sentence
from scripts.emulator.board import Board
from scripts.tools.deadlines import DeadlineError, wait_until

# systemd's debug shell takes the place of a login; it reads lines without a prompt or an echo.
READY: Final = "The shell for tests is ready."
SHELL_UNIT: Final = f"""[Service]
Environment=TERM=dumb SYSTEMD_PAGER=cat
ExecStart=
ExecStart=/bin/sh -c 'stty -echo; echo "{READY}"; \
while read -r line; do eval "$$line"; done'
"""
KERNEL_ARGUMENTS: Final = " ".join(
    (
        "systemd.debug_shell=ttyS0",
        "systemd.set_credential_binary=systemd.unit-dropin.debug-shell.service~zz-tests:"
        + base64.b64encode(SHELL_UNIT.encode()).decode(),
        "systemd.mask=serial-getty@ttyS0.service",
        "systemd.show_status=no",
        "systemd.tty.term.ttyS0=dumb",
        "loglevel=1",
    )
)
# Bytes that a terminal takes as one line.
MAX_LINE: Final = 4095


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

    def install(self) -> None:
        """Let the board's card have the shell; the power must be off."""
        self._board.set_kernel_arguments(KERNEL_ARGUMENTS)

    def wait_for_start(self, seconds: float = 120) -> None:
        """Wait until a board that was powered on or reset takes commands."""
        self._board.console.wait_for(READY, seconds)

    def run(self, command: str, seconds: float = 30) -> Result:
        """Run a line of shell; raises DeadlineError when it does not end in time."""
        number = next(self._numbers)
        line = f"echo '<{number}>'; {{ {command}; }} 2>&1; echo \"<{number} $?>\"\n"
        if len(line.encode()) > MAX_LINE:
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
        if "detail" in content:
            content["detail"] = str(Sentence.from_json(content["detail"]) or "")
        return content

    def wait_for_status(
        self, name: str, condition: Callable[[dict[str, Any]], bool], seconds: float = 180
    ) -> dict[str, Any]:
        """Wait until a daemon's status fulfils `condition`; return it."""
        seen: dict[str, Any] = {}

        def fulfilled() -> bool:
            nonlocal seen
            seen = self.status(name)
            return bool(seen) and condition(seen)

        try:
            wait_until(fulfilled, f"the status of {name}", seconds, every=0.5)
        except DeadlineError as error:
            journal = self.run("journalctl --no-pager --lines=60 --unit=mokanda-*").output
            raise DeadlineError(f"{error}; it is {seen}\n{journal}") from None
        return seen

    def request(self, daemon: str, verb: str, **arguments: object) -> Result:
        """Make a request of a daemon, as another daemon of the board would."""
        return self.run(_asking(daemon, verb, arguments), seconds=150)

    def request_beside(self, unit: str, daemon: str, verb: str, **arguments: object) -> None:
        """Likewise, by a unit that is active until then; what came is in /run/`unit`."""
        output = f"--property=StandardOutput=file:/run/{unit}"
        errors = f"--property=StandardError=file:/run/{unit}"
        run = f"systemd-run --quiet --collect --unit={unit} {output} {errors}"
        self.check(f"{run} {_asking(daemon, verb, arguments)}")


def _asking(daemon: str, verb: str, arguments: dict[str, object]) -> str:
    """The command that makes a request, and writes the answer."""
    code = (
        "import json; from mokanda_firmware.bus.requests import ask; "
        f"print(json.dumps(ask({daemon!r}, {verb!r}, timeout=120, **{arguments!r})))"
    )
    return f'python3 -c "{code}"'
