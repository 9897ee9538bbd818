# SPDX-License-Identifier: Apache-2.0
"""The history log of each device, kept in the database (mokanda_wire.history does the thinking)."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.store.tables import HistoryRow
from mokanda_wire.history import Change, History, Row


def load(session: Session, device_id: int) -> History:
    """The log as this end holds it."""
    rows = session.scalars(sa.select(HistoryRow).where(HistoryRow.device_id == device_id))
    return History([Row(row.kind, row.position, row.data) for row in rows])


def append(session: Session, device_id: int, record: bytes) -> None:
    """Add what a bundle brought; its device's row is locked."""
    _apply(session, device_id, load(session, device_id).append(record))


def restart(session: Session, device_id: int) -> None:
    """Start over, as the device's log differs; its row is locked."""
    _apply(session, device_id, load(session, device_id).restart())


def _apply(session: Session, device_id: int, change: Change) -> None:
    for kind, position in change.forget.items():
        session.execute(
            sa.delete(HistoryRow).where(
                HistoryRow.device_id == device_id,
                HistoryRow.kind == kind,
                HistoryRow.position < position,
            )
        )
    for row in change.rows:
        session.add(
            HistoryRow(device_id=device_id, kind=row.kind, position=row.position, data=row.data)
        )
    session.flush()
