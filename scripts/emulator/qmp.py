# SPDX-License-Identifier: Apache-2.0
"""QEMU's control socket (QEMU Machine Protocol)."""

from __future__ import annotations

import json
import socket
from typing import Any, Final

MAX_ANSWER_SECONDS: Final = 300


class QmpError(Exception):
    """QEMU has ended, or refuses a command; a sentence for people."""


class Qmp:
    """A connection to a running QEMU."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(MAX_ANSWER_SECONDS)
        self._stream = connection.makefile("rwb")
        self._read()
        self.execute("qmp_capabilities")

    def execute(self, command: str, **arguments: Any) -> Any:  # noqa: ANN401 - as the command has it
        """Run a command and return what it returns; raises QmpError."""
        request = {"execute": command, "arguments": arguments}
        self._stream.write(json.dumps(request).encode() + b"\n")
        try:
            self._stream.flush()
        except OSError as error:
            raise QmpError("QEMU has ended") from error
        while True:
            reply = self._read()
            if "error" in reply:
                raise QmpError(f"QEMU refuses {command}: {reply['error']['desc']}")
            if "return" in reply:
                return reply["return"]

    def _read(self) -> dict[str, Any]:
        try:
            line = self._stream.readline()
        except TimeoutError as error:
            raise QmpError("QEMU does not answer") from error
        except OSError as error:
            raise QmpError("QEMU has ended") from error
        if not line:
            raise QmpError("QEMU has ended")
        reply: dict[str, Any] = json.loads(line)
        return reply
