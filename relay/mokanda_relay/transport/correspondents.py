# SPDX-License-Identifier: Apache-2.0
"""Whom of the world a village has written to: who writes from there is no stranger."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.store import clock
from mokanda_relay.store.tables import Correspondent

KEPT = dt.timedelta(days=730)  # since the last letter


def record(session: Session, device_id: int, addresses: Iterable[str]) -> None:
    """Note that a village writes to these addresses; its device's row is locked."""
    for address in {each.lower() for each in addresses}:
        row = session.get(Correspondent, (device_id, address))
        if row is None:
            row = Correspondent(device_id=device_id, address=address)
            session.add(row)
        row.at = clock.now()
    session.flush()


def forget_old(session: Session, now: dt.datetime) -> None:
    """Forget those who have not been written to for long."""
    session.execute(sa.delete(Correspondent).where(Correspondent.at < now - KEPT))
