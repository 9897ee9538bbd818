# SPDX-License-Identifier: Apache-2.0
"""The seam to where mail from the world comes in, and what becomes of it here.

It is routed by its envelope alone. It is durable before it counts as accepted, the same mail again
changes nothing, and what cannot be delivered is recorded and accepted all the same: to try again
would not help it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.orm import Session

from mokanda_relay.bell import Bell
from mokanda_relay.mime.parse import HEAD, attached_whole
from mokanda_relay.store.blob_store import BlobStore
from mokanda_relay.store.database import Database
from mokanda_relay.transport import outbox, returned, undeliverable
from mokanda_relay.transport.dns import DnsSetup
from mokanda_relay.transport.down_queue import deliver, device_of
from mokanda_relay.transport.proof import Checks
from mokanda_relay.transport.untold import Writer
from mokanda_relay.transport.webhook import Webhook
from mokanda_wire.address import AddressError, parse_address
from mokanda_wire.message import EPOCH

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Envelope:
    """The SMTP envelope of a mail: its sender, "" for a bounce, and each recipient once.

    `checks` are what the source has found of who wrote the mail.
    """

    sender: str
    recipients: tuple[str, ...]
    checks: Checks


@dataclass(frozen=True, slots=True)
class StoredMail:
    """A raw mail among the originals: its SHA-256 in hexadecimal, and its size in bytes."""

    digest: str
    size: int


class Intake:
    """Takes mail from the world for the villages.

    In two steps, as some sources learn of the envelope only after the mail. A mail that is stored
    and never accepted is an orphan, which the housekeeper deletes.
    """

    def __init__(self, database: Database, originals: BlobStore, bell: Bell) -> None:
        """Deliver to the queues in `database`, and ring the bell for each mail."""
        self._database = database
        self._originals = originals
        self._bell = bell

    def store(self, chunks: Iterable[bytes]) -> StoredMail:
        """Store a raw mail, durably; never all of it in memory.

        Raises:
            OSError: it cannot be stored now.
        """
        return StoredMail(*self._originals.write_by_digest(chunks))

    def accept(self, envelope: Envelope, mail: StoredMail) -> None:
        """Queue a stored mail for its recipients; it is the relay's own when this returns.

        A mail of the villages' own that comes back to a villager who has it goes no further.

        Raises:
            OSError: it cannot be read now.
            sqlalchemy.exc.OperationalError: the database does not answer now.
        """
        with self._originals.open(mail.digest) as raw:
            message = attached_whole(raw.read(HEAD), mail.digest, mail.size, EPOCH)
        with self._database.transaction() as session:
            writer = Writer(
                envelope.sender,
                message_id=message.message_id,
                may_be_told=returned.may_be_told(
                    session, envelope.sender, envelope.checks, message
                ),
            )
            for recipient in envelope.recipients:
                if outbox.is_copy(session, message.message_id, recipient):
                    log.info("inbound mail=%s is ours, %s has it", mail.digest[:12], recipient)
                else:
                    _deliver(session, envelope, writer, recipient, mail)
        self._bell.ring()


def _deliver(
    session: Session, envelope: Envelope, writer: Writer, recipient: str, mail: StoredMail
) -> None:
    sender = envelope.sender
    try:
        address = parse_address(recipient)
    except AddressError:
        undeliverable.record(session, sender, recipient, "unknown village", None)
        return
    outcome = deliver(session, address, mail.digest, mail.size, envelope.checks, waits_from=writer)
    if outcome == "queued":
        log.info("inbound mail=%s size=%d to=%s", mail.digest[:12], mail.size, recipient)
    else:
        device = device_of(session, address)
        undeliverable.record(session, sender, recipient, outcome, device.id if device else None)


class InboundSource(Protocol):
    """A way by which mail from the world reaches the Intake that this was made with."""

    def webhooks(self) -> Sequence[Webhook]:
        """Those by which it is handed mail; none, if it listens itself."""

    def listening(self) -> AbstractContextManager[None]:
        """Within this block it takes in mail by itself, if that is its way.

        Raises:
            OSError: it cannot listen.
        """

    def dns(self, domain: str) -> DnsSetup:
        """What lets mail for this domain come here."""
