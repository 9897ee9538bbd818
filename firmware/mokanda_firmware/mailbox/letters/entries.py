# SPDX-License-Identifier: Apache-2.0
"""Who has which letter in which folder: putting them there, and moving them."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from mokanda_firmware.mailbox.letters import drafts
from mokanda_firmware.mailbox.people import aliases, contacts, unwanted, vacation
from mokanda_firmware.mailbox.store import clock, messages
from mokanda_firmware.mailbox.store.database import Store
from mokanda_wire.message import Mailbox, Message

_AT_ONCE = 100  # letters that are deleted in one transaction

Folder = Literal["inbox", "outbox", "sent", "archive", "trash"]


class TakenBack(NamedTuple):
    """A letter that did not leave, whom of the world outside it was for, and what it answers.

    `answers` is an entry of its writer's, None where there is none.
    """

    message: Message
    recipients: tuple[str, ...]
    answers: int | None


def deliver(
    connection: sqlite3.Connection,
    message: Message,
    recipients: Sequence[str],
    *,
    ticket: str = "",
    instead_of: int | None = None,
) -> list[str]:
    """Put `message` into the inbox of each recipient; return those nobody here answers to.

    A mail that its reader has had already, even one moved to the trash, does not come again. One
    that comes `instead_of` another takes that one's place, in whatever folder it is. What a reader
    has blocked, and the relay has not kept back, goes into the trash.
    `ticket` is what the relay calls the mail by.
    """
    found = {recipient: aliases.reader_of(connection, recipient) for recipient in recipients}
    if any(account is not None for account in found.values()):
        number = messages.repeated(connection, message)
        if number is None:
            number = messages.insert(connection, message)
        if ticket:
            connection.execute("UPDATE message SET ticket = ? WHERE id = ?", (ticket, number))
        for recipient, reader in found.items():
            if reader is None:
                continue
            if instead_of is not None:
                _replace(connection, reader, instead_of, number)
            if unwanted.is_blocked(connection, reader, message.sender.address):
                _enter(connection, reader, number, "received", "trash")
                continue
            _enter(connection, reader, number, "received", "inbox")
            _auto_reply(connection, reader, message, _domain(recipient))
        if instead_of == number:  # a mail may be as empty as its stub
            connection.execute("DELETE FROM stub WHERE message = ?", (number,))
        elif instead_of is not None:
            messages.remove_unwanted(connection, [instead_of])
    return [recipient for recipient, account in found.items() if account is None]


def nobody(connection: sqlite3.Connection, recipients: Sequence[str]) -> list[str]:
    """Return the addresses to which nobody here answers."""
    return [each for each in recipients if aliases.reader_of(connection, each) is None]


def readers(connection: sqlite3.Connection, recipients: Sequence[str]) -> list[int]:
    """Return the accounts that answer to these addresses, each once."""
    found = (aliases.reader_of(connection, recipient) for recipient in recipients)
    return list(dict.fromkeys(account for account in found if account is not None))


def was_taken(connection: sqlite3.Connection, account: int, message_id: str) -> bool:
    """Whether the account has written a mail with this Message-ID."""
    row = connection.execute(
        "SELECT 1 FROM message JOIN entry ON entry.message = message.id"
        " WHERE message_id = ? AND account = ? AND origin = 'written'",
        (message_id, account),
    ).fetchone()
    return row is not None


def submit(
    store: Store,
    account: int,
    message: Message,
    here: Sequence[str],
    outside: Sequence[str],
    draft: int | None = None,
) -> list[str]:
    """Take a mail that `account` wrote: `here` get it at once, `outside` by the courier.

    All happens, the end of its `draft` among it, or nothing. When an address of `here` is
    nobody's, nothing happens, and the list returned names it. A mail taken before under the same
    Message-ID is not taken again: a phone repeats a form whose answer it did not get.

    Raises:
        StoreError: or one of its kinds; the mail has not been taken.
    """
    with store.adding() as connection:
        found = {address: aliases.reader_of(connection, address) for address in here}
        nobody = [address for address, reader in found.items() if reader is None]
        if nobody:
            return nobody
        if draft is not None:
            drafts.discard(connection, account, draft)
        if was_taken(connection, account, message.message_id):
            return []
        _post(connection, account, message, here, outside)
        states = (*here, *outside)
        names = {one.address: one.name for one in (*message.to, *message.cc)}
        known = [Mailbox(address, names.get(address, "")) for address in states]
        contacts.record_letters(connection, account, known)
    return []


def _post(
    connection: sqlite3.Connection,
    account: int,
    message: Message,
    here: Sequence[str],
    outside: Sequence[str],
) -> None:
    """Put a mail of the account into the inboxes of those here, and on its way to the others."""
    now = clock.now()
    number = messages.insert(connection, message)
    for reader in readers(connection, here):
        _enter(connection, reader, number, "received", "inbox")
        _auto_reply(connection, reader, message, _domain(message.sender.address))
    _enter(connection, account, number, "written", "outbox" if outside else "sent")
    states = {**dict.fromkeys(here, "delivered"), **dict.fromkeys(outside, "waiting")}
    connection.executemany(
        "INSERT INTO delivery (message, address, state, at) VALUES (?, ?, ?, ?)",
        [(number, address, state, now) for address, state in states.items()],
    )
    if outside:
        connection.execute(
            "INSERT INTO outgoing (message, state, queued) VALUES (?, 'waiting', ?)", (number, now)
        )


def _auto_reply(connection: sqlite3.Connection, reader: int, message: Message, domain: str) -> None:
    """Send the automatic reply of who gets this mail, if there is one and it may be sent.

    `domain` is the village's.
    """
    reply = vacation.reply_to(connection, reader, message, domain)
    if reply is None or was_taken(connection, reader, reply.message_id):
        return
    address = reply.to[0].address
    if _domain(address) != domain:
        _post(connection, reader, reply, (), (address,))
    elif aliases.reader_of(connection, address) is not None:
        _post(connection, reader, reply, (address,), ())


def _domain(address: str) -> str:
    return address.lower().rpartition("@")[2]


def take_back(connection: sqlite3.Connection, account: int, entry: int) -> TakenBack | None:
    """Stop a letter of the account that still waits; None when it is on its way already.

    Villagers who have it keep it. The caller keeps what it gets in the same transaction.
    """
    row = connection.execute(
        "SELECT entry.message FROM entry JOIN outgoing ON outgoing.message = entry.message"
        " WHERE entry.id = ? AND account = ? AND folder = 'outbox' AND state = 'waiting'",
        (entry, account),
    ).fetchone()
    if row is None:
        return None
    number = row["message"]
    message = messages.load(connection, number)
    recipients = connection.execute(
        "SELECT address FROM delivery WHERE message = ? AND state = 'waiting'", (number,)
    )
    answered = connection.execute(
        "SELECT entry.id FROM entry JOIN message ON message.id = entry.message"
        " WHERE account = ? AND message_id = ? AND message_id <> ''",
        (account, message.in_reply_to),
    ).fetchone()
    taken = TakenBack(
        message,
        tuple(row["address"] for row in recipients),
        answered and int(answered["id"]),
    )
    connection.execute("DELETE FROM outgoing WHERE message = ?", (number,))
    _remove(connection, account, [entry])
    return taken


def move(store: Store, account: int, chosen: Iterable[int], folder: Folder) -> list[int]:
    """Move entries of the account to the archive or the trash; return the ones moved.

    What waits in the outbox stays: it is taken back, not thrown away.
    """
    with store.transaction() as connection:
        moved = [
            row
            for row in _own(connection, account, chosen)
            if row["folder"] not in {folder, "outbox"}
        ]
        for row in moved:
            connection.execute(
                "UPDATE entry SET folder = ?, came_from = folder, trashed = ?, unread = 0"
                " WHERE id = ?",
                (folder, clock.now() if folder == "trash" else None, row["id"]),
            )
        _find_newest(connection, account, {row["thread"] for row in moved})
        return [row["id"] for row in moved]


def take_out_of_trash(connection: sqlite3.Connection, account: int, number: int) -> None:
    """Put a letter that the account has asked for into its inbox, if it is in its trash."""
    connection.execute(
        "UPDATE entry SET folder = 'inbox', came_from = '', trashed = NULL"
        " WHERE account = ? AND message = ? AND folder = 'trash' AND origin = 'received'",
        (account, number),
    )
    _find_newest(connection, account, {_thread(connection, number)})


def put_back(store: Store, account: int, chosen: Iterable[int]) -> list[int]:
    """Undo `move`: return entries of the account to where they were."""
    with store.transaction() as connection:
        moved = [row for row in _own(connection, account, chosen) if row["came_from"]]
        for row in moved:
            connection.execute(
                "UPDATE entry SET folder = came_from, came_from = '', trashed = NULL WHERE id = ?",
                (row["id"],),
            )
        _find_newest(connection, account, {row["thread"] for row in moved})
        return [row["id"] for row in moved]


def delete(store: Store, account: int, chosen: Iterable[int] | None = None) -> int:
    """Delete entries of the account's trash for good, all of it for None; return how many."""
    with store.transaction() as connection:
        if chosen is None:
            trash = connection.execute(
                "SELECT id FROM entry WHERE account = ? AND folder = 'trash'", (account,)
            )
            return _remove(connection, account, [row["id"] for row in trash])
        own = _own(connection, account, chosen)
        return _remove(connection, account, [row["id"] for row in own if row["folder"] == "trash"])


