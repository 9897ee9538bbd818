# SPDX-License-Identifier: Apache-2.0
"""cheroot for foreign callers: who is slow, or sends nothing but beginnings, stops nobody.

A worker gets a connection when a whole request is there (`http_reception`), or the head of one with
a long body. From then on bytes have to move at a least rate.
"""

import io
import logging
import math
import re
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any

from cheroot import wsgi
from cheroot.makefile import BufferedWriter
from cheroot.server import HTTPConnection, HTTPRequest

from mokanda_wire.http_reception import Limits, Reception

MAX_HEAD = 32 * 1024  # bytes
# Of a POST that a worker does not have to wait for: all forms without files, and all messages. What
# is PUT is kept as it comes, and goes on from there when it was cut.
MAX_WHOLE_BODY = 64 * 1024
LEAST_RATE = 400  # bytes per second; the slowest GPRS brings 1200

# Of a body that nobody wants: so much of it is passed over, so that its sender hears the answer.
_MAX_PASSED_OVER = 1024 * 1024  # bytes
_PASSED_OVER_WITHIN = 2.0  # seconds
_PIECE = 16 * 1024
# What follows a head that is too long may be as long as this, and cheroot reads it to say so.
_BEYOND_HEAD = 1024
# What a request may be for: a path, * of OPTIONS, or a whole address, of which the host counts.
_TARGET = re.compile(rb"/(?!/[^/?#])|\*|https?://[^/?#]", re.IGNORECASE)
_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,15})[ \t]*\r\n", re.IGNORECASE)

log = logging.getLogger(__name__)


