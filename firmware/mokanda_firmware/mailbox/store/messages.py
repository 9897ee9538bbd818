# SPDX-License-Identifier: Apache-2.0
"""Mails as rows: put in, taken out, removed; all inside the caller's transaction."""

import hashlib
import json
import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime

from mokanda_firmware.mailbox.store import content_requests, damage, subjects
from mokanda_wire.message import Attachment, Mailbox, Message

# Fields that are younger than mails that may come a second time.
_YOUNGER = ("automatic", "note", "proof", "list_post", "others", "can_unsubscribe")
# The columns that make an Attachment.
ATTACHMENT = "name, media_type, digest, size, content_id, original, original_size"

# Whether a row of `message` was written on this device: no other letter has deliveries.
WRITTEN_HERE = "EXISTS (SELECT 1 FROM delivery WHERE delivery.message = message.id)"


def insert(connection: sqlite3.Connection, message: Message) -> int:
    """Store `message` unless the very same mail is there; return its number.

    A mail that only has the Message-ID of another is not the same mail: its sender could make it
    show what others were sent.
    """
    content = message.by_names()
    for younger in _YOUNGER:
        del content[younger]
    digest = hashlib.sha256(json.dumps(content, default=str, sort_keys=True).encode()).digest()
    known = connection.execute("SELECT id FROM message WHERE digest = ?", (digest,)).fetchone()
    if known is not None:
        return int(known["id"])
    number = _insert_head(connection, digest, message)
    connection.execute(
        "INSERT INTO body (message, text, html) VALUES (?, ?, ?)",
        (number, message.text, message.html),
    )
    connection.executemany(
        f"INSERT INTO attachment (message, position, {ATTACHMENT}) VALUES (:message, :position,"  # noqa: S608
        " :name, :media_type, :digest, :size, :content_id, :original, :original_size)",
        [
            {"message": number, "position": position, **part._asdict()}
            for position, part in enumerate(message.attachments)
        ],
    )
    connection.execute(
        "INSERT INTO search (rowid, subject, people, text, files)"
        " SELECT id, subject, people, text, files FROM searchable WHERE id = ?",
        (number,),
    )
    return number


def repeated(connection: sqlite3.Connection, message: Message) -> int | None:
    """Take a mail for one that came before under another name; return its number, None for none.

    Only a mail is meant that was here when the relay was found to have forgotten what it had sent.
    Its name is the new one from then on, by which the relay refers to it.
    """
    for number in same_head(connection, message):
        if is_stub(connection, number):
            continue
        if _content(load(connection, number)) == _content(message):
            connection.execute(
                "UPDATE message SET message_id = ? WHERE id = ?", (message.message_id, number)
            )
            return number
    return None


def same_head(connection: sqlite3.Connection, message: Message) -> list[int]:
    """Return the numbers of mails and stubs with this head that may come again."""
    rows = connection.execute(
        "SELECT id FROM message WHERE id <= (SELECT repeats_to FROM sync)"
        " AND date = ? AND sender_address = ? AND subject = ?"
        " AND NOT EXISTS (SELECT 1 FROM outgoing WHERE outgoing.message = message.id)",
        (int(message.date.timestamp()), message.sender.address, message.subject),
    )
    return [row["id"] for row in rows]


def is_stub(connection: sqlite3.Connection, number: int) -> bool:
    """Whether this letter stands for a mail that waits at the relay."""
    found = connection.execute("SELECT 1 FROM stub WHERE message = ?", (number,)).fetchone()
    return found is not None


def _content(message: Message) -> tuple[object, ...]:
    """What is in a mail, whatever it and those before it are called by."""
    return (
        *(message.sender, message.to, message.cc, message.reply_to),
        *(message.text, message.html),
        # A photo may be smaller the second time.
        [(part.name, part.original or part.digest) for part in message.attachments],
    )


def _insert_head(connection: sqlite3.Connection, digest: bytes, message: Message) -> int:
    """Store all of a mail that a list shows."""
    number = connection.execute(
        "INSERT INTO message (digest, message_id, thread, date, sender_address, sender_name,"
        " recipients, subject, in_reply_to, reference_ids, attachments, size, automatic, note,"
        " proof, list_post, others, can_unsubscribe)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            digest,
            message.message_id,
            _thread(connection, message),
            int(message.date.timestamp()),
            message.sender.address,
            message.sender.name,
            _people_to_json(to=message.to, cc=message.cc, reply_to=message.reply_to),
            message.subject,
            message.in_reply_to,
            json.dumps(message.references),
            len(message.attachments),
            size(message),
            message.automatic,
            message.note,
            message.proof,
            message.list_post,
            message.others,
            message.can_unsubscribe,
        ),
    ).lastrowid
    assert number is not None
    return number


def add_origin(connection: sqlite3.Connection, ticket: str, known: Message) -> None:
    """Add to the mail of a ticket what came to be known of who has written it."""
    connection.execute(
        "UPDATE message SET proof = proof || ?, list_post = list_post || ?, others = others + ?,"
        " can_unsubscribe = can_unsubscribe OR ? WHERE ticket = ?",
        (known.proof, known.list_post, known.others, known.can_unsubscribe, ticket),
    )


