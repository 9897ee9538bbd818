# SPDX-License-Identifier: Apache-2.0
"""Connections of the operator's listener: whoever posts there never hears that it was its fault."""

from __future__ import annotations

from mokanda_wire.http_server import Connection, Request


class _AdminRequest(Request):
    """A request of the operator's, or of a provider's."""

    def simple_response(self, status: str, msg: str = "") -> None:
        """Answer what is no request; a provider would drop its mail at 4xx, and a proxy tell it."""
        if status.startswith("4"):
            status, self.close_connection = "503 Service Unavailable", True
        super().simple_response(status, msg)


class AdminConnection(Connection):
    """A connection of the operator's listener."""

    RequestHandlerClass = _AdminRequest
