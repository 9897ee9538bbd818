# SPDX-License-Identifier: Apache-2.0
"""Where connections wait until a whole request is there, at the cost of a socket each.

It takes the place of cheroot's ConnectionManager, with the same methods.
"""

import errno
import selectors
import socket
from collections import Counter, deque
from contextlib import suppress
from ipaddress import IPv6Address
from queue import Empty, SimpleQueue
from time import monotonic, sleep
from typing import Any, NamedTuple, Protocol

from cheroot.errors import FatalSSLAlert


class Limits(NamedTuple):
    """What a listener bears; times in seconds.

    Attributes:
        workers: requests that are worked on at once.
        workers_per_address: of one address at once; its others wait.
        connections: that are open at once. Then one goes of the address that has the most.
        per_address: likewise, of one address; who has waited longest without a request goes.
        idle: between two requests.
        silence: without a byte of a body or an answer.
        grace: of waiting for bytes in a request, before the least rate counts.
        head: for TLS handshake and head of a request together.
    """

    workers: int
    workers_per_address: int
    connections: int
    per_address: int
    idle: float
    silence: int
    grace: float
    head: float = 15.0


class Connection(Protocol):
    """What `http_server.Connection` is to its Reception; see there."""

    socket: socket.socket
    address: str
    deadline: float
    at_work: bool
    closed: bool

    def arrive(self) -> bool:
        """Take in what has come; whether a worker can go on with it. Raises OSError."""

    def begin(self) -> None:
        """A worker gets it."""

    def rest(self) -> None:
        """Wait for another request."""

    def close(self) -> None:
        """Close it."""


