# SPDX-License-Identifier: Apache-2.0
"""Mail for villagers of whom a device has not told: whoever registered since its last mail run.

It waits in the queue like any other, and goes when the device tells of the villager. It is
undeliverable if the device did not although it could: if it is of another village, its writer is
told. The first bundle that comes after the mail may have been made long before it; the second was
made when the first had arrived.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.printable import one_line
from mokanda_relay.store import clock
from mokanda_relay.store.tables import Content, Device, Incoming, Original, Resident, Untold
from mokanda_relay.transport import returned, undeliverable
from mokanda_relay.transport.notices import queue_event
from mokanda_wire.limits import KEPT

MAX_WAIT = dt.timedelta(days=7)
MAX_MAILS = 500  # of a device
MAX_BYTES = 100_000_000  # of a device's, as they came
NO_VILLAGER = "There is no such villager."


@dataclass(frozen=True, slots=True)
class Writer:
    """Who has written a mail: its sender, and where that is a villager, of which device's mail.

    One of the world may be told if the mail has no reader: `may_be_told`.
    """

    address: str
    device_id: int | None = None
    message_id: str = ""
    may_be_told: bool = False


def have_room(session: Session, device_id: int, size: int) -> bool:
    """Whether another mail of this size may wait for the device."""
    mails, total = session.execute(
        sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(Original.size), 0))
        .select_from(Untold)
        .join(Incoming, Incoming.id == Untold.incoming_id)
        .join(Original, Original.digest == Incoming.digest)
        .where(Incoming.device_id == device_id)
    ).one()
    return bool(mails < MAX_MAILS and total + size <= MAX_BYTES)


def wait(session: Session, incoming_id: int, writer: Writer) -> None:
    """Have a mail that was queued wait for the device to tell of the villager."""
    session.add(
        Untold(
            incoming_id=incoming_id,
            sender=one_line(writer.address, undeliverable.MAX_ADDRESS),
            heard=False,
            writer_device_id=writer.device_id,
            message_id=writer.message_id,
            may_be_told=writer.may_be_told,
        )
    )


def settle(session: Session, device: Device) -> None:
    """See which mail has a reader, after a bundle of the device's, whose row is locked."""
    if not device.residents_known:
        return
    waiting = (
        sa.select(Untold.incoming_id)
        .join(Incoming, Incoming.id == Untold.incoming_id)
        .where(Incoming.device_id == device.id)
    )
    told = sa.select(Resident.name + f"@{device.domain}").where(Resident.device_id == device.id)
    here = waiting.where(sa.or_(Incoming.recipient.in_(told), Incoming.sequence.is_not(None)))
    session.execute(sa.delete(Untold).where(Untold.incoming_id.in_(here)))
    _give_up(session, waiting.where(Untold.heard.is_(True)))
    session.execute(sa.update(Untold).where(Untold.incoming_id.in_(waiting)).values(heard=True))


def expire(session: Session, now: dt.datetime) -> None:
    """Wait no longer for devices that have told nothing for too long."""
    reader = sa.exists().where(
        Resident.device_id == Device.id,
        Resident.name + "@" + Device.domain == Incoming.recipient,
    )
    _give_up(
        session,
        sa.select(Untold.incoming_id)
        .join(Incoming, Incoming.id == Untold.incoming_id)
        .join(Device, Device.id == Incoming.device_id)
        .where(
            Incoming.received < now - MAX_WAIT,
            Incoming.sequence.is_(None),
            Device.residents_known.is_(True),
            ~reader.correlate(Device, Incoming),
        ),
    )


def _give_up(session: Session, waiting: sa.Select[int]) -> None:
    rows = session.execute(
        sa.select(Incoming, Untold)
        .join(Untold, Untold.incoming_id == Incoming.id)
        .where(Incoming.id.in_(waiting))
        .order_by(Incoming.id)
    ).all()
    for entry, waited in rows:
        if waited.writer_device_id is None:
            tells = waited.may_be_told and returned.record(
                session, entry.device_id, waited.sender, entry.recipient, waited.message_id
            )
            why = "unknown villager; its writer is told" if tells else "unknown villager"
            undeliverable.record(session, waited.sender, entry.recipient, why, entry.device_id)
        else:
            queue_event(
                session,
                waited.writer_device_id,
                waited.message_id,
                entry.recipient,
                "bounced",
                NO_VILLAGER,
            )
    session.execute(sa.delete(Incoming).where(Incoming.id.in_([entry.id for entry, _ in rows])))
    _keep_no_longer(session, [entry.digest for entry, _ in rows])


def _keep_no_longer(session: Session, digests: Sequence[str]) -> None:
    """Leave originals to the housekeeper, unless somebody else has got them or is to get them."""
    session.execute(
        sa.update(Original)
        .where(
            Original.digest.in_(digests),
            Original.digest.not_in(sa.select(Incoming.digest)),
            Original.digest.not_in(sa.select(Content.mail)),
        )
        .values(kept=clock.now() - KEPT)
    )
