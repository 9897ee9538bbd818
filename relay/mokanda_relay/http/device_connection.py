# SPDX-License-Identifier: Apache-2.0
"""Connections of devices: every byte of them is paid for, and links break in the middle."""

from __future__ import annotations

import io
import socket
import ssl
from pathlib import Path
from typing import Any

from cheroot.errors import FatalSSLAlert
from cheroot.ssl.builtin import BuiltinSSLAdapter

from mokanda_wire.http_server import Connection, Request


class LazyTls(BuiltinSSLAdapter):
    """TLS whose handshake waits for nobody: a slow device must not keep others from connecting."""

    def __init__(self, certificate: Path, key: Path) -> None:
        # Without a chain, all authorities of the machine's would be loaded; nobody asks for them.
        super().__init__(str(certificate), str(key), certificate_chain=str(certificate))
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        # Nothing to resume a session by: it costs each call 79 bytes, and saves 141 after a cut.
        self.context.options |= ssl.OP_NO_TICKET
        self.context.num_tickets = 0

    def wrap(self, sock: socket.socket) -> tuple[ssl.SSLSocket, dict[str, str]]:
        """Make a connection one by TLS, whose handshake comes with what is read from it."""
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


class _DeviceRequest(Request):
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


class DeviceConnection(Connection):
    """A connection of a device."""

    RequestHandlerClass = _DeviceRequest
