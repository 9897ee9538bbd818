# SPDX-License-Identifier: Apache-2.0
"""Steps of a build: progress on the terminal, programs' own words in a log file."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

_started = time.monotonic()


class StepError(Exception):
    """A step that failed; the text says which program and shows the end of what it wrote."""


class Log:
    """Runs programs and keeps what they write in one file."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
        self.path = path

    def run(self, *command: str | Path, text: str | None = None) -> str:
        """Run a program to its end and return its standard output; raises StepError."""
        arguments = [str(word) for word in command]
        done = subprocess.run(arguments, input=text, text=True, capture_output=True, check=False)
        with self.path.open("a") as log:
            log.write(f"$ {' '.join(arguments)}\n{done.stdout}{done.stderr}")
        if done.returncode:
            words = (done.stdout + done.stderr).splitlines()[-15:]
            raise StepError(
                "\n".join(
                    [f"{arguments[0]} failed ({done.returncode}):", *words, f"see {self.path}"]
                )
            )
        return done.stdout


def say(text: str) -> None:
    """Print a line of progress with the seconds since the build began."""
    print(f"{time.monotonic() - _started:4.0f} s  {text}", file=sys.stderr, flush=True)


def megabytes(size: int) -> str:
    """A size in bytes as people read it."""
    return f"{size / 1e6:.1f} MB"


def sizes(items: Sequence[tuple[str, int]]) -> str:
    """Names with their sizes in a line."""
    return ", ".join(f"{name} {megabytes(size)}" for name, size in items)
