# SPDX-License-Identifier: Apache-2.0
"""The relay's two listeners and its workers, from start to stop."""

from __future__ import annotations

import contextlib
import io
import logging
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cheroot import wsgi
from cheroot.errors import FatalSSLAlert
from cheroot.server import HTTPConnection, HTTPRequest
from cheroot.ssl.builtin import BuiltinSSLAdapter

from mokanda_relay.http.admin_app import AdminApp
from mokanda_relay.http.device_api import DeviceApi
from mokanda_relay.operator import housekeeping
from mokanda_relay.relay import Relay
from mokanda_relay.rendering.photos import Preparer
from mokanda_relay.store.settings import Listen
from mokanda_relay.transport.sender import Sender
from mokanda_wire import protocol

_SENDERS = 4
_STOP_WITHIN = 2.0  # seconds

log = logging.getLogger(__name__)


class _Resumable(ssl.SSLSocket):
    """A connection whose TLS session outlives its cut.

    OpenSSL forgets the session of a connection on which nobody has said that it ends.
    """

    def shutdown(self, how: int) -> None:
        with contextlib.suppress(OSError, ValueError):
            self.settimeout(0)
            self.unwrap()
        super().shutdown(how)


class _LazyTls(BuiltinSSLAdapter):
    """TLS whose handshake is the worker's: a slow device must not keep others from connecting."""

    def __init__(self, certificate: Path, key: Path) -> None:
        super().__init__(str(certificate), str(key))
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        # What a device is given to resume its session by is 32 bytes if the session stays here,
        # and 200 if it travels. Neither a FIN nor a reset makes OpenSSL forget it.
        self.context.options |= ssl.OP_NO_TICKET | ssl.OP_IGNORE_UNEXPECTED_EOF
        self.context.num_tickets = 1
        self.context.sslsocket_class = _Resumable

    def wrap(self, sock: socket.socket) -> tuple[ssl.SSLSocket, dict[str, str]]:
        try:
            wrapped = self.context.wrap_socket(
                sock, server_side=True, do_handshake_on_connect=False
            )
        except OSError as error:  # it is broken already
            raise FatalSSLAlert(*error.args) from error
        return wrapped, {"wsgi.url_scheme": "https", "HTTPS": "on"}


class _PaidHeaders(list[tuple[bytes, bytes]]):
    """The headers of an answer, less those that no device reads: every byte is paid for."""

    _NEEDLESS = frozenset((b"content-type", b"date", b"server"))

    def append(self, header: tuple[bytes, bytes]) -> None:
        if header[0].lower() not in self._NEEDLESS:
            super().append(header)


class _DeviceRequest(HTTPRequest):
    """A request of a device."""

    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - as cheroot's
        super().__init__(*arguments, **named)
        self.outheaders = _PaidHeaders()
        self._head = b""

    def send_headers(self) -> None:
        """Make the headers, to be sent with what comes behind them: each write is a TLS record."""
        file, self.conn.wfile = self.conn.wfile, io.BytesIO()
        try:
            super().send_headers()
            self._head = self.conn.wfile.getvalue()
        finally:
            self.conn.wfile = file
        if self.chunked_write:
            self._send_head()

    def write(self, chunk: bytes) -> None:
        """Send the beginning or another piece of the body."""
        head, self._head = self._head, b""
        super().write(head + chunk)

    def respond(self) -> None:
        """Answer the request."""
        super().respond()
        self._send_head()

    def _send_head(self) -> None:
        head, self._head = self._head, b""
        if head:
            self.conn.wfile.write(head)


class _DeviceConnection(HTTPConnection):
    """A connection of a device."""

    RequestHandlerClass = _DeviceRequest


class _Server(wsgi.Server):
    """A listener; what goes wrong in it goes to the log."""

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        # A connection that breaks is what village links do; only what we did wrong is an error.
        broken = isinstance(sys.exception(), ConnectionError | TimeoutError | ssl.SSLError)
        grave = level >= logging.ERROR and not broken
        text = " ".join(msg.split())
        log.log(level if grave else logging.DEBUG, "%s", text, exc_info=grave and traceback)

    def begin(self) -> str:
        """Listen, serve in a thread, and return the address."""
        self.prepare()
        threading.Thread(target=self.serve, daemon=True).start()
        host, port = self.bind_addr[:2]
        return f"{host}:{port}"


def _device_server(relay: Relay, listen: Listen) -> _Server:
    server = _Server(
        (listen.host, listen.port),
        DeviceApi(relay).app,
        numthreads=64,  # a device on a slow link holds one while it sends or fetches
        request_queue_size=128,
        timeout=180,  # seconds without a byte: a phone network stalls for minutes
        shutdown_timeout=1,
    )
    server.ConnectionClass = _DeviceConnection
    # Beyond this number, ten by default, cheroot closes a connection after each answer.
    server.keep_alive_conn_limit = 100_000
    server.ssl_adapter = _LazyTls(relay.certificate, relay.certificate_key)
    server.max_request_body_size = protocol.MAX_BUNDLE
    return server


def _admin_server(relay: Relay, listen: Listen) -> _Server:
    return _Server(
        (listen.host, listen.port),
        AdminApp(relay).app,
        numthreads=8,
        request_queue_size=128,
        timeout=30,
        shutdown_timeout=1,
    )


@contextlib.contextmanager
def running(relay: Relay, listen: Listen, operator: Listen) -> Iterator[tuple[str, str]]:
    """Serve within the block; yields the addresses of the device API and the admin app.

    Raises:
        SettingsError: a setting of a webhook's makes no sense.
        OSError: an address cannot be listened on.
    """
    servers = (_device_server(relay, listen), _admin_server(relay, operator))
    stopping = threading.Event()
    workers = [threading.Thread(target=_keep_house, args=(relay, stopping), daemon=True)]
    workers.append(Preparer(relay, stopping))
    if not relay.transport.missing_setting:
        workers += [
            Sender(relay.database, relay.originals, relay.transport, relay.outbox_bell, stopping)
            for _ in range(_SENDERS)
        ]
    addresses = (servers[0].begin(), servers[1].begin())
    for worker in workers:
        worker.start()
    try:
        with relay.inbound.listening():
            yield addresses
    finally:
        stopping.set()
        relay.outbox_bell.ring()
        relay.incoming_bell.ring()
        stops = [threading.Thread(target=server.stop, daemon=True) for server in servers]
        for stop in stops:
            stop.start()
        deadline = time.monotonic() + _STOP_WITHIN
        for thread in (*stops, *workers):
            thread.join(max(deadline - time.monotonic(), 0))


def _keep_house(relay: Relay, stopping: threading.Event) -> None:
    housekeeper = housekeeping.Housekeeper(relay)
    while True:
        try:
            housekeeper.tidy()
        except Exception:
            log.exception("housekeeping failed")
        if stopping.wait(housekeeping.EVERY):
            return
