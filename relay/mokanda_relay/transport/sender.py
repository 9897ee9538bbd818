# SPDX-License-Identifier: Apache-2.0
"""The workers that empty the outbox."""

from __future__ import annotations

import logging
import threading
from contextlib import nullcontext

import sqlalchemy as sa

from mokanda_relay.bell import Bell
from mokanda_relay.mime.parse import read_composed
from mokanda_relay.store import clock
from mokanda_relay.store.blob_store import BlobNotFoundError, BlobStore
from mokanda_relay.store.database import Database
from mokanda_relay.transport import outbox
from mokanda_relay.transport.outbound import (
    Intent,
    NotTaken,
    Outcome,
    Refused,
    Transport,
    Unknown,
)

_POLL_INTERVAL = 30.0  # seconds, at most: another process may have put mail into the outbox
_RETRY_INTERVAL = 1.0  # seconds
# The mails are of devices, and composed by this relay; but a mail of 30 MB takes ten times as much
# memory while it is sent. So one that is large goes at a time; others go beside it.
_MAX_SMALL = 2_000_000  # bytes
_LARGE = threading.Semaphore()

log = logging.getLogger(__name__)


class Sender(threading.Thread):
    """Sends what is due, and settles it; any number may run."""

    def __init__(
        self,
        database: Database,
        originals: BlobStore,
        transport: Transport,
        bell: Bell,
        stopping: threading.Event,
    ) -> None:
        """Run until `stopping` is set; a request under way is finished.

        Args:
            database: with the outbox.
            originals: the raw mails.
            transport: carries them.
            bell: rings when there is mail.
            stopping: ends it.
        """
        super().__init__(name="sender", daemon=True)
        self._database = database
        self._originals = originals
        self._transport = transport
        self._bell = bell
        self._stopping = stopping

    def run(self) -> None:
        """Work until told to stop."""
        while not self._stopping.is_set():
            rings = self._bell.rings()
            try:
                pause = 0.0 if self.send_one() else self._until_next()
            except Exception:
                log.exception("sending failed")
                pause = _POLL_INTERVAL
            if pause:
                self._bell.wait(rings, pause)

    def send_one(self) -> bool:
        """Send the mail that is due first; returns whether there was one."""
        with self._database.transaction() as session:
            intent = outbox.begin_next(session, self._transport.max_recipients)
        if intent is None:
            return False
        try:
            outcome = self._send(intent)
        except Exception:
            log.exception("outbound mail=%s: sending failed", intent.id)
            outcome = Unknown("the relay failed at it; its log says why")
        self._settle(intent, outcome)
        log.info("outbound mail=%s to=%d %s", intent.id, len(intent.recipients), outcome)
        return True

    def _send(self, intent: Intent) -> Outcome:
        try:
            size = self._originals.size(intent.digest)
            limit = self._transport.max_bytes
            if size > limit:
                return Refused(f"it has {size} bytes, and at most {limit} can be sent")
            with _LARGE if size > _MAX_SMALL else nullcontext():
                return self._hand_on(intent, self._originals.read(intent.digest))
        except BlobNotFoundError:
            return NotTaken("its file is not there")

    def _hand_on(self, intent: Intent, raw: bytes) -> Outcome:
        try:
            message, contents = read_composed(raw)
        except Exception:
            log.exception("outbound mail=%s cannot be read", intent.id)
            return Refused("the relay cannot read it")
        return self._transport.send(intent, message, contents)

    def _settle(self, intent: Intent, outcome: Outcome) -> None:
        """Record the outcome, however long the disk is full: forgotten, it would be sent again."""
        while True:
            try:
                with self._database.transaction() as session:
                    outbox.settle(session, intent.id, outcome)
            except (OSError, sa.exc.OperationalError) as error:
                log.warning("outbound mail=%s cannot be settled yet: %s", intent.id, error)
                if self._stopping.wait(_RETRY_INTERVAL):
                    raise
            else:
                return

    def _until_next(self) -> float:
        with self._database.reading() as session:
            due = outbox.next_due(session)
        seconds = (due - clock.now()).total_seconds() if due else _POLL_INTERVAL
        return min(max(seconds, 0.01), _POLL_INTERVAL)
