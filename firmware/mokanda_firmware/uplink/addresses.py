# SPDX-License-Identifier: Apache-2.0
"""At which IP address the relay was last: a question to the DNS less, each night, on a paid link.

Only for a relay whose certificate is pinned: whoever answers at an old address is found out.
"""

import contextlib
import ipaddress
import json
import logging
from typing import Any

from mokanda_firmware import paths
from mokanda_firmware.bus import records
from mokanda_wire import durable

_MAX_BYTES = 1000
log = logging.getLogger(__name__)


def last_of(host: str) -> str | None:
    """Return the address at which `host` was last reached; None: nobody knows."""
    with contextlib.suppress(ValueError, KeyError, TypeError):
        noted: Any = records.read_json(paths.relay_address(), _MAX_BYTES)
        if noted["host"] == host:
            return str(ipaddress.ip_address(noted["address"]))
    return None


def remember(host: str, address: str) -> None:
    """Note where `host` was reached; the card is written to when that is news."""
    if address in (host, last_of(host)):
        return
    try:
        durable.write(
            paths.relay_address(), json.dumps({"host": host, "address": address}).encode()
        )
    except OSError as error:
        log.warning("the relay's address is not noted: %s", error)
