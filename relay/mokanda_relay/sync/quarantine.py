# SPDX-License-Identifier: Apache-2.0
"""Finding what a device cannot read among what goes down, so that all else arrives.

mokanda_wire.bisection tells how; what it sets aside is a mail, an event, or the answer to a content
request.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.store import alerts, clock
from mokanda_relay.store.tables import ContentRequest, Device, Incoming, Notice
from mokanda_relay.sync.down import frozen

_NEVER = 0  # the number of no bundle: for what goes in none

Q = TypeVar("Q", Incoming, Notice)

log = logging.getLogger(__name__)


def accepted(device: Device) -> None:
    """The device, whose row is locked, has read a bundle."""
    device.bisection = device.bisection.accepted()


def refused(session: Session, device: Device, sequence: int) -> list[str]:
    """The device, whose row is locked, has a bundle of this number whole and cannot read it.

    Returns:
        Names of files that nobody needs after this transaction.
    """
    pending = frozen.pending(session, device.id)
    if pending is None or pending.sequence != sequence:
        return []  # it has said so before
    mails = session.scalars(_in(Incoming, device, sequence)).all()
    notices = session.scalars(_in(Notice, device, sequence)).all()
    requests = session.scalars(
        sa.select(ContentRequest).where(
            ContentRequest.device_id == device.id, ContentRequest.sequence == sequence
        )
    ).all()
    count = len({entry.digest for entry in mails}) + len(notices) + len(requests)
    log.warning("device=%s cannot read down=%d items=%d", device.name, sequence, count)
    device.bisection, set_aside = device.bisection.refused(count)
    if set_aside:
        _set_aside(session, device, mails, notices, requests)
    return frozen.thaw(session, device)


def _in(table: type[Q], device: Device, sequence: int) -> sa.Select[Q]:
    """Choose what waits in this bundle; before a claim was renewed others had its number."""
    carried = (table.device_id == device.id, table.sequence == sequence)
    return sa.select(table).where(*carried, table.delivered.is_(None))


def _set_aside(
    session: Session,
    device: Device,
    mails: Sequence[Incoming],
    notices: Sequence[Notice],
    requests: Sequence[ContentRequest],
) -> None:
    """Give up what was in a bundle alone: a mail (for some readers), an event or an answer."""
    what = "an answer to a content request"
    if mails:
        names = ", ".join(entry.recipient for entry in mails)
        what = f"the mail {mails[0].digest[:12]} for {names}"
    elif notices:
        what = f"what became of a mail to {notices[0].recipient}"
    told = f"{device.name} cannot read {what}: set aside"
    alerts.record(session, "unread", told, device.id)
    device.error = told
    rows: list[Incoming | Notice] = [*mails, *notices]
    for row in rows:
        row.sequence, row.delivered = _NEVER, clock.now()
    for request in requests:
        session.delete(request)
    session.flush()
