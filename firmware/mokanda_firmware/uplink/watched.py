# SPDX-License-Identifier: Apache-2.0
"""A TCP socket that knows when the interface under it has gone: nothing waits for its other end.

TCP itself would not notice before the limit on silence. The kernel tells of a lost call or a pulled
cable at once; where it cannot be asked, that limit holds.
"""

import errno
import logging
import math
import os
import select
import socket
import time
from typing import Any

from mokanda_firmware.uplink import interface
from mokanda_firmware.uplink.interface import Interface

# Seconds in which carrier and address may come back, as after a cable was jolted: TCP goes on.
BACK = 10.0

log = logging.getLogger(__name__)


class Way:
    """An interface that has this end's address, for as long as it is the same one."""

    def __init__(self, name: str, address: str) -> None:
        """Look at it. Raises OSError: it is not there, or the kernel does not tell."""
        self._address = address
        self._interface = Interface(name)
        self._index = self._interface.index()
        self.lost_at = math.inf  # when the connection is given up, by the monotonic clock
        self.look()
        if self.lost_at < math.inf:
            self.close()
            raise OSError(errno.ENETDOWN, os.strerror(errno.ENETDOWN))

    def fileno(self) -> int | None:
        """Return a descriptor that is readable when there is something to look at."""
        return self._interface.fileno()

    def look(self) -> None:
        """Take in what has become of it."""
        self._interface.drain()
        if self._index is None or self._interface.index() != self._index:
            self.lost_at = -math.inf
        elif self._interface.has_carrier() and self._interface.has(self._address):
            self.lost_at = math.inf
        else:
            self.lost_at = min(self.lost_at, time.monotonic() + BACK)

    def close(self) -> None:
        """Hear no more of it."""
        self._interface.close()


class WatchedSocket(socket.socket):
    """A socket, with a time limit, of which `connect`, `recv`, `recv_into` and `sendall` are used.

    They raise OSError (ENETDOWN) when the interface is lost; what came before is received first.
    """

    way: Way | None = None

    def connect(self, address: Any) -> None:  # noqa: ANN401 - as of any socket
        """Connect, watching the interface from the first packet on."""
        seconds = self.gettimeout()
        self.settimeout(0)
        problem = self.connect_ex(address)
        self.settimeout(seconds)
        if problem in (0, errno.EINPROGRESS):
            self._watch()
        if problem == errno.EINPROGRESS:
            self._wait(select.POLLOUT)
            problem = self.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if problem:
            raise OSError(problem, os.strerror(problem))

    def _watch(self) -> None:
        address = self.getsockname()[0]
        bound = self.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16).rstrip(b"\0")
        try:  # two sticks may have given out the same address
            self.way = Way(bound.decode() or interface.name_of(address) or "", address)
        except OSError as error:
            log.info("the interface is not watched: %s", error)

    def take_over(self, plain: "WatchedSocket") -> None:
        """Watch the interface of another socket in its place."""
        self.way, plain.way = plain.way, None

    def recv(self, size: int, flags: int = 0) -> bytes:
        """As of any socket."""
        self._wait(select.POLLIN)
        return super().recv(size, flags)

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:  # noqa: ANN401
        """As of any socket."""
        self._wait(select.POLLIN)
        return super().recv_into(buffer, nbytes, flags)

    def sendall(self, data: Any, flags: int = 0) -> None:  # noqa: ANN401 - any buffer
        """As of any socket; the time limit is on each wait."""
        left = memoryview(data)
        while left:
            self._wait(select.POLLOUT)
            left = left[super().send(left, flags) :]

    def _wait(self, event: int) -> None:
        """Wait until `event` of the socket, for as long as its time limit and the interface last.

        Raises TimeoutError, OSError.
        """
        seconds = self.gettimeout()
        silent_at = math.inf if seconds is None else time.monotonic() + seconds
        way = self.way
        told = way.fileno() if way else None
        poller = select.poll()
        poller.register(self, event)
        if told is not None:
            poller.register(told, select.POLLIN)
        while True:
            lost_at = way.lost_at if way else math.inf
            ends_at = min(silent_at, lost_at)
            left = max(0.0, ends_at - time.monotonic())
            ready = poller.poll(None if left == math.inf else math.ceil(left * 1000))
            if any(descriptor != told for descriptor, _ in ready):
                return
            if way and ready:
                way.look()
            elif ends_at == silent_at:
                raise TimeoutError("timed out")
            else:
                raise OSError(errno.ENETDOWN, os.strerror(errno.ENETDOWN))

    def close(self) -> None:
        """Close it; what is read from files made of it is not watched any more."""
        super().close()
        if self.way is not None:
            self.way.close()
