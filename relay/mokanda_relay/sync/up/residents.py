# SPDX-License-Identifier: Apache-2.0
"""Who lives at a device, as it tells: it may forget villagers, but not make this relay forget them.

A device counts the names that its villagers have given up, and tells in its report how many that
are so far. A list of residents that lacks more names than were given up since the last one comes of
a device that has lost them, and so does one of a device that does not count, if it is empty or
lacks more than half. Mail for those who are lacking goes on being taken, and waits.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.store import alerts, clock
from mokanda_relay.store.tables import Device, Resident
from mokanda_relay.sync import cards
from mokanda_relay.transport import filters


def replace(session: Session, device: Device, names: Iterable[str]) -> None:
    """Take a list of residents from a device, whose row is locked and whose report is recorded."""
    told = {name.lower() for name in names}
    rows = session.scalars(sa.select(Resident).where(Resident.device_id == device.id))
    known = {row.name: row for row in rows}
    here = {name for name, row in known.items() if row.gone is None}
    missing = here - told
    if _is_explained(device, len(missing), len(here)):
        for name in missing:
            session.delete(known[name])
        filters.forget(session, device.id, missing)
    else:
        for name in missing:
            known[name].gone = clock.now()
        alerts.record(
            session,
            "residents",
            f"{device.name} names {len(missing)} of its {len(here)} villagers no more, and does not"
            " say why: mail for them waits 30 days for them to come back",
            device.id,
        )
    for name in told:
        if name in known:
            known[name].gone = None
        else:
            session.add(Resident(device_id=device.id, name=name))
    device.residents_known = True
    cards.count_villagers(session, device, len(told))
    session.flush()


def _is_explained(device: Device, missing: int, before: int) -> bool:
    """Whether the device knows of whom it names no more; take down its count."""
    count = device.last_report().get("deletions")
    if type(count) is not int or not 0 <= count < 1 << 53:
        return 2 * missing <= before
    new, device.deletions = count - device.deletions, count
    return missing <= max(new, 0)
