# SPDX-License-Identifier: Apache-2.0
"""What the relay no longer needs goes: delivered mail after 30 days, files that no row names."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable

import sqlalchemy as sa

from . import incidents, repeats
from .files import Files
from .outgoing import TRYING, WAITING
from .relay import Relay
from .tables import (
    Content,
    Device,
    DownBundle,
    Incident,
    Incoming,
    Notice,
    Original,
    Outgoing,
    Posted,
    Rendition,
    Resident,
    Upload,
)

EVERY = 3600.0  # seconds
KEPT = dt.timedelta(days=30)  # originals, once delivered; and what is remembered to know them again
_INCIDENTS_KEPT = dt.timedelta(days=90)
_MAY_BE_IN_THE_MAKING = 24 * 3600.0  # seconds: a file may be there before the row that names it

log = logging.getLogger(__name__)


def tidy(relay: Relay) -> None:
    """Delete what is no longer needed."""
    limit = incidents.now() - KEPT
    with relay.database.transaction() as session:
        session.execute(sa.delete(Incoming).where(Incoming.delivered < limit))
        session.execute(sa.delete(Incoming).where(Incoming.received < limit, _has_no_reader()))
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
        named = sa.select(Content.digest).where(Content.rendition.is_(True))
        session.execute(
            sa.delete(Rendition).where(Rendition.made < limit, Rendition.digest.not_in(named))
        )
        session.execute(sa.delete(Posted).where(Posted.at < incidents.now() - repeats.KEPT))
        session.execute(sa.delete(Incident).where(Incident.at < incidents.now() - _INCIDENTS_KEPT))
    with relay.database.reading() as session:
        originals = set(session.scalars(sa.select(Original.digest)))
        renditions = set(session.scalars(sa.select(Rendition.digest)))
        renditions |= set(session.scalars(named))
        bundles = set(session.scalars(sa.select(DownBundle.sha256)))
        uploads = {
            f"{row.device_id}-{row.sequence}-{row.sha256}"
            for row in session.scalars(sa.select(Upload))
        }
    gone = _sweep(relay.originals, originals)
    gone += _sweep(relay.bundles, bundles) + _sweep(relay.uploads, uploads)
    gone += _sweep(relay.renditions, renditions)
    if gone:
        log.info("tidied files=%d", gone)


def _has_no_reader() -> sa.ColumnElement[bool]:
    """Choose mails that wait for villagers whom their device does not have."""
    device = sa.and_(Device.id == Incoming.device_id, Device.residents_known.is_(True))
    reader = sa.and_(
        Resident.device_id == Device.id,
        Resident.name + "@" + Device.domain == Incoming.recipient,
    )
    return sa.and_(
        Incoming.delivered.is_(None),
        Incoming.sequence.is_(None),
        sa.exists()
        .where(device, ~sa.exists().where(reader).correlate(Device, Incoming))
        .correlate(Incoming),
    )


def _sweep(files: Files, named: Iterable[str]) -> int:
    gone = 0
    for name in files.names_older_than(_MAY_BE_IN_THE_MAKING):
        if name not in named:
            files.delete(name)
            gone += 1
    return gone
