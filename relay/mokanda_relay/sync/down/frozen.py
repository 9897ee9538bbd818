# SPDX-License-Identifier: Apache-2.0
"""The frozen bundles of a device: offered until they are acknowledged, or taken back."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.relay import Relay
from mokanda_relay.rendering import device_files
from mokanda_relay.store import alerts, clock
from mokanda_relay.store.tables import Device, DownBundle, Incoming, Notice
from mokanda_relay.sync import content_requests, history
from mokanda_relay.sync.down import blocked, stubs
from mokanda_relay.transport import filters
from mokanda_wire.protocol import Sealed


def pending(session: Session, device_id: int) -> Sealed | None:
    """The frozen bundle that the device should fetch next, if there is one."""
    row = session.scalar(
        sa.select(DownBundle)
        .where(DownBundle.device_id == device_id)
        .order_by(DownBundle.sequence)
        .limit(1)
    )
    return Sealed(row.sequence, row.size, bytes.fromhex(row.sha256)) if row else None


def is_lost(relay: Relay, session: Session, device_id: int) -> bool:
    """Whether the file of the bundle is gone that the device should fetch next."""
    frozen = pending(session, device_id)
    return frozen is not None and not relay.bundles.exists(frozen.sha256.hex())


def is_too_new(session: Session, device: Device) -> bool:
    """Whether a bundle is frozen in a format that the device, by its last hello, does not know.

    So it is when an update failed, and the software before it runs again.
    """
    newest = sa.select(sa.func.max(DownBundle.format)).where(DownBundle.device_id == device.id)
    return (session.scalar(newest) or 0) > device.format


def confirm(session: Session, device: Device, applied: int) -> list[str]:
    """The device, whose row is locked, has applied its down bundles up to `applied`.

    Returns:
        Names of files that nobody needs after this transaction.
    """
    rows = list(
        session.scalars(
            sa.select(DownBundle)
            .where(DownBundle.device_id == device.id, DownBundle.sequence <= applied)
            .order_by(DownBundle.sequence)
        )
    )
    for row in rows:
        _record_delivery(session, device, row)
    session.flush()
    if applied > device.down_frozen:
        _catch_up(session, device, applied)
    device.down_confirmed = max(device.down_confirmed, applied)
    return [row.sha256 for row in rows]


def _record_delivery(session: Session, device: Device, row: DownBundle) -> None:
    """The device has what was in this bundle."""
    history.append(session, device.id, row.record)
    device_files.confirm(session, device.id, row.sequence)
    content_requests.confirm(session, device.id, row.sequence)
    for table in (Incoming, Notice):
        carried = sa.and_(
            table.device_id == device.id,
            table.sequence == row.sequence,
            table.delivered.is_(None),
        )
        if table is Incoming:
            device.mails_in += session.scalar(sa.select(sa.func.count()).where(carried)) or 0
        session.execute(sa.update(table).where(carried).values(delivered=clock.now()))
    session.delete(row)


def _catch_up(session: Session, device: Device, applied: int) -> None:
    """Count on from a bundle that this relay, as far as it knows, has never made."""
    if device.down_frozen or device.up_applied:  # else its claim was renewed
        alerts.record_once(
            session,
            "restored",
            f"this relay was restored from a copy: {device.name} has applied bundle {applied}, and"
            f" the last one that is known here is {device.down_frozen}. Mail for it that came in"
            " after the copy and that it has not fetched is gone",
            device.id,
        )
    device.down_frozen = applied
    # If it is the device, its claim was renewed, and what came before that may be lost to it.
    _let_wait_again(session, device, applied)


def take_back(session: Session, device: Device, applied: int) -> None:
    """Let what came to the device after the bundle `applied` wait again, as far as it is kept.

    For a device, its row locked, whose card was restored from a backup; `thaw` is the other half.
    """
    # Before its claim was renewed, bundles had other numbers.
    _let_wait_again(session, device, applied, since=device.claimed or device.added)
    alerts.record(
        session,
        "down",
        f"{device.name} has applied bundles up to {applied}, and {device.down_confirmed} before:"
        " it was restored from a backup, and gets again what it has lost",
        device.id,
    )
    device.down_confirmed = applied
    session.flush()


def _let_wait_again(
    session: Session, device: Device, applied: int, since: dt.datetime | None = None
) -> None:
    for table in (Incoming, Notice):
        delivered = table.delivered.is_not(None) if since is None else table.delivered >= since
        session.execute(
            sa.update(table)
            .where(table.device_id == device.id, table.sequence > applied, delivered)
            .values(sequence=None, delivered=None)
        )


def thaw(session: Session, device: Device) -> list[str]:
    """Take back what is frozen and not acknowledged: its mails wait again, for another number.

    For a device, its row locked, that cannot read it: its history differs, or its key is gone.

    Returns:
        Names of files that nobody needs after this transaction.
    """
    rows = list(session.scalars(sa.select(DownBundle).where(DownBundle.device_id == device.id)))
    for row in rows:
        session.delete(row)
    device_files.thaw(session, device.id)
    content_requests.thaw(session, device.id)
    stubs.forget_unconfirmed(session, device.id, device.down_confirmed)
    blocked.thaw(device)
    for table in (Incoming, Notice):
        session.execute(
            sa.update(table)
            .where(
                table.device_id == device.id,
                table.sequence.is_not(None),
                table.delivered.is_(None),
            )
            .values(sequence=None)
        )
    session.flush()
    filters.judge(session, device.id)  # by what was told since it was frozen
    return [row.sha256 for row in rows]
