# SPDX-License-Identifier: Apache-2.0
"""What the operator should know: on the operator page, and a line in the log."""

from __future__ import annotations

import datetime as dt
import logging

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.store.database import Database
from mokanda_relay.store.tables import Incident

log = logging.getLogger(__name__)


def record(session: Session, kind: str, text: str, device_id: int | None = None) -> None:
    """Record an incident of this `kind` (a word), told in a sentence."""
    log.warning("%s: %s", kind, text)
    session.add(Incident(at=now(), device_id=device_id, kind=kind, text=text))


def report(database: Database, kind: str, text: str, device_id: int | None = None) -> None:
    """Record an incident in a transaction of its own: the one that met it is undone."""
    with database.transaction() as session:
        record(session, kind, text, device_id)


def report_once(database: Database, kind: str, text: str, device_id: int) -> None:
    """Report an incident that may be met again and again, unless it was reported before."""
    same = (Incident.device_id == device_id, Incident.kind == kind, Incident.text == text)
    with database.transaction() as session:
        if session.scalar(sa.select(Incident.id).where(*same).limit(1)) is None:
            record(session, kind, text, device_id)


def now() -> dt.datetime:
    """The time, aware, in UTC."""
    return dt.datetime.now(dt.UTC)
