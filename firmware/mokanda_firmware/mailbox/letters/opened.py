# SPDX-License-Identifier: Apache-2.0
"""One letter, open: all that its reader may see of it."""

import sqlite3
from typing import NamedTuple

from mokanda_firmware.mailbox.letters.moments import written_at
from mokanda_firmware.mailbox.store import content_requests, messages
from mokanda_firmware.mailbox.store.attachments import as_it_was
from mokanda_firmware.mailbox.store.content_requests import Progress
from mokanda_firmware.mailbox.store.database import Store
from mokanda_wire.message import Attachment, Mailbox, Message

_HEADERS = 3000  # bytes of a mail that are in none of its parts, more or less


class Delivery(NamedTuple):
    """How far a mail came for one recipient; `at` is seconds since 1970."""

    address: str
    state: str
    reason: str
    at: int


class File(NamedTuple):
    """A file of a letter: as it was, what of it is here, and whether more was asked for."""

    whole: Attachment
    here: Attachment | None
    request: Progress | None

    @property
    def is_whole(self) -> bool:
        """Whether all of it is here."""
        return self.here == self.whole


class Awaited(NamedTuple):
    """What of a mail is at the relay: bytes to fetch, and how far a request for it has come."""

    ticket: str
    size: int
    request: Progress | None


class Letter(NamedTuple):
    """A mail that is open; it came `at`, and was written at `date`, seconds since 1970."""

    entry: int
    folder: str
    came_from: str
    origin: str
    unread: bool
    starred: bool
    at: int
    date: int
    from_outside: bool  # it came through the relay, whoever it says has written it
    message: Message
    files: tuple[File, ...]
    stub: Awaited | None  # nothing but the head of the mail is here
    original: Awaited | None  # the mail as it came from the world, which the relay has
    original_digest: str  # "" until that is here
    newsletter: Awaited | None  # what the relay can unsubscribe its reader from
    deliveries: tuple[Delivery, ...]  # of a mail written by its reader
    waiting: bool  # in the outbox, in no bundle yet
    waits_because: str


class Other(NamedTuple):
    """Another letter of the same conversation, written at `date`, seconds since 1970."""

    entry: int
    sender: Mailbox
    from_outside: bool
    unread: bool
    date: int


def read(store: Store, account: int, entry: int) -> Letter | None:
    """Open an entry if it is the account's own."""
    with store.reading() as connection:
        row = connection.execute(
            f"SELECT entry.*, ticket, original, {messages.WRITTEN_HERE} AS written_here"  # noqa: S608
            " FROM entry JOIN message ON message.id = entry.message"
            " WHERE entry.id = ? AND account = ?",
            (entry, account),
        ).fetchone()
        if row is None:
            return None
        number, message = row["message"], messages.load(connection, row["message"])
        stub = _stub(connection, number)
        has_original = row["ticket"] and stub is None
        written = row["origin"] == "written"
        can_unsubscribe = message.can_unsubscribe and has_original and not written
        outgoing = _outgoing(connection, number) if written else None
        return Letter(
            entry=row["id"],
            folder=row["folder"],
            came_from=row["came_from"],
            origin=row["origin"],
            unread=bool(row["unread"]),
            starred=bool(row["starred"]),
            at=row["at"],
            date=written_at(int(message.date.timestamp()), row["at"]),
            from_outside=not row["written_here"],
            message=message,
            files=tuple(_file(store, connection, part) for part in message.attachments),
            stub=stub,
            original=_original(connection, row["ticket"], message) if has_original else None,
            original_digest=row["original"],
            newsletter=_newsletter(connection, row["ticket"]) if can_unsubscribe else None,
            deliveries=_deliveries(connection, number) if written else (),
            waiting=outgoing is not None and outgoing["state"] == "waiting",
            waits_because="" if outgoing is None else outgoing["reason"],
        )


def conversation(store: Store, account: int, entry: int, limit: int = 50) -> list[Other]:
    """Return the letters around this one, the latest first; those in the trash are left out."""
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT other.id, other.unread, other.at, date, sender_address, sender_name,"  # noqa: S608
            f" {messages.WRITTEN_HERE} AS written_here FROM entry JOIN entry AS other"
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
                not row["written_here"],
                bool(row["unread"]),
                written_at(row["date"], row["at"]),
            )
            for row in rows
        ]


def file(store: Store, account: int, entry: int, position: int) -> File | None:
    """Return this file if its mail is in a folder of the account."""
    with store.reading() as connection:
        row = connection.execute(
            f"SELECT {messages.ATTACHMENT} FROM attachment"  # noqa: S608 - constants
            " JOIN entry ON entry.message = attachment.message"
            " WHERE entry.id = ? AND entry.account = ? AND position = ?",
            (entry, account, position),
        ).fetchone()
        return None if row is None else _file(store, connection, Attachment(**dict(row)))


def _stub(connection: sqlite3.Connection, message: int) -> Awaited | None:
    row = connection.execute(
        "SELECT ticket, size FROM stub WHERE message = ?", (message,)
    ).fetchone()
    if row is None:
        return None
    request = content_requests.progress(connection, "mail", row["ticket"])
    return Awaited(row["ticket"], row["size"], request)


def _original(connection: sqlite3.Connection, ticket: str, message: Message) -> Awaited:
    request = content_requests.progress(connection, "original", ticket)
    return Awaited(ticket, _size_of_original(message), request)


def _newsletter(connection: sqlite3.Connection, ticket: str) -> Awaited:
    return Awaited(ticket, 0, content_requests.progress(connection, "unsubscribe", ticket))


def _deliveries(connection: sqlite3.Connection, message: int) -> tuple[Delivery, ...]:
    rows = connection.execute(
        "SELECT address, state, reason, at FROM delivery WHERE message = ?", (message,)
    )
    return tuple(Delivery(**dict(row)) for row in rows)


def _outgoing(connection: sqlite3.Connection, message: int) -> sqlite3.Row | None:
    row: sqlite3.Row | None = connection.execute(
        "SELECT state, reason FROM outgoing WHERE message = ?", (message,)
    ).fetchone()
    return row


def _file(store: Store, connection: sqlite3.Connection, part: Attachment) -> File:
    whole = as_it_was(part)
    request = content_requests.progress(connection, "file", whole.digest)
    return File(whole, store.attachments.here(part), request)


def _size_of_original(message: Message) -> int:
    """Guess the bytes of a mail as it came: its text, and its files as MIME writes them."""
    files = sum(part.original_size or part.size for part in message.attachments)
    return len(message.text.encode()) + files * 4 // 3 + _HEADERS
