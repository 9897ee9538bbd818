# SPDX-License-Identifier: Apache-2.0
"""A TCP door before a server: it counts bytes, cuts connections, turns callers away by address."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
from types import TracebackType
from typing import Final, Self

Address = tuple[str, int]
RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER: close with a reset, as a dead link would


class Front:
    """Passes connections on from `address` to `target`; a context manager.

    Attributes:
        refused: addresses of callers that are turned away with a reset; `Front.ANYBODY` for all.
        cut_after: after so many more bytes in both directions all connections are cut, once.
        bytes_up: what callers sent; bytes_down: what the server sent.
        callers: the addresses of those let in, in order.
    """

    ANYBODY: Final = "*"

    def __init__(self, host: str, target: Address, port: int = 0) -> None:
        """Listen on `host`; port 0 takes a free one."""
        self._server = socket.create_server((host, port))
        self.address: Address = self._server.getsockname()
        self._target = target
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self.refused: set[str] = set()
        self.cut_after: int | None = None
        self.bytes_up = 0
        self.bytes_down = 0
        self.callers: list[str] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, name="front", daemon=True).start()
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # A shutdown wakes the thread that waits in accept; a mere close would not.
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """Break every connection that is open now; new ones are let in."""
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                    connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                caller, (host, _) = self._server.accept()
                if self.refused & {host, self.ANYBODY}:
                    caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                    caller.close()
                    continue
                self.callers.append(host)
                threading.Thread(target=self._pass_on, args=(caller,), daemon=True).start()

    def _pass_on(self, caller: socket.socket) -> None:
        with caller, contextlib.suppress(OSError), socket.create_connection(self._target) as server:
            with self._lock:
                self._connections |= {caller, server}
            try:
                self._exchange(caller, server)
            finally:
                with self._lock:
                    self._connections -= {caller, server}

    def _exchange(self, caller: socket.socket, server: socket.socket) -> None:
        while True:
            for source in select.select([caller, server], [], [])[0]:
                data = source.recv(65536)
                if not data:
                    return
                self._count(source is caller, len(data))
                (server if source is caller else caller).sendall(data)

    def _count(self, up: bool, size: int) -> None:
        with self._lock:
            if up:
                self.bytes_up += size
            else:
                self.bytes_down += size
            if self.cut_after is None:
                return
            self.cut_after -= size
            if self.cut_after > 0:
                return
            self.cut_after = None
        self.cut()
