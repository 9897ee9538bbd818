# SPDX-License-Identifier: Apache-2.0
"""Mail is prepared when it has come: read, its photos and voices made smaller; any may do so.

No webhook waits for that, and a session for a moment alone: what is not ready then goes with
another bundle.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Sequence
from contextlib import suppress

import sqlalchemy as sa

from mokanda_relay.mime.bounces import Failure
from mokanda_relay.relay import Relay
from mokanda_relay.rendering import readings, renditions
from mokanda_relay.rendering.reading import VERSION, Reading
from mokanda_relay.rendering.readings import MailReader, NotReadyError
from mokanda_relay.rendering.renditions import Policy
from mokanda_relay.store import clock
from mokanda_relay.store.blob_store import BlobNotFoundError
from mokanda_relay.store.tables import Device, Incoming, Original
from mokanda_relay.transport import filters, outbox
from mokanda_relay.transport.notices import queue_event

_LOOK_AGAIN = 30.0  # seconds, at most: another process may have taken mail in
_JUST_NOW = dt.timedelta(minutes=1)

log = logging.getLogger(__name__)


class Preparer(threading.Thread):
    """Prepares what waits, and then what is kept."""

    def __init__(self, relay: Relay, stopping: threading.Event) -> None:
        """Run until `stopping` is set; a mail under way is finished."""
        super().__init__(name="preparer", daemon=True)
        self._relay = relay
        self._stopping = stopping

    def run(self) -> None:
        """Work until told to stop."""
        bell = self._relay.incoming_bell
        reader = MailReader(self._relay)
        while not self._stopping.is_set():
            rings = bell.rings()
            try:
                if prepare_one(self._relay, reader):
                    continue
            except Exception:
                log.exception("preparing mail failed")
            bell.wait(rings, _LOOK_AGAIN)
        reader.close()


def wait_for_news(relay: Relay, device_id: int) -> None:
    """Wait until the mail is read that came for a device just now, but not for long."""
    unread = (
        sa.select(Incoming.id)
        .join(Original, Incoming.digest == Original.digest)
        .where(
            Incoming.device_id == device_id,
            Incoming.sequence.is_(None),
            Incoming.received > clock.now() - _JUST_NOW,
            Original.reading_version == 0,
        )
        .limit(1)
    )

    def look() -> None:
        with relay.database.reading() as session:
            if session.scalar(unread) is not None:
                raise NotReadyError

    with suppress(NotReadyError):
        readings.soon(relay, look)


def prepare_one(relay: Relay, reader: MailReader) -> bool:
    """Prepare the mail that waits longest, or read one that does not; whether there was one.

    Raises:
        OSError: what was made of it cannot be kept now.
    """
    with relay.database.reading() as session:
        row = session.execute(
            sa.select(Incoming, Original.reading_version)
            .join(Original, Incoming.digest == Original.digest)
            .where(
                Incoming.sequence.is_(None),
                sa.or_(Incoming.prepared.is_(False), Original.reading_version < VERSION),
            )
            .order_by(Incoming.id)
            .limit(1)
        ).first()
        if row is None:
            digest = session.scalar(
                sa.select(Original.digest).where(Original.reading_version == 0).limit(1)
            )
    if row is None:
        if digest is not None:
            reader.read(digest)
        return digest is not None
    entry, version = row
    if version < VERSION:
        reader.read(entry.digest)
    found = _found(relay, entry)
    if found is not None:
        _make_smaller(relay, entry, found)
        if found.failures and _is_told(relay, entry, found.failures):
            return True
    with relay.database.transaction() as session:
        session.execute(
            sa.update(Incoming)
            .where(Incoming.device_id == entry.device_id, Incoming.digest == entry.digest)
            .values(prepared=True)
        )
        filters.judge(session, entry.device_id, entry.digest)
    return True


def _found(relay: Relay, entry: Incoming) -> Reading | None:
    try:
        return readings.find(relay, entry.digest)
    except NotReadyError:
        log.warning("mail=%s: its reading went while it was looked at", entry.digest[:12])
    except BlobNotFoundError:
        log.error("mail=%s: its file is gone", entry.digest[:12])
    return None


def _is_told(relay: Relay, entry: Incoming, failures: Sequence[Failure]) -> bool:
    """Tell a villager under her own letter who did not get it; the bounce then does not go.

    It does where it is of no letter that this relay has sent for the village to these people.
    """
    device_id = entry.device_id
    with relay.database.transaction() as session:
        people = [
            outbox.recipient_of(session, device_id, each.message_id, each.recipient)
            for each in failures
        ]
        if not all(people):
            return False
        for who, each in zip(people, failures, strict=True):
            queue_event(session, device_id, each.message_id, who, "bounced", each.reason)
        session.execute(
            sa.delete(Incoming).where(Incoming.id == entry.id, Incoming.sequence.is_(None))
        )
    return True


def _make_smaller(relay: Relay, entry: Incoming, found: Reading) -> None:
    with relay.database.reading() as session:
        policy = Policy.of(session.get_one(Device, entry.device_id))
    try:
        renditions.make_smaller(relay, entry.digest, found, policy)
    except NotReadyError:
        log.warning("mail=%s: its reading went while it was looked at", entry.digest[:12])
    except BlobNotFoundError:
        log.error("mail=%s: its file is gone", entry.digest[:12])
