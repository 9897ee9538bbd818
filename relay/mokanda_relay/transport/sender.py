# SPDX-License-Identifier: Apache-2.0
"""The workers that empty the outbox."""

from __future__ import annotations

import logging
import threading

import sqlalchemy as sa

from mokanda_relay.relay import Relay
from mokanda_relay.store import alerts
from mokanda_relay.store.blob_store import BlobNotFoundError
from mokanda_relay.transport import outbox
from mokanda_relay.transport.sendgrid import SendGrid
from mokanda_wire.message import parse

_LOOK_AGAIN = 30.0  # seconds, at most: another process may have put mail into the outbox
_SETTLE_AGAIN = 1.0  # seconds

log = logging.getLogger(__name__)


class Sender(threading.Thread):
    """Takes up what is due, sends it, and settles it; any number may run."""

    def __init__(self, relay: Relay, stopping: threading.Event) -> None:
        """Run until `stopping` is set; a request under way is finished."""
        super().__init__(name="sender", daemon=True)
        self._relay = relay
        self._stopping = stopping
        self._sendgrid = SendGrid(relay.settings.sendgrid_key, relay.settings.sendgrid_host)

    def run(self) -> None:
        """Work until told to stop."""
        bell = self._relay.outbox_bell
        while not self._stopping.is_set():
            rings = bell.rings()
            try:
                pause = 0.0 if self.send_one() else self._until_next()
            except Exception:
                log.exception("sending failed")
                pause = _LOOK_AGAIN
            if pause:
                bell.wait(rings, pause)

    def send_one(self) -> bool:
        """Send the mail that is due first; returns whether there was one."""
        with self._relay.database.transaction() as session:
            intent = outbox.take(session)
        if intent is None:
            return False
        outcome: outbox.Outcome
        try:
            raw = self._relay.originals.read(intent.digest)
        except BlobNotFoundError:
            outcome = outbox.NotTaken("its file is not there")
        else:
            outcome = self._sendgrid.send(intent.id, intent.recipients, *parse(raw))
        self._settle(intent, outcome)
        log.info("outbound mail=%s to=%d %s", intent.id, len(intent.recipients), outcome)
        return True

    def _settle(self, intent: outbox.Intent, outcome: outbox.Outcome) -> None:
        """Record the outcome, however long the disk is full: forgotten, it would be sent again."""
        while True:
            try:
                with self._relay.database.transaction() as session:
                    outbox.settle(session, intent.id, outcome)
            except (OSError, sa.exc.OperationalError) as error:
                log.warning("outbound mail=%s cannot be settled yet: %s", intent.id, error)
                if self._stopping.wait(_SETTLE_AGAIN):
                    raise
            else:
                return

    def _until_next(self) -> float:
        with self._relay.database.reading() as session:
            due = outbox.next_due(session)
        seconds = (due - alerts.now()).total_seconds() if due else _LOOK_AGAIN
        return min(max(seconds, 0.01), _LOOK_AGAIN)
