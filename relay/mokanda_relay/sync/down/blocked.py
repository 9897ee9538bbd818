# SPDX-License-Identifier: Apache-2.0
"""How many mails are kept back from villagers: told by the way, when another bundle goes."""

from __future__ import annotations

import json

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.store.tables import Device, Incoming
from mokanda_relay.transport.filters import BLOCKED
from mokanda_wire import bundle as wire
from mokanda_wire.formats import EXTENSIBLE


def news(session: Session, device: Device) -> list[wire.Blocked]:
    """What the device has not been told."""
    counts = _counts(session, device.id)
    if device.format < EXTENSIBLE or _told(counts) == device.blocked_told:
        return []
    return [wire.Blocked(counts)]


def record(device: Device, items: tuple[wire.Item, ...], sequence: int) -> None:
    """Remember what a down bundle tells the device, whose row is locked."""
    for item in items:
        if isinstance(item, wire.Blocked):
            device.blocked_told, device.blocked_sequence = _told(item.counts), sequence


def thaw(device: Device) -> None:
    """Tell it again: the device, whose row is locked, may not have got it, or have lost it."""
    if device.blocked_sequence:
        device.blocked_told = ""


def _counts(session: Session, device_id: int) -> dict[str, int]:
    """How many mails are blocked for whom, by local part."""
    rows = session.execute(
        sa.select(Incoming.recipient, sa.func.count())
        .where(
            *(Incoming.device_id == device_id, Incoming.verdict == BLOCKED),
            *(Incoming.sequence.is_(None), Incoming.requested.is_(False)),
        )
        .group_by(Incoming.recipient)
        .order_by(Incoming.recipient)
    )
    return {recipient.partition("@")[0]: count for recipient, count in rows}


def _told(counts: object) -> str:
    return json.dumps(counts)
