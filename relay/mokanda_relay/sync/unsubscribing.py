# SPDX-License-Identifier: Apache-2.0
"""Unsubscribing villagers who ask for it: by one click, or by a mail in their name.

That it is tried is durable before it is, so that a relay that dies at it tries again, some time
later: a second click changes nothing, and a mail goes once by its name. What came of it is the
answer to the villager's request.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from mokanda_relay.mime.lists import Listing, read_mailto
from mokanda_relay.relay import Relay
from mokanda_relay.rendering import readings
from mokanda_relay.rendering.readings import NotReadyError
from mokanda_relay.store import clock
from mokanda_relay.store.blob_store import BlobNotFoundError
from mokanda_relay.store.tables import ContentRequest, Incoming
from mokanda_relay.transport import down_queue, one_click, outbox
from mokanda_wire.compose import compose
from mokanda_wire.items import DONE, GONE, UNDONE, WRITTEN
from mokanda_wire.message import Mailbox, Message

Click = Callable[[str], one_click.Outcome]

_LOOK_AGAIN = 30.0  # seconds, at most
_PAUSE = dt.timedelta(minutes=10)  # after the first try; each makes it longer
_MAX_TRIES = 6

log = logging.getLogger(__name__)


class Unsubscriber(threading.Thread):
    """Does what is due."""

    def __init__(self, relay: Relay, stopping: threading.Event) -> None:
        """Run until `stopping` is set; a click under way is finished."""
        super().__init__(name="unsubscriber", daemon=True)
        self._relay = relay
        self._stopping = stopping

    def run(self) -> None:
        """Work until told to stop."""
        bell = self._relay.incoming_bell
        while not self._stopping.is_set():
            rings = bell.rings()
            try:
                if unsubscribe_one(self._relay, one_click.post):
                    continue
            except Exception:
                log.exception("unsubscribing failed")
            bell.wait(rings, _LOOK_AGAIN)


@dataclass(frozen=True, slots=True)
class _Wish:
    """A request that is tried now, for the last time or not."""

    request: int
    device: int
    ticket: str
    villager: str
    is_last: bool


def unsubscribe_one(relay: Relay, click: Click) -> bool:
    """Try the request that is due first; tells whether there was one."""
    wish = _begin(relay)
    if wish is None:
        return False
    try:
        result = _try(relay, wish, click)
    except Exception:
        log.exception("unsubscribing request=%d failed", wish.request)
        result = None
    if result is None and wish.is_last:
        result = UNDONE
    log.info("unsubscribing request=%d %s", wish.request, result or "is tried again")
    if result is not None:
        with relay.database.transaction() as session:
            session.execute(
                sa.update(ContentRequest)
                .where(ContentRequest.id == wish.request)
                .values(result=result)
            )
    return True


def _begin(relay: Relay) -> _Wish | None:
    now = clock.now()
    with relay.database.transaction() as session:
        row = session.scalar(
            sa.select(ContentRequest)
            .where(
                *(ContentRequest.kind == "unsubscribe", ContentRequest.result == ""),
                sa.or_(
                    ContentRequest.due.is_(None),
                    ContentRequest.due <= now,
                    # Due so late: somebody has set the clock back.
                    ContentRequest.due > now + 2 * _MAX_TRIES * _PAUSE,
                ),
            )
            .order_by(ContentRequest.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if row is None:
            return None
        row.attempts += 1
        row.due = now + row.attempts * _PAUSE
        return _Wish(
            row.id, row.device_id, row.name, row.villager, is_last=row.attempts >= _MAX_TRIES
        )


def _try(relay: Relay, wish: _Wish, click: Click) -> str | None:
    """What came of it, in the word that the device is told; None where another try may help."""
    with relay.database.reading() as session:
        entries = session.scalars(
            sa.select(Incoming)
            .where(Incoming.device_id == wish.device, Incoming.ticket == wish.ticket)
            .order_by(Incoming.id)
        ).all()
    if not entries or not wish.ticket:
        return GONE
    ours = [each for each in entries if each.recipient.startswith(f"{wish.villager}@")]
    entry = (ours or entries)[0]
    try:
        listing = readings.find(relay, entry.digest).listing
    except NotReadyError:
        return None
    except BlobNotFoundError:
        return GONE
    outcome = click(listing.one_click) if listing.one_click else "refused"
    if outcome == "done":
        return DONE
    if outcome == "unknown" and not wish.is_last:
        return None
    return WRITTEN if _write(relay, wish.device, entry, listing) else UNDONE


def _write(relay: Relay, device_id: int, entry: Incoming, listing: Listing) -> bool:
    """Write to the list as the villager, once; False where it takes no mail."""
    mailto = read_mailto(listing.mailto)
    if mailto is None:
        return False
    domain = entry.recipient.rpartition("@")[2]
    name = hashlib.sha256(f"{entry.digest} {entry.recipient}".encode()).hexdigest()[:24]
    message = Message(
        message_id=f"unsubscribe-{name}@{domain}",
        date=clock.now().replace(microsecond=0),
        sender=Mailbox(entry.recipient),
        to=(Mailbox(mailto.address),),
        cc=(),
        subject=mailto.subject or "unsubscribe",
        text=mailto.text or "unsubscribe",
    )
    digest, size = relay.originals.write_by_digest([compose(message, {})])
    with relay.database.transaction() as session:
        down_queue.record_original(session, digest, size)
        outbox.post_own(session, device_id, message.message_id, digest, [mailto.address])
    relay.outbox_bell.ring()
    return True
