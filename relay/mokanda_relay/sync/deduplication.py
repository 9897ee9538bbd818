# SPDX-License-Identifier: Apache-2.0
"""Mails that a device may send a second time, because either end was restored from a copy.

A device that sends again what a restored relay seems to have forgotten calls it by the name by
which it came first. One whose card was restored has forgotten that mails have left, and such names,
as Message-IDs do not travel. Those are known again by what is in them: who wrote them, in which
second, to whom and what.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.store import clock
from mokanda_relay.store.tables import Notice, Outgoing, Posted
from mokanda_wire.bundle import Mail

KEPT = dt.timedelta(days=90)  # a letter that waited when an older backup was made may go twice


def record_if_new(session: Session, device_id: int, sequence: int, mail: Mail) -> bool:
    """Remember a mail that the up bundle `sequence` brought; False if it was posted before.

    What becomes of that one is then told under its new name.
    """
    fingerprint = _fingerprint(mail)
    same_name = Posted.message_id == mail.message.message_id
    repeated = sa.and_(Posted.fingerprint == fingerprint, Posted.may_repeat.is_(True))
    before = session.scalar(
        sa.select(Posted)
        .where(Posted.device_id == device_id, sa.or_(same_name, repeated))
        .order_by(same_name.desc(), Posted.id)
        .limit(1)
    )
    if before is not None:
        _rename(session, before, sequence, mail.message.message_id)
        return False
    session.add(
        Posted(
            device_id=device_id,
            sequence=sequence,
            fingerprint=fingerprint,
            message_id=mail.message.message_id,
            at=clock.now(),
        )
    )
    session.flush()
    return True


def _rename(session: Session, before: Posted, sequence: int, message_id: str) -> None:
    """Take a mail for one of a later bundle, and tell again what became of it."""
    old, before.message_id = before.message_id, message_id
    before.sequence, before.may_repeat = sequence, False  # of which it may be repeated once more
    for table in (Outgoing, Notice):
        session.execute(
            sa.update(table)
            .where(table.device_id == before.device_id, table.message_id == old)
            .values(message_id=message_id)
        )
    session.execute(
        sa.update(Notice)
        .where(Notice.device_id == before.device_id, Notice.message_id == message_id)
        .values(sequence=None, delivered=None)
    )
    session.flush()


def allow_repeats(session: Session, device_id: int, since: int) -> None:
    """The device knows nothing of its up bundles from `since` on: it may send their mails again."""
    session.execute(
        sa.update(Posted)
        .where(Posted.device_id == device_id, Posted.sequence >= since)
        .values(may_repeat=True)
    )


def _fingerprint(mail: Mail) -> str:
    message = mail.message
    content = [
        message.sender.address,
        int(message.date.timestamp()),
        sorted(mail.recipients),
        message.subject,
        message.text,
        len(message.attachments),  # a photo may go smaller, or whole, the second time
    ]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()
