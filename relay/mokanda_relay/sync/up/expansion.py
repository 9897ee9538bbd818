# SPDX-License-Identifier: Apache-2.0
"""How much a device's bundles may become when they are unpacked, in a day.

One has its limits (mokanda_wire.bundle); a stolen card's could come one after another. Counted in
memory: a restart forgives.
"""

from __future__ import annotations

import datetime as dt
import threading
from dataclasses import dataclass
from http import HTTPStatus

from mokanda_relay.relay import Relay
from mokanda_relay.store import alerts, clock
from mokanda_relay.store.tables import Device
from mokanda_relay.sync.refusals import RefusedError
from mokanda_wire import protocol

FREE = 64 * 1024 * 1024  # bytes a day, whatever has come
EACH = 100  # bytes more for each that has come; the densest text makes some 30

_MINUTES = 180  # after which to try again
_TOLD_EVERY = dt.timedelta(hours=1)
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class _Day:
    day: dt.date
    came: int = 0
    became: int = 0


_days: dict[tuple[str, int], _Day] = {}  # by relay and device


def spend(relay: Relay, device: Device, came: int, becomes: int) -> None:
    """Count a bundle of `came` bytes that `becomes` so many, before it does.

    Raises:
        RefusedError: that is too much today; the bundle stays, and may be taken later.
    """
    key, today = (relay.fingerprint, device.id), clock.now().date()
    with _lock:
        spent = _days.get(key)
        if spent is None or spent.day != today:
            spent = _Day(today)
        after = _Day(today, spent.came + came, spent.became + becomes)
        fits = after.became <= FREE + EACH * after.came
        if fits:
            _days[key] = after
    if not fits:
        text = f"{device.name} sends bundles that become much more than they are; they wait"
        alerts.report_seldom(relay.database, _TOLD_EVERY, "expansion", text, device.id)
        raise RefusedError(
            protocol.TRY_LATER,
            "What this device sends becomes too much today.",
            status=HTTPStatus.SERVICE_UNAVAILABLE,
            minutes=_MINUTES,
        )
