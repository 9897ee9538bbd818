# SPDX-License-Identifier: Apache-2.0
"""What the operator should know: on the operator page, and a line in the log."""

from __future__ import annotations

import datetime as dt
import logging

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.printable import one_line
from mokanda_relay.store import clock
from mokanda_relay.store.database import Database
from mokanda_relay.store.tables import Alert

_MAX_TEXT = 1000  # characters

log = logging.getLogger(__name__)


def record(session: Session, kind: str, text: str, device_id: int | None = None) -> None:
    """Record an alert: its `kind`, a word, and a sentence, whoever may have worded parts of it."""
    text = one_line(text, _MAX_TEXT)
    log.warning("%s: %s", kind, text)
    session.add(Alert(at=clock.now(), device_id=device_id, kind=kind, text=text))


def record_daily(session: Session, kind: str, text: str, device_id: int | None = None) -> None:
    """Record what may be met by the hundred: one alert for each device and day, which counts."""
    now = clock.now()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    today = session.scalar(
        sa.select(Alert)
        .where(Alert.at.between(midnight, now), Alert.device_id == device_id, Alert.kind == kind)
        .order_by(Alert.id.desc())
        .limit(1)
        .with_for_update()
    )
    if today is None:
        record(session, kind, text, device_id)
        return
    today.at, today.text, today.count = now, one_line(text, _MAX_TEXT), today.count + 1
    log.warning("%s: %s", kind, today.text)


def report(database: Database, kind: str, text: str, device_id: int | None = None) -> None:
    """Record an alert in a transaction of its own: the one that met the trouble is undone."""
    with database.transaction() as session:
        record(session, kind, text, device_id)


def record_once(session: Session, kind: str, text: str, device_id: int) -> None:
    """Record what may be met again and again, unless it was recorded before."""
    text = one_line(text, _MAX_TEXT)
    same = (Alert.device_id == device_id, Alert.kind == kind, Alert.text == text)
    if session.scalar(sa.select(Alert.id).where(*same).limit(1)) is None:
        record(session, kind, text, device_id)


def report_once(database: Database, kind: str, text: str, device_id: int) -> None:
    """Do what `record_once` does in a transaction of its own."""
    with database.transaction() as session:
        record_once(session, kind, text, device_id)


def report_seldom(
    database: Database, every: dt.timedelta, kind: str, text: str, device_id: int | None = None
) -> None:
    """Report what strangers can bring about as often as they like, once in so much time.

    What has been told already waits for no writer of the database's.
    """
    text = one_line(text, _MAX_TEXT)
    now = clock.now()
    same = (
        Alert.at.between(now - every, now),
        Alert.device_id == device_id,
        Alert.kind == kind,
        Alert.text == text,
    )
    with database.reading() as session:
        told = session.scalar(sa.select(Alert.id).where(*same).limit(1)) is not None
    if told:
        log.info("%s: %s", kind, text)
    else:
        report(database, kind, text, device_id)