def delete_all(connection: sqlite3.Connection, account: int) -> None:
    """Delete every entry of an account, inside the caller's transaction.

    What waits in its outbox does not leave any more: nobody could be told how it went.
    """
    connection.execute(
        "DELETE FROM outgoing WHERE state = 'waiting' AND message IN"
        " (SELECT message FROM entry WHERE account = ? AND origin = 'written')",
        (account,),
    )
    rows = connection.execute("SELECT id FROM entry WHERE account = ?", (account,))
    _remove(connection, account, [row["id"] for row in rows.fetchall()])


def delete_old_trash(store: Store, before: int) -> int:
    """Delete what came into a trash `before` this time; return how many entries."""
    removed = 0
    with store.transaction() as connection:
        rows = connection.execute(
            "SELECT account, id FROM entry WHERE folder = 'trash' AND trashed < ?",
            (before,),
        ).fetchall()
        for row in rows:
            removed += _remove(connection, row["account"], [row["id"]])
    return removed


def delete_every_trash(store: Store) -> int:
    """Delete for good what is in the trash of every account; return how many entries.

    Some at a time, as each transaction takes room first, and this is done where there is little.
    """
    removed = 0
    while True:
        with store.transaction() as connection:
            rows = connection.execute(
                "SELECT account, id FROM entry WHERE folder = 'trash' LIMIT ?", (_AT_ONCE,)
            ).fetchall()
            for row in rows:
                _remove(connection, row["account"], [row["id"]])
        if not rows:
            return removed
        removed += len(rows)


