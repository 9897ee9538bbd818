# SPDX-License-Identifier: Apache-2.0
"""Whether an address leads to this relay, seen from here."""

from __future__ import annotations

import socket
import ssl
from urllib.parse import urlsplit

_SECONDS = 10


def look_at(url: str, certificate: str) -> str:
    """Connect to an https URL as a device would; return "", or what is in its way.

    `certificate` is the one (PEM) that is expected there, or "" for one that authorities vouch for.
    """
    address = urlsplit(url)
    context = ssl.create_default_context(cadata=certificate or None)
    context.check_hostname = not certificate
    try:
        with (
            socket.create_connection((address.hostname, address.port or 443), _SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=address.hostname) as secure,
        ):
            shown = secure.getpeercert(binary_form=True)
    except OSError as error:
        return str(error)
    if certificate and shown != ssl.PEM_cert_to_DER_cert(certificate):
        return "another certificate is there"
    return ""
