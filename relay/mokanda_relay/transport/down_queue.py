# SPDX-License-Identifier: Apache-2.0
"""Mail to villagers: the queue down."""

from __future__ import annotations

from typing import Literal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.store import clock
from mokanda_relay.store.tables import Device, Incoming, Original, Resident
from mokanda_relay.transport import filters, untold
from mokanda_relay.transport.proof import UNCHECKED, Checks
from mokanda_relay.transport.untold import Writer
from mokanda_wire.role_names import ROLE_NAMES

Delivery = Literal["queued", "unknown village", "unknown villager"]


def record_original(session: Session, digest: str, size: int) -> None:
    """Record that the raw mail of this digest is in the folder of originals."""
    original = session.get(Original, digest)
    if original is None:
        session.add(Original(digest=digest, size=size, kept=clock.now()))
        session.flush()
    else:
        original.kept = clock.now()


def is_resident(session: Session, device: Device, local_part: str) -> bool:
    """Whether the device has this villager, as far as is known: all have, before the first sync.

    One whom it has lost may come back, and has mail waiting.
    """
    name = _without_tag(local_part.lower())
    known = session.get(Resident, (device.id, name))
    return known is not None or not device.residents_known


def _without_tag(local_part: str) -> str:
    """The name in an address: what follows a + is its owner's own."""
    return local_part.partition("+")[0]


def _has_reader(session: Session, device: Device, local_part: str) -> bool:
    """Whether somebody there reads mail for a name; for that of a role it is the keeper."""
    return local_part in ROLE_NAMES or is_resident(session, device, local_part)


def device_of(session: Session, address: str) -> Device | None:
    """The device of the village that an address is in."""
    domain = address.lower().rpartition("@")[2]
    return session.scalar(sa.select(Device).where(Device.domain == domain))


def deliver(
    session: Session,
    address: str,
    digest: str,
    size: int,
    checks: Checks = UNCHECKED,
    *,
    waits_from: Writer | None = None,
) -> Delivery:
    """Queue a mail, durable among the originals, for the villager at `address`.

    If the device has not told of this villager, the mail waits for that (transport/untold.py) where
    `waits_from` says whose it is. The same mail for the same villager again changes nothing.
    `checks` are what was found of its writer.
    """
    device = device_of(session, address)
    if device is None:
        return "unknown village"
    local_part, _, domain = address.lower().rpartition("@")
    recipient = f"{_without_tag(local_part)}@{domain}"
    known = _has_reader(session, device, _without_tag(local_part))
    if not known and waits_from is None:
        return "unknown villager"
    queued = sa.select(Incoming.id).where(
        Incoming.device_id == device.id,
        Incoming.recipient == recipient,
        Incoming.digest == digest,
    )
    if session.scalar(queued) is not None:
        return "queued"
    if not known and not untold.have_room(session, device.id, size):
        return "unknown villager"
    record_original(session, digest, size)
    entry = Incoming(
        device_id=device.id,
        recipient=recipient,
        digest=digest,
        received=clock.now(),
        vouching=" ".join(checks.vouching),
        disowned=checks.disowned,
        spam_score=checks.spam_score,
    )
    session.add(entry)
    session.flush()
    if not known and waits_from is not None:
        untold.wait(session, entry.id, waits_from)
    filters.judge(session, device.id, digest)  # it may have been read, for somebody else
    return "queued"
