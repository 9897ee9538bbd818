# SPDX-License-Identifier: Apache-2.0
"""What the relay no longer needs goes: delivered mail after 30 days, files that no row names.

What is to come with time comes: releases, to more devices.

No clock is believed: one that jumps years ahead makes nothing old at once, and no file that is
still in the making an orphan.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Container

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.relay import Relay
from mokanda_relay.store import alerts, clock, releases
from mokanda_relay.store.blob_store import BlobStore, Written
from mokanda_relay.store.tables import (
    Alert,
    Content,
    Device,
    DownBundle,
    Forgotten,
    Incoming,
    Notice,
    Original,
    Outgoing,
    Posted,
    Rendition,
    Resident,
    Tidied,
    Upload,
)
from mokanda_relay.store.uploads import Uploads
from mokanda_relay.sync import deduplication, rollout
from mokanda_relay.transport import correspondents, filters, returned, returning, untold
from mokanda_relay.transport.outbox import TRYING, WAITING
from mokanda_wire.limits import KEPT
from mokanda_wire.role_names import ROLE_NAMES

INTERVAL = 3600.0  # seconds; no file is in the making for so long
_ALERT_RETENTION = dt.timedelta(days=90)
_STRIDE = dt.timedelta(days=1)  # by which things grow older at most from one time to the next

log = logging.getLogger(__name__)


class Housekeeper:
    """Tidies a relay, each time that it is asked to: that should be once an INTERVAL."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._orphans: set[tuple[BlobStore | Uploads, Written]] = set()  # of the last time

    def tidy(self) -> None:
        """Delete what is no longer needed, files when no row has named them two times in a row."""
        returning.post_waiting(self._relay.database, self._relay.originals)
        self._relay.outbox_bell.ring()
        self._forget_rows()
        orphans = {
            (store, each)
            for store, named in self._named().items()
            for each in store.written()
            if each.name not in named
        }
        gone = orphans & self._orphans
        for store, each in gone:
            store.delete_unchanged(each)
        self._orphans = orphans - gone
        if gone:
            log.info("tidied files=%d", len(gone))

    def _forget_rows(self) -> None:
        with self._relay.database.transaction() as session:
            now = _grown_to(session)
            limit = now - KEPT
            session.execute(sa.delete(Incoming).where(Incoming.delivered < limit))
            session.execute(sa.delete(Incoming).where(Incoming.received < limit, _has_no_reader()))
            session.execute(sa.delete(Incoming).where(Incoming.received < limit, filters.stays()))
            correspondents.forget_old(session, now)
            session.execute(sa.delete(Resident).where(Resident.gone < limit))
            untold.expire(session, now)
            returned.forget_old(session, now)
            session.execute(sa.delete(Notice).where(Notice.delivered < limit))
            session.execute(
                sa.delete(Outgoing).where(
                    Outgoing.created < limit, Outgoing.state.not_in((WAITING, TRYING))
                )
            )
            needed = sa.union(sa.select(Incoming.digest), sa.select(Outgoing.digest))
            session.execute(
                sa.delete(Original).where(Original.kept < limit, Original.digest.not_in(needed))
            )
            session.execute(
                sa.delete(Rendition).where(
                    Rendition.made < limit, Rendition.digest.not_in(_NAMED_RENDITIONS)
                )
            )
            repeatable = now - deduplication.KEPT
            session.execute(sa.delete(Posted).where(Posted.at < repeatable))
            session.execute(sa.delete(Forgotten).where(Forgotten.at < repeatable))
            session.execute(sa.delete(Alert).where(Alert.at < now - _ALERT_RETENTION))
            try:
                rollout.grow(session, releases.entries(self._relay.releases), now)
            except releases.ReleaseError as error:
                alerts.record_daily(session, "release", str(error))

    def _named(self) -> dict[BlobStore | Uploads, Container[str]]:
        """The names in each store that a row has."""
        relay = self._relay
        with relay.database.reading() as session:
            renditions = set(session.scalars(sa.select(Rendition.digest)))
            return {
                relay.originals: set(session.scalars(sa.select(Original.digest))),
                relay.readings: set(session.scalars(sa.select(Original.reading))),
                relay.renditions: renditions | set(session.scalars(_NAMED_RENDITIONS)),
                relay.bundles: set(session.scalars(sa.select(DownBundle.sha256))),
                relay.uploads: {
                    f"{row.device_id}-{row.sequence}-{row.sha256}"
                    for row in session.scalars(sa.select(Upload))
                },
            }


_NAMED_RENDITIONS = sa.select(Content.digest).where(Content.rendition.is_(True))


def _grown_to(session: Session) -> dt.datetime:
    """The time by which things grow old: that of the clock, or a stride after the last one."""
    now = clock.now()
    tidied = session.get(Tidied, 1, with_for_update=True)
    if tidied is None:
        session.add(Tidied(id=1, until=now))
        return now
    tidied.until = min(now, tidied.until + _STRIDE)
    return tidied.until


def _has_no_reader() -> sa.ColumnElement[bool]:
    """Choose mails that wait for villagers whom their device does not have."""
    device = sa.and_(Device.id == Incoming.device_id, Device.residents_known.is_(True))
    reader = sa.and_(
        Resident.device_id == Device.id,
        Resident.name + "@" + Device.domain == Incoming.recipient,
        Resident.gone.is_(None),
    )
    return sa.and_(
        Incoming.delivered.is_(None),
        Incoming.sequence.is_(None),
        ~sa.or_(*(Incoming.recipient.startswith(f"{name}@") for name in ROLE_NAMES)),
        sa.exists()
        .where(device, ~sa.exists().where(reader).correlate(Device, Incoming))
        .correlate(Incoming),
    )
