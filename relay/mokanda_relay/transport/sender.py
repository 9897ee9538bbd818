# SPDX-License-Identifier: Apache-2.0
"""The workers that empty the outbox."""

from __future__ import annotations

import logging
import threading

import sqlalchemy as sa

from mokanda_relay.bell import Bell
from mokanda_relay.store import clock
from mokanda_relay.store.blob_store import BlobNotFoundError, BlobStore
from mokanda_relay.store.database import Database
from mokanda_relay.transport import outbox
from mokanda_relay.transport.outbound import Intent, NotTaken, Outcome, Refused, Transport
from mokanda_wire.message import parse

_POLL_INTERVAL = 30.0  # seconds, at most: another process may have put mail into the outbox
_RETRY_INTERVAL = 1.0  # seconds

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
        outcome = self._send(intent)
        self._settle(intent, outcome)
        log.info("outbound mail=%s to=%d %s", intent.id, len(intent.recipients), outcome)
        return True

    def _send(self, intent: Intent) -> Outcome:
        try:
            raw = self._originals.read(intent.digest)
        except BlobNotFoundError:
            return NotTaken("its file is not there")
        limit = self._transport.max_bytes
        if len(raw) > limit:
            return Refused(f"it has {len(raw)} bytes, and at most {limit} can be sent")
        return self._transport.send(intent, *parse(raw))

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
