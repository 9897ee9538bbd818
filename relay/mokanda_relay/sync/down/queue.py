# SPDX-License-Identifier: Apache-2.0
"""What waits for a device, and in which order it goes."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.store import clock
from mokanda_relay.store.tables import ContentRequest, Device, Incoming, Notice, Original, Resident
from mokanda_relay.sync import content_requests, history
from mokanda_relay.transport import filters
from mokanda_wire.history import History
from mokanda_wire.limits import place_in_queue
from mokanda_wire.role_names import ROLE_NAMES

_MAX_NOTICES = 2000


@dataclass(frozen=True, slots=True, eq=False)
class Queue:
    """All that waits for a device at one moment, what goes first at the front.

    `mails` are queue entries, one for each reader, with the size of the raw mail in bytes; `heads`
    are those of mails of which stubs alone are to go.
    """

    device: Device
    history: History
    notices: tuple[Notice, ...]
    requests: tuple[ContentRequest, ...]
    mails: tuple[tuple[Incoming, int], ...]
    heads: tuple[Incoming, ...] = ()


def gather(session: Session, device_id: int) -> Queue:
    """Look at what waits for a device."""
    device = session.get_one(Device, device_id)
    now = filters.may_come_now(session, device_id)
    notices = session.scalars(
        sa.select(Notice)
        .where(Notice.device_id == device_id, Notice.sequence.is_(None))
        .order_by(Notice.id)
        .limit(_MAX_NOTICES)
    )
    return Queue(
        device,
        history.load(session, device_id),
        tuple(notices),
        tuple(content_requests.waiting(session, device_id)),
        _mails(session, device, now),
        tuple(session.scalars(_waiting(device, now, filters.comes_as_stub()))),
    )


def _mails(
    session: Session, device: Device, may_come: sa.ColumnElement[bool]
) -> tuple[tuple[Incoming, int], ...]:
    """The mails that wait: those asked for first, then small and old ones."""
    now = clock.now()

    def order(mail: tuple[Incoming, int]) -> tuple[bool, int, dt.datetime]:
        entry, size = mail
        place = place_in_queue(size, now - entry.received)
        return not entry.requested, place, entry.received

    rows = session.execute(
        _waiting(device, may_come, filters.comes())
        .add_columns(Original.size)
        .join(Original, Incoming.digest == Original.digest)
    )
    return tuple(sorted(((entry, size) for entry, size in rows), key=order))


def _waiting(device: Device, *wanted: sa.ColumnElement[bool]) -> sa.Select[Incoming]:
    return sa.select(Incoming).where(
        Incoming.device_id == device.id,
        Incoming.sequence.is_(None),
        _has_a_reader(device),
        *wanted,
    )


def is_waiting(session: Session, device_id: int) -> bool:
    """Whether there is mail or news for the device that is in no bundle yet."""
    ours = sa.and_(
        _has_a_reader(session.get_one(Device, device_id)),
        filters.may_come_now(session, device_id),
        sa.or_(Incoming.verdict.is_(None), filters.comes(), filters.comes_as_stub()),
    )
    return any(
        session.scalar(
            sa.select(table.id)
            .where(table.device_id == device_id, table.sequence.is_(None), wanted)
            .limit(1)
        )
        is not None
        for table, wanted in (
            (Incoming, ours),
            (Notice, sa.true()),
            (ContentRequest, content_requests.is_answerable()),
        )
    )


def _has_a_reader(device: Device) -> sa.ColumnElement[bool]:
    """Choose mails for villagers whom the device has, as far as is known.

    Others may be known again after their card was restored from a backup.
    """
    if not device.residents_known:
        return sa.true()
    names = sa.select(Resident.name + f"@{device.domain}").where(
        Resident.device_id == device.id, Resident.gone.is_(None)
    )
    roles = [f"{name}@{device.domain}" for name in ROLE_NAMES]
    return sa.or_(Incoming.recipient.in_(names), Incoming.recipient.in_(roles))
