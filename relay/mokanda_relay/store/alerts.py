# SPDX-License-Identifier: Apache-2.0
"""What the operator should know: on the operator page, and a line in the log."""

from __future__ import annotations

import datetime as dt
import logging

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.store import clock
from mokanda_relay.store.database import Database
from mokanda_relay.store.tables import Alert

log = logging.getLogger(__name__)


def record(session: Session, kind: str, text: str, device_id: int | None = None) -> None:
    """Record an alert: its `kind`, a word, and a sentence."""
    log.warning("%s: %s", kind, text)
    session.add(Alert(at=clock.now(), device_id=device_id, kind=kind, text=text))


def report(database: Database, kind: str, text: str, device_id: int | None = None) -> None:
    """Record an alert in a transaction of its own: the one that met the trouble is undone."""
    with database.transaction() as session:
        record(session, kind, text, device_id)


def record_once(session: Session, kind: str, text: str, device_id: int) -> None:
    """Record what may be met again and again, unless it was recorded before."""
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
