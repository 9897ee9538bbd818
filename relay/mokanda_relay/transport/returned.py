# SPDX-License-Identifier: Apache-2.0
"""Writers of the world who are told that a village has nobody called as they have written.

Only who is proven to have written is told, once a day, and never a robot (RFC 3834): whoever forges
a sender makes this relay write to nobody. What is told names the address that was written to, and
nothing else: no other name of the village, and nothing of the mail.
"""

from __future__ import annotations

import datetime as dt
import re

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.store import clock
from mokanda_relay.store.tables import Device, Returned
from mokanda_relay.transport.proof import Checks, vouch
from mokanda_wire.address import AddressError, parse_address
from mokanda_wire.limits import SPAM_SCORE
from mokanda_wire.message import Message

AGAIN = dt.timedelta(days=1)
MAX_A_DAY = 50  # of a village

_KEPT = dt.timedelta(days=7)
# Addresses that no person reads, whatever their mails say of themselves.
_ROBOT = re.compile(
    r"mailer-daemon|postmaster|no-?reply|do-?not-?reply|listserv|majordomo|owner-.{0,64}"
    r"|.{0,64}-(request|owner|no-?reply)|(.{0,64}[+=-])?bounces?([+=-].{0,64})?"
)


def may_be_told(session: Session, sender: str, checks: Checks, message: Message) -> bool:
    """Whether the sender of an envelope is a person of the world, and has written this mail.

    Of the mail the head alone has to be known.
    """
    try:
        address = parse_address(sender)
    except AddressError:  # "" of a bounce among them
        return False
    local_part, _, domain = address.lower().rpartition("@")
    return not (
        message.automatic
        or _ROBOT.fullmatch(local_part)
        or not vouch(checks, address)
        or (checks.spam_score or 0) >= SPAM_SCORE
        or session.scalar(sa.select(Device.id).where(Device.domain == domain))
    )


def record(session: Session, device_id: int, address: str, recipient: str, message_id: str) -> bool:
    """Record that a writer is to be told, unless that was so within a day; tells whether it is."""
    lately = sa.and_(Returned.device_id == device_id, Returned.at > clock.now() - AGAIN)
    count, same = session.execute(
        sa.select(
            sa.func.count(),
            sa.func.count().filter(sa.func.lower(Returned.address) == address.lower()),
        ).where(lately)
    ).one()
    if same or count >= MAX_A_DAY:
        return False
    session.add(
        Returned(
            device_id=device_id,
            address=address,
            recipient=recipient,
            message_id=message_id,
            at=clock.now(),
            is_posted=False,
        )
    )
    session.flush()
    return True


def forget_old(session: Session, now: dt.datetime) -> None:
    """Forget who was told long ago."""
    session.execute(
        sa.delete(Returned).where(Returned.is_posted.is_(True), Returned.at < now - _KEPT)
    )