def of_conversations(store: Store, account: int, chosen: Iterable[int]) -> list[int]:
    """Return the entries that share conversation and folder with the chosen ones."""
    with store.reading() as connection:
        found: dict[int, None] = {}
        for row in _own(connection, account, chosen):
            rows = connection.execute(
                "SELECT id FROM entry WHERE account = ? AND thread = ? AND folder = ?",
                (account, row["thread"], row["folder"]),
            )
            found.update(dict.fromkeys(one["id"] for one in rows))
        return list(found)


def mark_read(store: Store, account: int, entry: int) -> None:
    """Note that the account has opened this entry."""
    with store.transaction() as connection:
        connection.execute(
            "UPDATE entry SET unread = 0 WHERE id = ? AND account = ?", (entry, account)
        )


def mark_unread(store: Store, account: int, chosen: Iterable[int]) -> None:
    """Show letters of the account as if it had not opened them."""
    with store.transaction() as connection:
        connection.executemany(
            "UPDATE entry SET unread = 1 WHERE id = ? AND account = ? AND origin = 'received'"
            " AND folder <> 'trash'",
            [(entry, account) for entry in chosen],
        )


def star(store: Store, account: int, chosen: Iterable[int], *, starred: bool) -> None:
    """Put a star on letters of the account, or take it away."""
    with store.transaction() as connection:
        connection.executemany(
            "UPDATE entry SET starred = ? WHERE id = ? AND account = ?",
            [(starred, entry, account) for entry in chosen],
        )


def _enter(
    connection: sqlite3.Connection, account: int, number: int, origin: str, folder: Folder
) -> None:
    connection.execute(
        "INSERT INTO entry"
        " (account, message, origin, folder, came_from, trashed, unread, at, thread)"
        " SELECT ?, id, ?, ?, ?, ?, ?, ?, thread FROM message WHERE id = ? ON CONFLICT DO NOTHING",
        (
            *(account, origin, folder),
            *(("inbox", clock.now()) if folder == "trash" else ("", None)),
            *(origin == "received" and folder != "trash", clock.now(), number),
        ),
    )
    thread = _thread(connection, number)
    _find_newest(connection, account, {thread})


def _replace(connection: sqlite3.Connection, account: int, stub: int, number: int) -> None:
    """Let a mail take the place of its stub, unread."""
    row = connection.execute(
        "SELECT id, thread FROM entry WHERE account = ? AND message = ? AND origin = 'received'",
        (account, stub),
    ).fetchone()
    if row is None:
        return
    thread = _thread(connection, number)
    connection.execute(
        "UPDATE OR REPLACE entry SET message = ?, thread = ?, unread = 1 WHERE id = ?",
        (number, thread, row["id"]),
    )
    _find_newest(connection, account, {row["thread"], thread})


def _thread(connection: sqlite3.Connection, number: int) -> str:
    """Return the conversation of a mail."""
    row = connection.execute("SELECT thread FROM message WHERE id = ?", (number,)).fetchone()
    return str(row["thread"])


def _find_newest(connection: sqlite3.Connection, account: int, threads: Iterable[str]) -> None:
    """Mark the newest letter of each conversation in each folder."""
    for thread in threads:
        connection.execute(
            "UPDATE entry SET newest = (id = (SELECT max(id) FROM entry AS other WHERE"
            " other.account = entry.account AND other.thread = entry.thread"
            " AND other.folder = entry.folder)) WHERE account = ? AND thread = ?",
            (account, thread),
        )


def _own(connection: sqlite3.Connection, account: int, chosen: Iterable[int]) -> list[sqlite3.Row]:
    rows = []
    for entry in dict.fromkeys(chosen):
        row = connection.execute(
            "SELECT id, folder, came_from, thread FROM entry WHERE id = ? AND account = ?",
            (entry, account),
        ).fetchone()
        if row is not None:
            rows.append(row)
    return rows


def _remove(connection: sqlite3.Connection, account: int, chosen: Sequence[int]) -> int:
    """Delete entries, and the letters that nobody has any more."""
    for entry in chosen:
        row = connection.execute(
            "DELETE FROM entry WHERE id = ? RETURNING message, thread", (entry,)
        ).fetchone()
        _find_newest(connection, account, {row["thread"]})
        messages.remove_unwanted(connection, [row["message"]])
    return len(chosen)
