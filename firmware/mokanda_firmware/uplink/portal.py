# SPDX-License-Identifier: Apache-2.0
"""Whether a network answers in everybody's place, as one does whose customer has no credit left."""

import contextlib
import http.client
import logging
import socket
from http import HTTPStatus
from urllib.parse import urlsplit

_TIMEOUT = 10.0  # seconds
_MAX_HEADERS = 8192  # bytes of an answer that are looked at
_ELSEWHERE = {
    HTTPStatus.MOVED_PERMANENTLY,
    HTTPStatus.FOUND,
    HTTPStatus.SEE_OTHER,
    HTTPStatus.TEMPORARY_REDIRECT,
    HTTPStatus.PERMANENT_REDIRECT,
}
log = logging.getLogger(__name__)


def answers_for(host: str, interface: str, port: int = 80) -> bool:
    """Ask for the page of `host` by plain HTTP; whether the answer leads to another host.

    Some 500 bytes, on a night on which the relay could not be reached.
    """
    try:
        with contextlib.closing(_connected(host, interface, port)) as connection:
            connection.sendall(f"GET / HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
            response = http.client.HTTPResponse(connection)
            response.begin()
            location = urlsplit(response.headers.get("Location", "")[:_MAX_HEADERS])
            status = response.status
    except (OSError, http.client.HTTPException, ValueError) as error:
        log.info("%s by HTTP: %s", host, error)
        return False
    if status == HTTPStatus.NETWORK_AUTHENTICATION_REQUIRED:
        return True
    return status in _ELSEWHERE and location.hostname not in (None, host)


def _connected(host: str, interface: str, port: int) -> socket.socket:
    problem: OSError = OSError("it has no address")
    for family, kind, number, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        connection = socket.socket(family, kind, number)
        try:
            connection.settimeout(_TIMEOUT)
            connection.setsockopt(
                socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode() + b"\0"
            )
            connection.connect(address)
        except OSError as error:
            connection.close()
            problem = error
        else:
            return connection
    raise problem