def load(connection: sqlite3.Connection, number: int) -> Message:
    """Return the mail of this number; raises KeyError when there is none."""
    row = connection.execute(
        "SELECT * FROM message JOIN body ON body.message = message.id WHERE id = ?", (number,)
    ).fetchone()
    if row is None:
        raise KeyError(number)
    people = people_of(row["recipients"])
    return Message(
        message_id=row["message_id"],
        date=datetime.fromtimestamp(row["date"], UTC),
        sender=Mailbox(row["sender_address"], row["sender_name"]),
        to=people["to"],
        cc=people["cc"],
        subject=row["subject"],
        text=row["text"],
        html=row["html"],
        reply_to=people["reply_to"],
        in_reply_to=row["in_reply_to"],
        references=_references(row["reference_ids"]),
        attachments=attachments(connection, number),
        automatic=bool(row["automatic"]),
        note=row["note"],
        proof=row["proof"],
        list_post=row["list_post"],
        others=row["others"],
        can_unsubscribe=bool(row["can_unsubscribe"]),
    )


def attachments(connection: sqlite3.Connection, number: int) -> tuple[Attachment, ...]:
    """Return what is attached to the mail of this number."""
    rows = connection.execute(
        f"SELECT {ATTACHMENT} FROM attachment WHERE message = ? ORDER BY position",  # noqa: S608
        (number,),
    )
    return tuple(Attachment(**dict(row)) for row in rows)


def remove_unwanted(connection: sqlite3.Connection, numbers: Iterable[int]) -> None:
    """Remove the mails of these numbers that are in nobody's folders and on no way out."""
    for number in numbers:
        wanted = connection.execute(
            "SELECT EXISTS (SELECT 1 FROM entry WHERE message = :n) OR"
            " EXISTS (SELECT 1 FROM outgoing WHERE message = :n AND state <> 'sent')",
            {"n": number},
        ).fetchone()[0]
        if not wanted:
            content_requests.withdraw_all(connection, number)
            _forget_words(connection, number)
            connection.execute("DELETE FROM message WHERE id = ?", (number,))


def _forget_words(connection: sqlite3.Connection, number: int) -> None:
    """Take a mail out of the index of words: of one that is damaged it has other words, and stays.

    Searching finds letters that are there, and mending makes the index anew.
    """
    try:
        connection.execute(
            "INSERT INTO search (search, rowid, subject, people, text, files)"
            " SELECT 'delete', id, subject, people, text, files FROM searchable WHERE id = ?",
            (number,),
        )
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_CORRUPT_VTAB:
            raise
        damage.note("the mail store has a letter that is not the one of its index")


def size(message: Message) -> int:
    """Return the bytes of text, HTML and attachments."""
    text = len(message.text.encode()) + len(message.html.encode())
    return text + sum(part.size for part in message.attachments)


def people_from_json(people: list[list[str]]) -> tuple[Mailbox, ...]:
    """Read a list of mailboxes as the store keeps it."""
    return tuple(Mailbox(address, name) for address, name in people)


def people_of(recipients: str) -> dict[str, tuple[Mailbox, ...]]:
    """Read whom a mail is for; where that is damaged it is for nobody."""
    parts = ("to", "cc", "reply_to")
    try:
        people = json.loads(recipients)
        return {part: people_from_json(people.get(part, [])) for part in parts}
    except (AttributeError, TypeError, ValueError):
        damage.note("the mail store has a letter whose recipients are damaged")
        return dict.fromkeys(parts, ())


def _references(text: str) -> tuple[str, ...]:
    try:
        return tuple(json.loads(text))
    except (TypeError, ValueError):
        damage.note("the mail store has a letter whose references are damaged")
        return ()


def _people_to_json(**people: tuple[Mailbox, ...]) -> str:
    lists = {part: [[one.address, one.name] for one in many] for part, many in people.items()}
    return json.dumps(lists, ensure_ascii=False)


def _thread(connection: sqlite3.Connection, message: Message) -> str:
    """Name the conversation by its first mail, so that the order of arrival does not matter."""
    ancestors = [*message.references, message.in_reply_to]
    for ancestor in reversed(ancestors):
        row = connection.execute(
            "SELECT thread FROM message WHERE message_id = ? LIMIT 1", (ancestor,)
        ).fetchone()
        if ancestor and row is not None:
            return str(row["thread"])
    return next(
        (ancestor for ancestor in ancestors if ancestor),
        _thread_of_subject(connection, message) or message.message_id,
    )


def _thread_of_subject(connection: sqlite3.Connection, message: Message) -> str:
    """Find what a letter answers whose writer's program names no ancestors, by its subject."""
    base = subjects.bare(message.subject)
    if base == message.subject or not base:
        return ""
    row = connection.execute(
        "SELECT thread FROM message WHERE subject IN (?, ?)"
        " AND (sender_address = ? OR instr(recipients, ?)) ORDER BY id DESC LIMIT 1",
        (base, f"Re: {base}", message.sender.address, f'["{message.sender.address}",'),
    ).fetchone()
    return "" if row is None else str(row["thread"])
