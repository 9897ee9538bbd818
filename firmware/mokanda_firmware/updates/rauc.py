# SPDX-License-Identifier: Apache-2.0
"""RAUC, which verifies an update and writes it to the slot that does not run."""

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from mokanda_firmware.bus.sentences import Sentence, SentenceError

_PROGRESS = re.compile(r"\s*(\d+)% ")
# The bus gives RAUC's service 25 s to start, which a board that is busy may need more than once.
_TRIES = 3


class RefusedError(SentenceError):
    """The update must not or cannot be installed."""


def verify(bundle: Path, version: str) -> None:
    """Check that a bundle is signed by those whom this image trusts, and that it is `version`.

    Raises:
        RefusedError: it is neither.
    """
    done = _run("info", "--output-format=json", str(bundle))
    if done.returncode:
        raise RefusedError(_sentence(done.stderr))
    signed = json.loads(done.stdout)["version"]
    if signed != version:
        raise RefusedError(
            Sentence(
                "The update says that it is version {version}: it was refused.", version=signed
            )
        )


def install(bundle: Path, progress: Callable[[int], None]) -> None:
    """Write a bundle to the other slot and let U-Boot start that one next.

    Calls `progress` with percents.

    Raises:
        RefusedError: RAUC did not do it; the running slot stays the one that is started.
    """
    _have(lambda: _install(bundle, progress))


def _install(bundle: Path, progress: Callable[[int], None]) -> tuple[int, str]:
    said = []
    with subprocess.Popen(
        ["rauc", "install", str(bundle)],
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            if found := _PROGRESS.match(line):
                progress(int(found[1]))
    return process.returncode, "".join(said)


def start_other_next() -> None:
    """Let U-Boot start the slot that does not run next, with all its tries.

    Raises:
        RefusedError: RAUC did not do it.
    """
    _mark("active", "other")


def mark_good() -> None:
    """Tell U-Boot that the running slot works: it gets all its tries back.

    Raises:
        RefusedError: RAUC did not do it.
    """
    _mark("good", "booted")


def mark_other_good() -> None:
    """Give the slot that does not run its tries back.

    Raises:
        RefusedError: RAUC did not do it.
    """
    _mark("good", "other")


def _mark(how: str, slot: str) -> None:
    def ask() -> tuple[int, str]:
        done = _run("status", f"mark-{how}", slot)
        return done.returncode, done.stderr

    _have(ask)


def _have(ask: Callable[[], tuple[int, str]]) -> None:
    """Have RAUC's service do something, by what returns RAUC's code and words.

    It is asked again where the service was not there in time, which goes on starting.
    """
    for _ in range(_TRIES):
        code, said = ask()
        if not ("StartServiceByName" in said and "Timeout was reached" in said):
            break
    if code:
        raise RefusedError(_sentence(said))


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["rauc", *arguments],
        env=_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


def _environment() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C"}


def _sentence(said: str) -> Sentence:
    """What RAUC said, for people."""
    if "signature verification failed" in said.lower():
        return Sentence(
            "The update is not signed by those whom this device trusts: it was refused."
        )
    if "ompatible" in said and "mismatch" in said:
        return Sentence("The update is for another kind of board: it was refused.")
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    reasons = [line.removeprefix("LastError: ") for line in lines if line.startswith("LastError")]
    reason = (reasons or lines or ["no reason given"])[-1]
    return Sentence("The update could not be installed ({reason}).", reason=reason)
