# SPDX-License-Identifier: Apache-2.0
"""The mails to those who are told that there is nobody whom they have written to."""

from __future__ import annotations

import sqlalchemy as sa

from mokanda_relay.store.blob_store import BlobStore
from mokanda_relay.store.database import Database
from mokanda_relay.store.tables import Returned
from mokanda_relay.transport import outbox
from mokanda_relay.transport.down_queue import record_original
from mokanda_wire.compose import compose
from mokanda_wire.message import Mailbox, Message

_TEXT = """\
Your letter to {recipient} could not be delivered:
nobody in this village has this address. Please check how it is written.

Votre lettre à {recipient} n'a pas pu être remise :
personne dans ce village n'a cette adresse. Veuillez vérifier comment elle s'écrit.
"""


def post_waiting(database: Database, originals: BlobStore) -> None:
    """Write to those who are to be told, each in a transaction of its own.

    Raises:
        OSError: a mail cannot be kept now; it is written another time.
    """
    with database.reading() as session:
        waiting = session.scalars(
            sa.select(Returned).where(Returned.is_posted.is_(False)).order_by(Returned.id)
        ).all()
    for row in waiting:
        digest, size = originals.write_by_digest([compose(_message(row), {})])
        with database.transaction() as session:
            record_original(session, digest, size)
            outbox.post_own(session, row.device_id, f"returned {row.id}", digest, [row.address])
            session.execute(sa.update(Returned).where(Returned.id == row.id).values(is_posted=True))


def _message(row: Returned) -> Message:
    domain = row.recipient.rpartition("@")[2]
    return Message(
        message_id=f"returned-{row.id}-{int(row.at.timestamp())}@{domain}",
        date=row.at.replace(microsecond=0),
        sender=Mailbox(f"postmaster@{domain}"),
        to=(Mailbox(row.address),),
        cc=(),
        subject="Not delivered / Non remise",
        text=_TEXT.format(recipient=row.recipient),
        in_reply_to=row.message_id,
        references=(row.message_id,) if row.message_id else (),
        automatic=True,
    )
