# SPDX-License-Identifier: Apache-2.0
"""A GnuPG home whose locks outlive no power cut, and calls of GnuPG that end.

GnuPG takes its locks by files that name a process. What a power cut leaves of them names nobody, or
a process that is another one by now: GnuPG would wait for it for ever, or not find its agent.
"""

import fcntl
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any, Final

import gnupg

TIMEOUT = 180.0  # seconds for one call; a board takes some 20 for the largest envelope

# What GnuPG's locks are called, and the files that become them (dotlock.c in its source).
_LOCKS: Final = ("*.lock", ".#lk*")


class HomeInUse:
    """Holds a home for as long as somebody works with it.

    Who comes first, when nobody else does, clears the locks that are there: they are nobody's.
    """

    def __init__(self, home: Path) -> None:
        """Raises OSError."""
        self._file = (home / "in-use").open("wb")
        try:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass  # the locks are those of somebody who is at work
            else:
                _clear_locks(home)
            fcntl.flock(self._file, fcntl.LOCK_SH)
        except OSError:
            self._file.close()
            raise

    def is_alone(self) -> bool:
        """Whether nobody else works with it; whoever comes now waits until this one lets go."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Let go of it."""
        self._file.close()


def _clear_locks(home: Path) -> None:
    for name in _LOCKS:
        for path in home.rglob(name):
            path.unlink(missing_ok=True)


class TimedGPG(gnupg.GPG):  # type: ignore[misc] # gnupg is untyped
    """python-gnupg, each of whose calls ends within TIMEOUT."""

    _of_thread = threading.local()

    def _open_subprocess(self, *arguments: Any, **options: Any) -> "subprocess.Popen[bytes]":  # noqa: ANN401
        process: subprocess.Popen[bytes] = super()._open_subprocess(*arguments, **options)
        self._of_thread.process = process
        threading.Thread(target=_end_in_time, args=(process,), daemon=True).start()
        return process

    def was_killed(self) -> bool:
        """Whether this thread's last call was ended, by its time limit or for want of memory."""
        process = getattr(self._of_thread, "process", None)
        return process is not None and process.returncode == -signal.SIGKILL


def _end_in_time(process: "subprocess.Popen[bytes]") -> None:
    try:
        process.wait(TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
