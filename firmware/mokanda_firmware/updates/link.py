# SPDX-License-Identifier: Apache-2.0
"""The way to the relay for an update: the courier's own, after it. Mail goes first."""

import contextlib
import time
from collections.abc import Iterator

from mokanda_firmware.bus.changes import Subscription
from mokanda_firmware.bus.requests import RequestError, ask
from mokanda_firmware.bus.states import CourierState
from mokanda_firmware.bus.statuses import CourierStatus
from mokanda_firmware.uplink import identity, link, places
from mokanda_firmware.uplink.connection import Connection
from mokanda_firmware.uplink.failures import LinkError

_TRAVELLING = {CourierState.DIALLING, CourierState.CONNECTING, CourierState.SYNCING}
_COURIER_TIMEOUT = 3600.0  # seconds that a courier may be on its way


@contextlib.contextmanager
def to_relay() -> Iterator[Connection]:
    """Connect to the relay, by the modem where there is no other way.

    Raises:
        CourierError: there is no way now.
    """
    claim = identity.read_claim()
    if claim is None:
        raise LinkError(identity.NO_CLAIM)
    _let_courier_finish()
    with link.connected(places.read(claim).proved(), lambda _: None) as (connection, _name):
        try:
            yield connection
        finally:
            up, down = connection.traffic()
            with contextlib.suppress(RequestError):
                ask("courier", "count", up=up, down=down)


def _let_courier_finish() -> None:
    """Wait while the courier is on its way: when it is done, it hangs up the modem."""
    end = time.monotonic() + _COURIER_TIMEOUT
    with Subscription() as changes:
        while (courier := CourierStatus.read()) and courier.state in _TRAVELLING:
            left = end - time.monotonic()
            if left < 0:
                return
            changes.wait(left)
