# SPDX-License-Identifier: Apache-2.0
"""Connections of the operator's listener: whoever posts there never hears that it was its fault."""

from __future__ import annotations

from cheroot.server import HTTPConnection, HTTPRequest

_MAX_PASSED_OVER = 1024 * 1024  # bytes of a body that nobody wants, before the connection is closed
_PIECE = 64 * 1024


class _AdminRequest(HTTPRequest):
    """A request of the operator's, or of a provider's."""

    def simple_response(self, status: str, msg: str = "") -> None:
        """Answer what is no request; a provider would drop its mail at 4xx, and a proxy tell it."""
        if status.startswith("4"):
            status, self.close_connection = "503 Service Unavailable", True
        super().simple_response(status, msg)

    def send_headers(self) -> None:
        """Pass over what nobody has read of the body: cheroot would, with all of it in memory."""
        left = getattr(self.rfile, "remaining", 0)
        self.close_connection |= self.chunked_read or left > _MAX_PASSED_OVER
        while not self.close_connection and self.rfile.remaining:
            self.close_connection = not self.rfile.read(_PIECE)
        super().send_headers()


class AdminConnection(HTTPConnection):
    """A connection of the operator's listener."""

    RequestHandlerClass = _AdminRequest
