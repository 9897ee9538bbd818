# SPDX-License-Identifier: Apache-2.0
"""Child processes that live as long as a block, each with a log file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from scripts.tools.deadlines import DeadlineError, wait_until
from scripts.tools.repository import REPOSITORY


class StartError(Exception):
    """Something did not start; the text says what, and where its log is."""


class Children:
    """Child processes with a log file each; leaving the context ends all of them."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def start(self, name: str, command: Sequence[str], **environment: str) -> None:
        """Start `command`, its output in `<logs>/<name>.log`."""
        self._logs.mkdir(parents=True, exist_ok=True)
        with self.log(name).open("wb") as log:
            child = subprocess.Popen(
                command,
                cwd=REPOSITORY,
                env={**child_environment(), **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches us alone; we end them in order
            )
        self._running.append((name, child))

    def run(self, name: str, command: Sequence[str], **environment: str) -> None:
        """Run `command` to its end, its output in the log; raise StartError when it fails."""
        self.start(name, command, **environment)
        _, child = self._running.pop()
        if child.wait():
            raise self._ended(name, child)

    def log(self, name: str) -> Path:
        """Where the output of `name` goes."""
        return self._logs / f"{name}.log"

    def check(self) -> None:
        """Raise StartError when a child has ended by itself."""
        for name, child in self._running:
            if child.poll() is not None:
                raise self._ended(name, child)

    def _ended(self, name: str, child: subprocess.Popen[bytes]) -> StartError:
        log = self.log(name)
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        return StartError(f"{name} ended with code {child.returncode}:\n{tail}\n({log})")

    def wait_until(self, ready: Callable[[], bool], what: str, seconds: float) -> None:
        """Wait for `what` until `ready()`, while all children live; raises StartError."""

        def is_ready() -> bool:
            self.check()
            return ready()

        try:
            wait_until(is_ready, what, seconds)
        except DeadlineError as error:
            raise StartError(f"{error}; see the logs in {self._logs}") from None

    def __enter__(self) -> Self:
        """End everything on SIGTERM as on Ctrl-C."""
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End all children, the newest first."""
        for _, child in reversed(self._running):
            child.terminate()
            try:
                child.wait(timeout=10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def child_environment() -> Mapping[str, str]:
    """The environment of every child: ours, and what it prints is written at once."""
    return {**os.environ, "PYTHONUNBUFFERED": "1"}
