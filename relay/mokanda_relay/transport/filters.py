# SPDX-License-Identifier: Apache-2.0
"""What villagers do not want to get: their devices tell it, and each mail is judged by it.

A mail is judged once it was read, and anew when its village's filters change. The verdict:

    GOES     it comes
    BLOCKED  it is kept, and counted
    LISTED   the same, and its reader has asked what there is: its stub goes
    HEAD     its stub goes

A mail whose reader asks for it comes, whatever the verdict.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.store import clock
from mokanda_relay.store.tables import Correspondent, Filter, Incoming, Original
from mokanda_relay.transport.proof import Checks, is_doubtful
from mokanda_wire.address import domains_of
from mokanda_wire.limits import SPAM_SCORE

GOES, BLOCKED, LISTED, HEAD = "", "blocked", "listed", "head"

_MAX_NAMES = 100  # of one villager
_MAX_LISTED = 100  # stubs that one request brings; another one brings more
_NIGHT_WITHIN = dt.timedelta(days=1)
_MAX_DOMAINS = 10  # of a writer that are looked at
_AT_ONCE = 500  # rows in one statement


@dataclass(frozen=True, slots=True)
class _Filters:
    """A village's filters as they were told, by local part; that of the village by ""."""

    told: Mapping[str, Mapping[str, Any]]

    def verdict(
        self, name: str, writer: str, *, is_known: bool, to_many: bool, spam_score: float | None
    ) -> str:
        everybody, own = self.told.get("", {}), self.told.get(name, {})
        if any(_blocks(each, writer) for each in (everybody, own)):
            return BLOCKED
        most = everybody.get("spam", SPAM_SCORE)
        is_spam = spam_score is not None and _is_number(most) and spam_score >= most
        if (is_spam and not is_known) or (to_many and own.get("newsletters") is True):
            return HEAD
        return GOES


def replace(
    session: Session, device_id: int, names: Iterable[str], fields: Mapping[str, Any]
) -> None:
    """Keep a filter in place of the one before; who tells it has all mail judged after it."""
    if fields.get("anew"):
        session.execute(sa.delete(Filter).where(Filter.device_id == device_id))
    for name in [each.lower() for each in names][:_MAX_NAMES] or [""]:
        row = session.get(Filter, (device_id, name))
        if row is None:
            row = Filter(device_id=device_id, name=name)
            session.add(row)
        row.told = json.dumps(fields)
    session.flush()


def forget(session: Session, device_id: int, names: Collection[str]) -> None:
    """Forget the filters of those who are gone."""
    session.execute(
        sa.delete(Filter).where(Filter.device_id == device_id, Filter.name.in_(list(names)))
    )


def judge(session: Session, device_id: int, digest: str | None = None) -> None:
    """Judge what waits for a device and was read: all of it, or one mail by its digest."""
    rows = session.execute(
        sa.select(
            *(Incoming.id, Incoming.recipient, Incoming.verdict, Incoming.spam_score),
            *(Incoming.vouching, Incoming.disowned),
            *(Original.writer, Original.to_many),
        )
        .join(Original, Incoming.digest == Original.digest)
        .where(
            *(Incoming.device_id == device_id, Incoming.sequence.is_(None)),
            Original.reading_version > 0,
            sa.true() if digest is None else Incoming.digest == digest,
        )
    ).all()
    filters = _Filters(_told(session, device_id))
    suspects = {row.writer for row in rows if row.spam_score is not None}
    known = _known(session, device_id, suspects)
    changed: dict[str, list[int]] = {}
    for row in rows:
        checks = Checks(tuple(row.vouching.split()), row.disowned)
        verdict = filters.verdict(
            row.recipient.partition("@")[0].partition("+")[0],
            row.writer,
            is_known=row.writer in known and not is_doubtful(checks, row.writer),
            to_many=row.to_many,
            spam_score=row.spam_score,
        )
        if verdict != row.verdict and (verdict, row.verdict) != (BLOCKED, LISTED):
            changed.setdefault(verdict, []).append(row.id)
    for verdict, ids in changed.items():
        for first in range(0, len(ids), _AT_ONCE):
            some = ids[first : first + _AT_ONCE]
            session.execute(
                sa.update(Incoming).where(Incoming.id.in_(some)).values(verdict=verdict)
            )


