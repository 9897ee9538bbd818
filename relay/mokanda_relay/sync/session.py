# SPDX-License-Identifier: Apache-2.0
"""What a session's token allows after hello: to acknowledge, and to be told what is next."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.relay import Relay
from mokanda_relay.store import clock
from mokanda_relay.store.tables import Device, Upload
from mokanda_relay.sync import quarantine
from mokanda_relay.sync.down import freeze, frozen, queue
from mokanda_relay.sync.refusals import RefusedError
from mokanda_wire import protocol
from mokanda_wire.limits import MIN_ROOM


@dataclass(frozen=True, slots=True)
class Answer:
    """A message to a device, and the bundle that may follow it."""

    device_id: int
    message: bytes
    down: protocol.Sealed | None


def of_token(session: Session, token: str) -> Device:
    """The device whose latest hello was answered with this token.

    Raises:
        RefusedError: there is none.
    """
    device = session.scalar(sa.select(Device).where(Device.token_hash == hash_of(token)))
    if device is None:
        raise RefusedError(protocol.TOKEN_WRONG, "This session is over. Say hello again.")
    return device


def hash_of(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def acknowledge(relay: Relay, device_id: int, applied_down: int, room: int | None = None) -> Answer:
    """The device has applied its down bundles up to `applied_down`."""
    with relay.database.transaction() as session:
        device = session.get_one(Device, device_id, with_for_update=True)
        needless = confirm(session, device, applied_down)
    for name in needless:
        relay.bundles.delete(name)
    return receipt(relay, device_id, room)


def confirm(session: Session, device: Device, applied_down: int) -> list[str]:
    """Take it that the device, whose row is locked, has read its bundles up to this one.

    Returns:
        Names of files that nobody needs after this transaction.
    """
    needless = frozen.confirm(session, device, applied_down)
    if needless:
        quarantine.accepted(device)
        device.error = ""
    return needless


def receipt(relay: Relay, device_id: int, room: int | None = None) -> Answer:
    """What is applied, and what there is to fetch."""
    down = freeze.offer(relay, device_id, room)
    with relay.database.reading() as session:
        applied = session.get_one(Device, device_id).up_applied
        uploading = session.get(Upload, device_id) is not None
    if down is None and not uploading:
        record_sync(relay, device_id)
    told = protocol.Receipt(applied, down, more(relay, device_id, down, room))
    return Answer(device_id, protocol.dump(told), down)


def more(
    relay: Relay, device_id: int, down: protocol.Sealed | None, room: int | None
) -> bool | None:
    """Whether it is worth asking for what is behind the next bundle; None for no."""
    if down is None or (room is not None and room - down.size < MIN_ROOM):
        return None
    with relay.database.reading() as session:
        return queue.is_waiting(session, device_id) or None


def record_sync(relay: Relay, device_id: int) -> None:
    """Note that device and relay have nothing more for each other."""
    now = clock.now()
    with relay.database.transaction() as session:
        session.execute(
            sa.update(Device)
            .where(Device.id == device_id)
            .values(last_exchange=now, last_sync=now, error="")
        )


def count_down(relay: Relay, device_id: int, size: int) -> None:
    """Count bytes that went to the device."""
    if not size:
        return
    with relay.database.transaction() as session:
        session.execute(
            sa.update(Device)
            .where(Device.id == device_id)
            .values(bytes_down=Device.bytes_down + size, last_exchange=clock.now())
        )