class Reception:
    """All connections of a listener; one thread `run`s it, others return connections to it."""

    can_add_keepalive_connection = True

    def __init__(self, server: Any, limits: Limits) -> None:  # noqa: ANN401 - cheroot's
        """Accept connections of the server's socket."""
        self._server = server
        self._limits = limits
        self._selector = selectors.DefaultSelector()
        self._selector.register(server.socket, selectors.EVENT_READ)
        self._waker, woken = socket.socketpair()
        self._woken = woken
        self._waker.setblocking(False)
        woken.setblocking(False)
        self._selector.register(woken, selectors.EVENT_READ)
        self._arriving: dict[Connection, None] = {}  # who has waited longest is the first
        self._queued: deque[Connection] = deque()  # whole, for which there is no worker yet
        self._open: Counter[str] = Counter()
        self._at_work: Counter[str] = Counter()
        self._busy = 0  # all of these
        self._returned: SimpleQueue[Connection] = SimpleQueue()
        self._running = self._stopping = False

    def run(self, _interval: float) -> None:
        """Work until `stop`, and sleep while nothing comes: cheroot would look twice a second."""
        self._running = True
        try:
            while not self._stopping:
                for key, _ in self._selector.select(self._until_deadline()):
                    if key.data is not None:
                        self._arrive(key.data)
                    elif key.fileobj is self._woken:
                        self._woken.recv(4096)
                    else:
                        self._accept()
                self._take_back()
                self._expire()
        finally:
            self._running = False

    def at_work(self) -> int:
        """How many connections workers have, or are to have."""
        return self._busy + len(self._queued)

    def put(self, connection: Connection) -> None:
        """Have a connection wait for its next request."""
        self.returned(connection)

    def returned(self, connection: Connection) -> None:
        """A worker has done with a connection, or it has been closed."""
        self._returned.put(connection)
        with suppress(OSError):  # it is awake, or has stopped
            self._waker.send(b".")

    def stop(self) -> None:
        """End `run`, and wait until it has."""
        self._stopping = True
        with suppress(OSError):
            self._waker.send(b".")
        while self._running:
            sleep(0.01)

    def close(self) -> None:
        """Close all connections that wait."""
        for connection in (*self._arriving, *self._queued):
            connection.close()
        self._selector.close()
        self._waker.close()
        self._woken.close()

    def _accept(self) -> None:
        try:
            sock, address = self._server.socket.accept()
        except OSError as error:  # it is gone again, or there is no descriptor for it
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self._send_away(None)
            return
        network = _network(address[0])
        if (self._open[network] >= self._limits.per_address and not self._send_away(network)) or (
            self._open.total() >= self._limits.connections and not self._send_away(None)
        ):
            sock.close()
            return
        ssl_env: dict[str, str] = {}
        if self._server.ssl_adapter is not None:
            try:
                sock, ssl_env = self._server.ssl_adapter.wrap(sock)
            except FatalSSLAlert:
                sock.close()
                return
        connection = self._server.ConnectionClass(self._server, sock, network)
        connection.ssl_env = ssl_env
        connection.remote_addr, connection.remote_port = address[:2]
        self._open[network] += 1
        self._wait_for(connection)

    def _send_away(self, network: str | None) -> bool:
        """Close who has waited longest, of a network or of the one with the most connections.

        So that who has many pushes out itself. Of the latter also one goes whose request is there,
        where workers have all the others. Whether there was anybody.
        """
        if network is None:
            waiting = [*self._arriving, *self._queued]
        else:
            waiting = [each for each in self._arriving if each.address == network]
        if not waiting:
            return False
        connection = max(waiting, key=lambda each: self._open[each.address])  # the first of equals
        if connection in self._arriving:
            self._leave(connection)
        else:
            self._queued.remove(connection)
        connection.close()
        self._take_back()
        return True

    def _wait_for(self, connection: Connection) -> None:
        self._arriving[connection] = None
        self._selector.register(connection.socket, selectors.EVENT_READ, connection)
        self._arrive(connection)  # TLS may have read ahead

    def _leave(self, connection: Connection) -> None:
        del self._arriving[connection]
        self._selector.unregister(connection.socket)

    def _arrive(self, connection: Connection) -> None:
        if connection not in self._arriving:
            return  # sent away in this round
        try:
            if not connection.arrive():
                return
        except OSError:
            self._leave(connection)
            connection.close()
            return
        self._leave(connection)
        self._queued.append(connection)
        self._begin_queued()

    def _begin(self, connection: Connection) -> None:
        self._at_work[connection.address] += 1
        self._busy += 1
        connection.at_work = True
        connection.begin()
        self._server.process_conn(connection)

    def _take_back(self) -> None:
        """Look after connections that came back: closed ones are gone, others wait again."""
        with suppress(Empty):
            while True:
                connection = self._returned.get_nowait()
                address = connection.address
                if connection.at_work:
                    connection.at_work = False
                    self._at_work -= Counter((address,))
                    self._busy -= 1
                    self._begin_queued()
                if connection.closed:
                    self._open -= Counter((address,))
                else:
                    connection.rest()
                    self._wait_for(connection)

    def _begin_queued(self) -> None:
        """Give a free worker to the address that has the fewest, and the fewest connections."""
        if not self._queued or self._busy >= self._limits.workers:
            return
        connection = min(
            self._queued,
            key=lambda each: (self._at_work[each.address], self._open[each.address]),
        )
        if self._at_work[connection.address] < self._limits.workers_per_address:
            self._queued.remove(connection)
            self._begin(connection)

    def _until_deadline(self) -> float | None:
        """Seconds until somebody has waited too long; None while nobody waits."""
        first = min((each.deadline for each in self._arriving), default=None)
        return None if first is None else max(0.0, first - monotonic())

    def _expire(self) -> None:
        now = monotonic()
        for connection in [each for each in self._arriving if each.deadline <= now]:
            self._leave(connection)
            connection.close()


def _network(address: str) -> str:
    """An IPv4 address; of an IPv6 one what stands for one customer, its first 64 bits."""
    if ":" not in address:
        return address
    version_6 = IPv6Address(address.partition("%")[0])
    return str(version_6.ipv4_mapped or IPv6Address(int(version_6) >> 64 << 64))
