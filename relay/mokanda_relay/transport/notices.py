# SPDX-License-Identifier: Apache-2.0
"""Notices of what became of a villager's mail, on their way down."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.store import clock
from mokanda_relay.store.tables import Notice
from mokanda_wire.bundle import EventKind


def queue_event(
    session: Session,
    device_id: int,
    message_id: str,
    recipient: str,
    kind: EventKind,
    reason: str = "",
    at: dt.datetime | None = None,
) -> None:
    """Queue an event for the device, once for each mail, recipient and kind."""
    same = sa.select(Notice.id).where(
        Notice.device_id == device_id,
        Notice.message_id == message_id,
        Notice.recipient == recipient,
        Notice.kind == kind,
    )
    if session.scalar(same) is None:
        session.add(
            Notice(
                device_id=device_id,
                message_id=message_id,
                recipient=recipient,
                kind=kind,
                at=at or clock.now(),
                reason=reason[:500],
            )
        )
        session.flush()
