# SPDX-License-Identifier: Apache-2.0
"""The webmail of a device, as a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from tests.ports import reserved_port


class WebmailProcess(NamedTuple):
    """The process, its port, and the lines that it said before it listened."""

    process: subprocess.Popen[str]
    port: int
    said: list[str]


@contextmanager
def webmail_process() -> Iterator[WebmailProcess]:
    """Start it, wait until it listens, and kill it at the block's end, unless it has ended."""
    said = []
    with (
        reserved_port() as port,
        subprocess.Popen(
            [sys.executable, "-m", "mokanda_firmware.webmail", "--listen", f"127.0.0.1:{port}"],
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        assert process.stderr is not None
        while "listening" not in (line := process.stderr.readline()):
            assert line, "it has ended"
            said.append(line)
        try:
            yield WebmailProcess(process, port, said)
        finally:
            process.kill()
