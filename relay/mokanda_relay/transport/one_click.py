# SPDX-License-Identifier: Apache-2.0
"""Unsubscribing by one click (RFC 8058): a POST to a URL that a stranger has written.

It goes to public addresses alone, of which one is looked up and connected to; follows no redirect;
takes a bounded time, and of the answer nothing but the head.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Literal
from urllib.parse import urlsplit

Outcome = Literal["done", "refused", "unknown"]
Address = tuple[str, int]

_PORT = 443
_SILENCE = 10  # seconds
_WALL = 30.0  # seconds in all, once it is connected
_BODY = b"List-Unsubscribe=One-Click"
_HEADERS = {"Content-Type": "application/x-www-form-urlencoded", "Connection": "close"}
# Addresses of IPv6 that lead to one of IPv4, whichever that is.
_TRANSLATED = [ipaddress.ip_network(each) for each in ("64:ff9b::/32", "2002::/16", "2001::/32")]


class NotPublicError(Exception):
    """The URL leads, or may lead, to what is not on the public Internet."""


def post(
    url: str,
    *,
    look_up: Callable[[str], Address] | None = None,
    context: ssl.SSLContext | None = None,
) -> Outcome:
    """Unsubscribe; "unknown" where another try may help.

    Args:
        url: https.
        look_up: finds the address of a host's server; by default a public one.
        context: says which certificates prove a host; by default those of public authorities.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _PORT
        host = host.encode("idna").decode("ascii")
    except (ValueError, UnicodeError):
        return "refused"
    if parts.scheme.lower() != "https" or port != _PORT or parts.username is not None or not host:
        return "refused"
    path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    try:
        address = (look_up or public_address)(host)
        status = _status(host, address, path, context or ssl.create_default_context())
    except (NotPublicError, http.client.InvalidURL, UnicodeError):
        return "refused"
    except (OSError, http.client.HTTPException):
        return "unknown"
    if 200 <= status < 300:
        return "done"
    return "unknown" if status >= 500 or status == http.HTTPStatus.TOO_MANY_REQUESTS else "refused"


def public_address(host: str) -> Address:
    """Look up a host.

    Raises:
        NotPublicError: one of its addresses is not public.
        OSError: there is none now.
    """
    found = socket.getaddrinfo(host, _PORT, type=socket.SOCK_STREAM)
    addresses = [str(each[4][0]) for each in found]
    if not addresses or not all(map(is_public, addresses)):
        raise NotPublicError(host)
    return addresses[0], _PORT


def is_public(text: str) -> bool:
    """Whether an address is one of the public Internet, and surely leads to such a one."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:  # one with a scope
        return False
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None or any(address in each for each in _TRANSLATED):
            return False
        if not address.is_global or address.is_site_local:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _status(host: str, address: Address, path: str, context: ssl.SSLContext) -> int:
    """Post, and return the status of the answer."""
    connection = _Connection(host, address, context)
    try:
        connection.connect()
        # Whoever sends a byte now and then keeps no silence.
        guard = threading.Timer(_WALL, connection.give_up)
        guard.start()
        try:
            connection.request("POST", path, _BODY, _HEADERS)
            return connection.getresponse().status
        finally:
            guard.cancel()
    finally:
        connection.close()


class _Connection(http.client.HTTPSConnection):
    """To an address that was looked at, whatever the host's name leads to by now."""

    def __init__(self, host: str, address: Address, context: ssl.SSLContext) -> None:
        super().__init__(host, timeout=_SILENCE, context=context)
        self._address = address
        self._tls = context

    def connect(self) -> None:
        plain = socket.create_connection(self._address, _SILENCE)
        try:
            self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise

    def give_up(self) -> None:
        """Break it off, from another thread."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
