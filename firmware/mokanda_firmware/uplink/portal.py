# SPDX-License-Identifier: Apache-2.0
"""Whether a network answers in everybody's place, as one does whose customer has no credit left."""

import http.client
import logging
from http import HTTPStatus
from urllib.parse import urlsplit

from mokanda_firmware.uplink import reach

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
        connection, _ = reach.connect(host, port, interface, _TIMEOUT)
        with connection:
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
