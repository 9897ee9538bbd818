# SPDX-License-Identifier: Apache-2.0
"""The outbox: mail to the world, handed to a provider that cannot be asked "have you got it?".

The intent is committed before the request is made, and carries an id that comes back with the
provider's events. So a mail is never lost, and a request whose outcome is unknown (a time-out, an
error of the provider, a crash of ours) is not repeated at once: the mail rests for a while, in
which an event that carries its id settles it as sent. One window remains that no client can
close: the provider has accepted the mail, its answer was lost, and none of its events arrive
within that rest. Then the mail is sent twice.

The id is made of the device and the mail's name. So a relay that was restored from a copy, and is
sent a mail again that it has forgotten, knows of it what events have told meanwhile.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import re
import secrets
from collections.abc import Iterable, Sequence
from time import monotonic
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from mokanda_relay.store import alerts, clock
from mokanda_relay.store.database import Database
from mokanda_relay.store.tables import Forgotten, Outgoing, OutgoingRecipient
from mokanda_relay.transport.notices import queue_event
from mokanda_relay.transport.outbound import (
    Accepted,
    DeliveryEvent,
    Intent,
    NotTaken,
    Outcome,
    Refused,
    Unknown,
)

WAITING, TRYING, SENT, REFUSED = "waiting", "trying", "sent", "refused"

REST = dt.timedelta(minutes=10)  # before a request of unknown outcome is repeated, for its events
MIN_PAUSE = dt.timedelta(seconds=30)  # before a mail that surely was not taken is tried again
MAX_PAUSE = dt.timedelta(hours=1)
GIVE_UP = dt.timedelta(days=4)

_ID = re.compile("[0-9a-f]{32}")  # of an intent
_EVENTS_AT_ONCE = 100  # in one transaction
_IDS_AT_ONCE = 500  # in one query
_INSERT: dict[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}

log = logging.getLogger(__name__)


def post(
    session: Session,
    device_id: int,
    message_id: str,
    digest: str,
    recipients: Sequence[str],
    neighbours: Iterable[str] = (),
) -> None:
    """Record the intent to send a kept mail to these recipients in the world.

    `neighbours` are villagers whom it names, and who have got it already.
    """
    made = _new_id(session, str(device_id), message_id)
    intent = Outgoing(
        id=made,
        device_id=device_id,
        digest=digest,
        message_id=message_id,
        neighbours=" ".join(each.lower() for each in neighbours),
    )
    _record(session, intent, recipients)


def _record(session: Session, intent: Outgoing, recipients: Sequence[str]) -> None:
    intent.state, intent.created, intent.due = WAITING, clock.now(), clock.now()
    session.add(intent)
    session.flush()
    for address in recipients:
        session.add(OutgoingRecipient(outgoing_id=intent.id, address=address))


def post_own(
    session: Session, device_id: int, name: str, digest: str, recipients: Sequence[str]
) -> None:
    """Record the intent to send a mail that the relay has written itself, once by its name.

    No device is told what becomes of it.
    """
    made = _id_of(str(device_id), name)
    if session.get(Outgoing, made) is None:
        intent = Outgoing(id=made, device_id=device_id, digest=digest, message_id="", neighbours="")
        _record(session, intent, recipients)


def _new_id(session: Session, *names: str) -> str:
    """The id that the same mail gets again, should this relay forget it and it comes once more."""
    made = _id_of(*names)
    return secrets.token_hex(16) if session.get(Outgoing, made) else made


def _id_of(*names: str) -> str:
    return hashlib.sha256("\0".join(names).encode()).hexdigest()[:32]


def begin_next(session: Session, max_recipients: int) -> Intent | None:
    """Begin to send the mail that is due first, to at most so many recipients; None if none is due.

    Until it is settled, its outcome counts as unknown.
    """
    now = clock.now()
    while True:
        row = session.scalar(
            sa.select(Outgoing)
            .where(Outgoing.state.in_((WAITING, TRYING)), Outgoing.id.not_in(_resting()))
            # Due in a week: somebody has set the clock back.
            .where(sa.or_(Outgoing.due <= now, Outgoing.due > now + 2 * GIVE_UP))
            .order_by(Outgoing.due)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if row is None:
            return None
        # What rests is chosen against before the lock is there: another thread may have been first.
        if row.state == TRYING and (row.id not in _under_way or row.id in _resting()):
            _under_way.setdefault(row.id, monotonic())  # another process' or an earlier one's
            continue
        _split(session, row, max_recipients)
        if session.get(Forgotten, row.id) is None:
            break
        _finish(session, row, SENT, "")
    row.state = TRYING
    row.attempts += 1
    row.due = now + REST
    _under_way[row.id] = monotonic()
    _forget_if_undone(session, row.id)
    neighbours = tuple(row.neighbours.split())
    return Intent(row.id, row.digest, recipients_of(session, row.id), neighbours)


def _split(session: Session, row: Outgoing, max_recipients: int) -> None:
    """Leave a mail its first recipients; the others are those of further mails, as it was."""
    recipients = recipients_of(session, row.id)
    for first in range(max_recipients, len(recipients), max_recipients):
        part = recipients[first : first + max_recipients]
        further = Outgoing(
            id=_new_id(session, row.id, part[0]),
            device_id=row.device_id,
            digest=row.digest,
            message_id=row.message_id,
            state=row.state,
            created=row.created,
            due=row.due,
            attempts=row.attempts,
            reason=row.reason,
            neighbours=row.neighbours,
        )
        session.add(further)
        session.flush()
        session.execute(
            sa.update(OutgoingRecipient)
            .where(
                OutgoingRecipient.outgoing_id == row.id,
                OutgoingRecipient.address.between(part[0], part[-1]),
            )
            .values(outgoing_id=further.id)
        )


# Since when this process knows of a request that it may be under way, by a clock that nobody sets.
_under_way: dict[str, float] = {}


def _forget_if_undone(session: Session, mail: str) -> None:
    """A mail whose beginning could not be written was not sent, and need not rest."""

    @sa.event.listens_for(session, "after_rollback", once=True)
    def forget(_session: Session) -> None:
        _under_way.pop(mail, None)


def _resting() -> list[str]:
    """Mails that are not to be sent again yet, whatever the clock says."""
    since = monotonic() - REST.total_seconds()
    return [mail for mail, begun in list(_under_way.items()) if begun > since]


def next_due(session: Session) -> dt.datetime | None:
    """When the next mail is due, or has rested; None when none is."""
    due = session.scalar(
        sa.select(sa.func.min(Outgoing.due)).where(
            Outgoing.state.in_((WAITING, TRYING)), Outgoing.id.not_in(_resting())
        )
    )
    ends = [_under_way[mail] + REST.total_seconds() - monotonic() for mail in _resting()]
    rested = [clock.now() + dt.timedelta(seconds=max(end, 0)) for end in ends]
    return min(([due] if due else []) + rested, default=None)


def settle(session: Session, intent_id: str, outcome: Outcome) -> None:
    """Record what became of a mail that was taken up."""
    row = session.get(Outgoing, intent_id, with_for_update=True)
    if row is None or row.state in (SENT, REFUSED):
        return  # its device is gone, or an event came first
    match outcome:
        case Accepted():
            _finish(session, row, SENT, "")
        case Refused(reason):
            _finish(session, row, REFUSED, reason)
        case NotTaken(reason, pause):
            doubling = MIN_PAUSE * 2 ** min(row.attempts - 1, 10)
            _again(session, row, WAITING, pause or min(doubling, MAX_PAUSE), reason)
        case Unknown(reason):
            _again(session, row, TRYING, REST * min(row.attempts, 6), reason)


def _settle_by_event(session: Session, intent_id: str) -> Outgoing | None:
    """An event carries this id, so the mail is sent; returns None if it is none of ours."""
    row = session.get(Outgoing, intent_id, with_for_update=True)
    if row is not None and row.state in (WAITING, TRYING):
        _finish(session, row, SENT, "")
    return row


def record_events(database: Database, events: Iterable[DeliveryEvent]) -> None:
    """Record what became of mails; events of others, and what is known, change nothing.

    Whose they are is looked up first: only what is ours waits for the database, and a large batch
    lets others write in between.
    """
    batch = [event for event in events if _ID.fullmatch(event.intent_id)]
    ids = {event.intent_id for event in batch}
    ours = _known(database, ids)
    _keep_unknown(database, sorted(ids - ours))
    batch = [event for event in batch if event.intent_id in ours]
    for start in range(0, len(batch), _EVENTS_AT_ONCE):
        with database.transaction() as session:
            for event in batch[start : start + _EVENTS_AT_ONCE]:
                _record_event(session, event)


def _known(database: Database, ids: set[str]) -> set[str]:
    """Those of the ids that mails of ours have."""
    known: set[str] = set()
    ordered = sorted(ids)
    with database.reading() as session:
        for start in range(0, len(ordered), _IDS_AT_ONCE):
            some = ordered[start : start + _IDS_AT_ONCE]
            known.update(session.scalars(sa.select(Outgoing.id).where(Outgoing.id.in_(some))))
    return known


def _keep_unknown(database: Database, ids: Sequence[str]) -> None:
    """Keep ids of mails that this relay may have sent before it was restored from a copy.

    They may also be of another relay with the same account at the provider.
    """
    for start in range(0, len(ids), _IDS_AT_ONCE):
        some = ids[start : start + _IDS_AT_ONCE]
        kept = sa.select(Forgotten.id).where(Forgotten.id.in_(some))
        with database.reading() as session:
            new = set(some) - set(session.scalars(kept))
        if new:
            rows = [{"id": each, "at": clock.now()} for each in sorted(new)]
            with database.transaction() as session:
                insert = _INSERT[session.get_bind().dialect.name]
                # Another post may tell of them at the same moment.
                session.execute(insert(Forgotten).on_conflict_do_nothing(), rows)


def _record_event(session: Session, event: DeliveryEvent) -> None:
    mail = _settle_by_event(session, event.intent_id)
    if mail is None or event.kind is None or not mail.message_id:
        return
    lower = event.recipient.lower()
    for recipient in recipients_of(session, mail.id):
        if recipient.lower() == lower:
            queue_event(
                session,
                mail.device_id,
                mail.message_id,
                recipient,
                event.kind,
                event.reason,
                event.at,
            )
            log.info("event %s mail=%s to=%s %s", event.kind, mail.id, recipient, event.reason)
            break


def _again(session: Session, row: Outgoing, state: str, pause: dt.timedelta, reason: str) -> None:
    now = clock.now()
    if now - row.created > GIVE_UP:
        doubt = "; it may have arrived all the same" if state == TRYING else ""
        _finish(
            session, row, REFUSED, f"could not be sent for {GIVE_UP.days} days ({reason}){doubt}"
        )
        return
    if reason != row.reason:
        alerts.record_daily(session, "sending", f"a mail waits: {reason}", row.device_id)
    row.state, row.due, row.reason = state, now + pause, reason
    if state == WAITING:
        _under_way.pop(row.id, None)


def _finish(session: Session, row: Outgoing, state: str, reason: str) -> None:
    row.state, row.reason = state, reason
    _under_way.pop(row.id, None)
    if state == REFUSED:
        alerts.record_daily(session, "refused", f"a mail was not sent: {reason}", row.device_id)
    if not row.message_id:  # the relay's own
        return
    for address in recipients_of(session, row.id):
        queue_event(
            session,
            row.device_id,
            row.message_id,
            address,
            "sent" if state == SENT else "bounced",
            reason,
        )


def recipients_of(session: Session, intent_id: str) -> tuple[str, ...]:
    """Whom a mail goes to."""
    return tuple(
        session.scalars(
            sa.select(OutgoingRecipient.address)
            .where(OutgoingRecipient.outgoing_id == intent_id)
            .order_by(OutgoingRecipient.address)
        )
    )


def recipient_of(session: Session, device_id: int, message_id: str, address: str) -> str:
    """The recipient of a mail of a device's that has this address; "" if it has none such."""
    sent = (
        sa.select(OutgoingRecipient.address)
        .join(Outgoing, OutgoingRecipient.outgoing_id == Outgoing.id)
        .where(
            Outgoing.device_id == device_id,
            Outgoing.message_id == message_id,
            sa.func.lower(OutgoingRecipient.address) == address.lower(),
        )
        .limit(1)
    )
    return session.scalar(sent) or ""


def is_copy(session: Session, message_id: str, address: str) -> bool:
    """Whether a mail from the world has come back to a neighbour, who has got it already."""
    rows = session.scalars(
        sa.select(Outgoing.neighbours).where(
            Outgoing.message_id == message_id, Outgoing.neighbours != ""
        )
    )
    return any(address.lower() in neighbours.split() for neighbours in rows)