class Stream(io.RawIOBase):
    """The bytes of a connection: first those that are here already, then as they move."""

    def __init__(self, sock: socket.socket, limits: Limits) -> None:
        self.here = bytearray()
        self._sock = sock
        self._limits = limits
        self._at_work = False
        self._moved = 0
        self._waited = 0.0
        self._end = math.inf  # when bytes have to be here, by `time.monotonic`

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Let the bytes that move in this block take so long in all, whatever the least rate."""
        self._end = monotonic() + seconds
        try:
            yield
        finally:
            self._end = math.inf

    def begin(self) -> None:
        """A request begins to be worked on: from now on, reading waits for bytes."""
        self._at_work, self._moved, self._waited = True, 0, 0.0

    def end(self) -> None:
        """It is done: what is not here is not waited for."""
        self._at_work = False

    def readable(self) -> bool:
        """It is."""
        return True

    def writable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401 - any buffer
        """As of any raw file; TimeoutError when the bytes come too slowly."""
        if self.here:
            size = min(len(buffer), len(self.here))
            buffer[:size] = self.here[:size]
            del self.here[:size]
            return size
        return self._move(self._sock.recv_into, buffer) if self._at_work else None

    def write(self, data: Any) -> int:  # noqa: ANN401 - any buffer
        """As of any raw file; TimeoutError when the bytes go too slowly."""
        return self._move(self._sock.send, data)

    def _move(self, move: Callable[[Any], int], data: Any) -> int:  # noqa: ANN401
        left = self._limits.grace + self._moved / LEAST_RATE - self._waited
        left = min(left, self._end - monotonic())
        if left <= 0:
            raise TimeoutError("timed out")  # as cheroot knows it
        self._sock.settimeout(min(left, self._limits.silence))
        start = monotonic()
        try:
            moved = move(data)
        finally:
            self._waited += monotonic() - start
        self._moved += moved
        return moved


class Request(HTTPRequest):
    """A request, of whose body is read what somebody wants."""

    def read_request_line(self) -> bool:
        """Take a whole address, too, as RFC 9112 (3.2.2) has every server do; be no proxy."""
        scheme, self.proxy_mode = self.scheme, True
        if not super().read_request_line():  # type: ignore[no-untyped-call]
            return False
        self.scheme = scheme
        if self.method == b"CONNECT":
            self.simple_response("405 Method Not Allowed")
        elif not _TARGET.match(self.uri):
            self.simple_response("400 Bad Request")
        else:
            return True
        return False

    def send_headers(self) -> None:
        """Pass over some of what nobody has read, never in memory as cheroot would."""
        left = getattr(self.rfile, "remaining", 0)
        self.close_connection |= self.chunked_read or left > _MAX_PASSED_OVER
        if left and not self.close_connection:
            self.close_connection = not self._pass_over()
        super().send_headers()

    def _pass_over(self) -> bool:
        """Read the rest of the body, if it comes soon; whether it did."""
        body = self.rfile
        with suppress(OSError), self.conn.stream.within(_PASSED_OVER_WITHIN):
            while body.remaining and (piece := body.rfile.read1(min(body.remaining, _PIECE))):
                body.remaining -= len(piece)
        return not body.remaining


class Connection(HTTPConnection):
    """A connection, and what has come of its next request.

    Attributes:
        address: of the network it comes from.
        deadline: when the whole request has to be here, by `time.monotonic`.
        at_work: whether a worker has it.
        closed: whether it is.
    """

    RequestHandlerClass = Request

    def __init__(self, server: "Server", sock: socket.socket, address: str) -> None:
        """Begin with the handshake, if there is to be one."""
        self.stream = Stream(sock, server.limits)
        super().__init__(server, sock, self._file)
        self.address = address
        self.deadline = monotonic() + server.limits.head
        self.at_work = False
        self.closed = False
        self._shaken = not isinstance(sock, ssl.SSLSocket)
        self._looked_at = 0
        self._needed = 0

    def _file(self, _sock: socket.socket, mode: str, size: int) -> Any:  # noqa: ANN401
        if "r" in mode:
            return io.BufferedReader(self.stream, size)
        return BufferedWriter(self.stream, size)

    def arrive(self) -> bool:
        """Take in what has come, without waiting; whether a worker can go on with it.

        Raises:
            OSError: the connection has ended, or is none.
        """
        here = self.stream.here
        self.socket.settimeout(0)
        try:
            if not self._shaken:
                self.socket.do_handshake()
                self._shaken = True
            while not self._is_whole():
                piece = self.socket.recv(_PIECE)
                if not piece and here:
                    return True  # let the worker see what there is of it
                if not piece:
                    raise ConnectionAbortedError("nothing came")
                if not here:
                    self.deadline = min(self.deadline, monotonic() + self.server.limits.head)
                here += piece
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        return True

    def _is_whole(self) -> bool:
        here = self.stream.here
        if not self._needed:
            end = here.find(b"\r\n\r\n", self._looked_at)
            if end < 0:
                self._looked_at = max(0, len(here) - 3)
                return len(here) > MAX_HEAD + _BEYOND_HEAD
            found = _CONTENT_LENGTH.search(here, 0, end + 2)
            length = int(found[1]) if found and here.startswith(b"POST ") else 0
            length = 0 if length > MAX_WHOLE_BODY else length
            self._needed = end + 4 + length
            self.deadline += length / LEAST_RATE
        return len(here) >= self._needed

    def begin(self) -> None:
        """A worker gets it."""
        self.stream.begin()

    def rest(self) -> None:
        """Wait for another request, of which a part may be here already."""
        self.stream.end()
        later = bytes(self.stream.here)
        self.stream.here.clear()
        self.stream.here += (self.rfile.read1(_PIECE) or b"") + later
        self._looked_at = self._needed = 0
        limits = self.server.limits
        self.deadline = monotonic() + (limits.head if self.stream.here else limits.idle)

    def communicate(self) -> bool:
        """Answer a request; whether the connection stays open."""
        try:
            return bool(super().communicate())  # type: ignore[no-untyped-call]
        except OSError as error:  # not even that something is wrong could be said
            log.debug("%s: %s", self.address, error)
            return False

    def close(self) -> None:
        """Close it."""
        if not self.closed:
            self.closed = True
            with suppress(OSError):
                super().close()
            self.server.closed(self)


class Gateway(wsgi.Gateway_10):
    """Tells an application by which of our addresses it was reached, as SERVER_NAME.

    Of a request for a whole address the host is that one's, whatever its header says.
    """

    def get_environ(self) -> Any:  # noqa: ANN401 - cheroot has no types
        """Return the environment of a request."""
        address = self.req.conn.socket.getsockname()[0]
        environ = {**super().get_environ(), "SERVER_NAME": address}  # type: ignore[no-untyped-call]
        if self.req.authority:
            environ["HTTP_HOST"] = self.req.authority.decode("latin-1")
        return environ


class Server(wsgi.Server):
    """A listener with limits; what goes wrong in it goes to the log."""

    ConnectionClass = Connection

    def __init__(self, address: tuple[str, int], app: Any, limits: Limits) -> None:  # noqa: ANN401
        """Serve a WSGI application, from `prepare` and `serve` until `stop`."""
        super().__init__(
            address,
            app,
            numthreads=limits.workers,
            server_name="mokanda",
            timeout=limits.silence,
            request_queue_size=128,
        )
        self.gateway = Gateway
        self.limits = limits
        self.max_request_header_size = MAX_HEAD

    def prepare(self) -> None:
        """Listen; raises OSError where that cannot be."""
        super().prepare()
        self._connections: Any
        self._connections.close()  # cheroot's own hands beginnings of requests to the workers
        self._connections = Reception(self, self.limits)

    def at_work(self) -> int:
        """How many requests workers have, or are to have."""
        return int(self._connections.at_work())

    def closed(self, connection: Connection) -> None:
        """A connection has been closed."""
        self._connections.returned(connection)

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        """Log; a connection that breaks is what thin links do, only what we did wrong is grave."""
        broken = isinstance(sys.exception(), ConnectionError | TimeoutError | ssl.SSLError)
        grave = level >= logging.ERROR and not broken
        text = " ".join(msg.split())
        log.log(level if grave else logging.DEBUG, "%s", text, exc_info=grave and traceback)