def list_blocked(session: Session, device_id: int, recipient: str) -> None:
    """Let stubs go of the last mails for this address that are blocked."""
    last = (
        sa.select(Incoming.id)
        .where(
            *(Incoming.device_id == device_id, Incoming.recipient == recipient),
            *(Incoming.sequence.is_(None), Incoming.verdict == BLOCKED),
        )
        .order_by(Incoming.id.desc())
        .limit(_MAX_LISTED)
    )
    ids = list(session.scalars(last))
    session.execute(sa.update(Incoming).where(Incoming.id.in_(ids)).values(verdict=LISTED))


def may_come_now(session: Session, device_id: int) -> sa.ColumnElement[bool]:
    """Choose mails that need not wait for the night, as those of strangers in some villages.

    Whoever has waited for a day has let a night pass.
    """
    day = _told(session, device_id).get("", {}).get("day")
    now = clock.now()
    if not _is_in(day, now):
        return sa.true()
    known = sa.select(Correspondent.address).where(Correspondent.device_id == device_id)
    return sa.or_(
        Incoming.requested.is_(True),
        Incoming.received < now - _NIGHT_WITHIN,
        Incoming.digest.in_(sa.select(Original.digest).where(Original.writer.in_(known))),
    )


def _is_in(day: object, now: dt.datetime) -> bool:
    """Whether it is day in a village that has told when that is."""
    if not isinstance(day, dict):
        return False
    try:
        zone = ZoneInfo(str(day.get("zone") or "UTC"))
        begins, ends = int(day["from"]), int(day["to"])
    except (KeyError, TypeError, ValueError, OverflowError, OSError):  # no zone is one of these
        return False
    return begins <= now.astimezone(zone).hour < ends


def comes() -> sa.ColumnElement[bool]:
    """Choose mails that are to come."""
    return sa.or_(Incoming.requested.is_(True), Incoming.verdict == GOES)


def comes_as_stub() -> sa.ColumnElement[bool]:
    """Choose mails whose stubs are to go, and have not gone."""
    return sa.and_(
        Incoming.requested.is_(False),
        Incoming.verdict.in_((HEAD, LISTED)),
        Incoming.stub == "",
    )


def stays() -> sa.ColumnElement[bool]:
    """Choose mails that go if they are asked for, and nobody has asked."""
    return sa.and_(
        Incoming.requested.is_(False),
        Incoming.sequence.is_(None),
        sa.func.coalesce(Incoming.verdict, GOES) != GOES,
    )


def _told(session: Session, device_id: int) -> dict[str, Mapping[str, Any]]:
    rows = session.scalars(sa.select(Filter).where(Filter.device_id == device_id))
    return {row.name: json.loads(row.told) for row in rows}


def _known(session: Session, device_id: int, writers: Collection[str]) -> set[str]:
    """Those of the writers to whom the village has written."""
    known: set[str] = set()
    ordered = sorted(writers)
    for first in range(0, len(ordered), _AT_ONCE):
        some = ordered[first : first + _AT_ONCE]
        known.update(
            session.scalars(
                sa.select(Correspondent.address).where(
                    Correspondent.device_id == device_id, Correspondent.address.in_(some)
                )
            )
        )
    return known


def _blocks(told: Mapping[str, Any], writer: str) -> bool:
    """Whether a filter blocks a writer: the address, or a domain that it is in."""
    blocked = told.get("blocked")
    if not isinstance(blocked, list) or not writer:
        return False
    return any(each in blocked for each in (writer, *domains_of(writer)[:_MAX_DOMAINS]))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
