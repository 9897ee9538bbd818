# SPDX-License-Identifier: Apache-2.0
"""What devices send and this relay does not know: kept until an update of it reads them."""

from __future__ import annotations

import logging
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.store import alerts
from mokanda_relay.store.tables import Device, UnknownItem
from mokanda_wire import unknown
from mokanda_wire.items import Item, ItemsError, Unknown

log = logging.getLogger(__name__)


def keep(session: Session, device: Device, items: Iterable[Item]) -> None:
    """Keep what is not known of these items, within bounds, and tell the operator.

    The device's row is locked.
    """
    new = list(unknown.unknown_in(items))
    if not new:
        return
    alerts.record_once(
        session,
        "unknown",
        f"{device.name} sends what this relay does not know ({unknown.kinds(new)}): it is kept"
        " until the relay is updated",
        device.id,
    )
    before = [_of_row(row) for row in _rows(session, device)]
    session.execute(sa.delete(UnknownItem).where(UnknownItem.device_id == device.id))
    session.add_all(
        UnknownItem(
            device_id=device.id, text=each.text.encode(), format=each.format, ticket=each.ticket
        )
        for each in unknown.kept(before, new)
    )
    session.flush()


def take_known(session: Session, device: Device) -> list[Item]:
    """Take out what this relay knows by now, the oldest first; the device's row is locked."""
    known: list[Item] = []
    for row in _rows(session, device):
        try:
            item = unknown.read_again(_of_row(row))
        except ItemsError as error:
            log.error("device=%s what was kept cannot be read: %s", device.name, error)
        else:
            if item is None:
                continue
            known.append(item)
        session.delete(row)
    return known


def _rows(session: Session, device: Device) -> list[UnknownItem]:
    rows = sa.select(UnknownItem).where(UnknownItem.device_id == device.id)
    return list(session.scalars(rows.order_by(UnknownItem.id)))


def _of_row(row: UnknownItem) -> Unknown:
    return Unknown(row.text.decode(), row.format, row.ticket)
