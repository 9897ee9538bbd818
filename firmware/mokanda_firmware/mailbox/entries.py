# SPDX-License-Identifier: Apache-2.0
"""Who has which mail in which folder."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mokanda_firmware.mailbox import drafts, messages
from mokanda_firmware.mailbox.store import Store
from mokanda_wire.message import Attachment, Mailbox, Message


@dataclass(frozen=True, slots=True)
class Line:
    """An entry as a list shows it, read without its body; ``at`` is seconds since 1970."""

    id: int
    unread: bool
    at: int
    sender: Mailbox
    to: tuple[Mailbox, ...]
    subject: str
    attachments: int
    size: int


@dataclass(frozen=True, slots=True)
class Page:
    """Some lines of a folder, the latest first, and where the pages beside it begin."""

    lines: list[Line]
    newer: int | None  # pass as ``after``
    older: int | None  # pass as ``before``


@dataclass(frozen=True, slots=True)
class Delivery:
    """How far a mail came for one recipient; ``at`` is seconds since 1970."""

    address: str
    state: str
    reason: str
    at: int


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail that is open, and what its reader may know of it."""

    entry: int
    folder: str
    origin: str
    unread: bool
    at: int
    message: Message
    arrived: tuple[bool, ...]  # for each attachment: whether its content is here
    deliveries: tuple[Delivery, ...]  # of a mail written by its reader
    waits_because: str


def page(
    store: Store,
    account: int,
    folder: str,
    *,
    before: int | None = None,
    after: int | None = None,
    limit: int = 20,
) -> Page:
    """Return the ``limit`` lines of a folder next to an entry, or its first ones."""
    bound, order, edge = "", "DESC", 0
    if before is not None:
        bound, edge = "AND entry.id < :edge", before
    elif after is not None:
        bound, order, edge = "AND entry.id > :edge", "ASC", after
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT entry.id, unread, at, sender_address, sender_name, recipients, subject,"  # noqa: S608
            " attachments, size FROM entry JOIN message ON message.id = entry.message"
            f" WHERE account = :account AND folder = :folder {bound}"
            f" ORDER BY entry.id {order} LIMIT :limit",
            {"account": account, "folder": folder, "edge": edge, "limit": limit},
        ).fetchall()
        rows.sort(key=lambda row: -row["id"])
        newer = older = None
        if rows:
            ends = {"account": account, "folder": folder, "a": rows[0]["id"], "b": rows[-1]["id"]}
            beside = connection.execute(
                "SELECT EXISTS (SELECT 1 FROM entry"
                " WHERE account = :account AND folder = :folder AND id > :a),"
                " EXISTS (SELECT 1 FROM entry"
                " WHERE account = :account AND folder = :folder AND id < :b)",
                ends,
            ).fetchone()
            newer = ends["a"] if beside[0] else None
            older = ends["b"] if beside[1] else None
    return Page([_line(row) for row in rows], newer, older)


def unread(store: Store, account: int) -> dict[str, int]:
    """Count the unread entries of each folder that has any."""
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT folder, count(*) FROM entry WHERE account = ? AND unread GROUP BY folder",
            (account,),
        )
        return dict(tuple(row) for row in rows)


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
                "SELECT reason FROM outgoing WHERE message = ?", number
            ).fetchone()
    return Letter(
        row["id"],
        row["folder"],
        row["origin"],
        bool(row["unread"]),
        row["at"],
        message,
        tuple(store.attachments.path(part.digest).exists() for part in message.attachments),
        deliveries,
        "" if outgoing is None else outgoing["reason"],
    )


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


def mark_read(store: Store, account: int, entry: int) -> None:
    """Note that the account has opened this entry."""
    with store.transaction() as connection:
        connection.execute(
            "UPDATE entry SET unread = 0 WHERE id = ? AND account = ?", (entry, account)
        )


def deliver(
    connection: sqlite3.Connection, message: Message, recipients: Sequence[str]
) -> list[str]:
    """Put ``message`` into the inbox of each recipient; return those nobody here answers to.

    A mail that its reader has had already, even one moved to the trash, does not come again.
    """
    found = {recipient: _account(connection, recipient) for recipient in recipients}
    readers = [account for account in found.values() if account is not None]
    if readers:
        number = messages.insert(connection, message)
        _enter(connection, number, readers)
    return [recipient for recipient, account in found.items() if account is None]


def submit(
    store: Store,
    account: int,
    message: Message,
    here: Sequence[str],
    outside: Sequence[str],
    draft: int | None = None,
) -> list[str]:
    """Take a mail that ``account`` wrote: ``here`` get it at once, ``outside`` by the courier.

    All happens, the end of its ``draft`` among it, or nothing. When an address of ``here`` is
    nobody's, nothing happens, and the list returned names it. A mail taken before under the same
    Message-ID is not taken again: a phone repeats a form whose answer it did not get.

    Raises:
        StoreError: or one of its kinds; the mail has not been taken.
    """
    with store.transaction() as connection:
        found = {address: _account(connection, address) for address in here}
        nobody = [address for address, reader in found.items() if reader is None]
        if nobody:
            return nobody
        if draft is not None:
            drafts.discard(connection, account, draft)
        if _was_taken(connection, account, message.message_id):
            return []
        now = messages.now()
        number = messages.insert(connection, message)
        _enter(connection, number, [reader for reader in found.values() if reader is not None])
        connection.execute(
            "INSERT INTO entry (account, message, origin, folder, unread, at)"
            " VALUES (?, ?, 'written', ?, 0, ?)",
            (account, number, "outbox" if outside else "sent", now),
        )
        states = {**dict.fromkeys(here, "delivered"), **dict.fromkeys(outside, "waiting")}
        connection.executemany(
            "INSERT INTO delivery (message, address, state, at) VALUES (?, ?, ?, ?)",
            [(number, address, state, now) for address, state in states.items()],
        )
        if outside:
            connection.execute(
                "INSERT INTO outgoing (message, state, queued) VALUES (?, 'waiting', ?)",
                (number, now),
            )
    return []


def _enter(connection: sqlite3.Connection, number: int, readers: Sequence[int]) -> None:
    connection.executemany(
        "INSERT INTO entry (account, message, origin, folder, unread, at)"
        " VALUES (?, ?, 'received', 'inbox', 1, ?) ON CONFLICT DO NOTHING",
        [(reader, number, messages.now()) for reader in readers],
    )


def _was_taken(connection: sqlite3.Connection, account: int, message_id: str) -> bool:
    row = connection.execute(
        "SELECT 1 FROM message JOIN entry ON entry.message = message.id"
        " WHERE message_id = ? AND account = ? AND origin = 'written'",
        (message_id, account),
    ).fetchone()
    return row is not None


def _line(row: Mapping[str, Any]) -> Line:
    return Line(
        row["id"],
        bool(row["unread"]),
        row["at"],
        Mailbox(row["sender_address"], row["sender_name"]),
        messages.people_from_json(json.loads(row["recipients"])["to"]),
        row["subject"],
        row["attachments"],
        row["size"],
    )


def _account(connection: sqlite3.Connection, address: str) -> int | None:
    name = address.partition("@")[0].partition("+")[0].lower()
    row = connection.execute("SELECT id FROM account WHERE name = ?", (name,)).fetchone()
    return None if row is None else int(row["id"])
