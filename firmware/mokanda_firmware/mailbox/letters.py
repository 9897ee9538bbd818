# SPDX-License-Identifier: Apache-2.0
"""One letter, open: all that its reader may see of it."""

from dataclasses import dataclass

from mokanda_firmware.mailbox import messages
from mokanda_firmware.mailbox.store import Store
from mokanda_wire.message import Attachment, Mailbox, Message


@dataclass(frozen=True, slots=True)
class Delivery:
    """How far a mail came for one recipient; ``at`` is seconds since 1970."""

    address: str
    state: str
    reason: str
    at: int


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail that is open; ``at`` is seconds since 1970."""

    entry: int
    folder: str
    came_from: str
    origin: str
    unread: bool
    at: int
    message: Message
    arrived: tuple[bool, ...]  # for each attachment: whether its content is here
    deliveries: tuple[Delivery, ...]  # of a mail written by its reader
    waiting: bool  # in the outbox, in no bundle yet
    waits_because: str


@dataclass(frozen=True, slots=True)
class Other:
    """Another letter of the same conversation; ``at`` is seconds since 1970."""

    entry: int
    sender: Mailbox
    unread: bool
    at: int


def read(store: Store, account: int, entry: int) -> Letter | None:
    """Open an entry if it is the account's own."""
    with store.reading() as connection:
        row = connection.execute(
            "SELECT * FROM entry WHERE id = ? AND account = ?", (entry, account)
        ).fetchone()
        if row is None:
            return None
        message = messages.load(connection, row["message"])
        deliveries: tuple[Delivery, ...] = ()
        outgoing = None
        if row["origin"] == "written":
            number = (row["message"],)
            deliveries = tuple(
                Delivery(**dict(one))
                for one in connection.execute(
                    "SELECT address, state, reason, at FROM delivery WHERE message = ?", number
                )
            )
            outgoing = connection.execute(
                "SELECT state, reason FROM outgoing WHERE message = ?", number
            ).fetchone()
    return Letter(
        entry=row["id"],
        folder=row["folder"],
        came_from=row["came_from"],
        origin=row["origin"],
        unread=bool(row["unread"]),
        at=row["at"],
        message=message,
        arrived=tuple(store.attachments.path(part.digest).exists() for part in message.attachments),
        deliveries=deliveries,
        waiting=outgoing is not None and outgoing["state"] == "waiting",
        waits_because="" if outgoing is None else outgoing["reason"],
    )


def conversation(store: Store, account: int, entry: int, limit: int = 50) -> list[Other]:
    """Return the letters around this one, the latest first; those in the trash are left out."""
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT other.id, other.unread, other.at, sender_address, sender_name"
            " FROM entry JOIN entry AS other"
            " ON other.account = entry.account AND other.thread = entry.thread"
            " JOIN message ON message.id = other.message"
            " WHERE entry.id = ? AND entry.account = ? AND other.folder <> 'trash'"
            " AND (other.message <> entry.message OR other.id = entry.id)"
            " ORDER BY other.id DESC LIMIT ?",
            (entry, account, limit),
        )
        return [
            Other(
                row["id"],
                Mailbox(row["sender_address"], row["sender_name"]),
                bool(row["unread"]),
                row["at"],
            )
            for row in rows
        ]


def attachment(store: Store, account: int, entry: int, position: int) -> Attachment | None:
    """Return this attachment if its mail is in a folder of the account."""
    with store.reading() as connection:
        row = connection.execute(
            "SELECT name, media_type, digest, size, content_id FROM attachment"
            " JOIN entry ON entry.message = attachment.message"
            " WHERE entry.id = ? AND entry.account = ? AND position = ?",
            (entry, account, position),
        ).fetchone()
    return None if row is None else Attachment(**dict(row))
