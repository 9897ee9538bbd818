# SPDX-License-Identifier: Apache-2.0
"""Who has which mail in which folder."""

import sqlite3
from collections.abc import Sequence

from mokanda_firmware.mailbox import messages
from mokanda_firmware.mailbox.store import Store
from mokanda_wire.message import Message


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
    store: Store, account: int, message: Message, here: Sequence[str], outside: Sequence[str]
) -> list[str]:
    """Take a mail that ``account`` wrote: ``here`` get it at once, ``outside`` by the courier.

    All happens or nothing. When an address of ``here`` is nobody's, nothing happens, and the list
    returned names it.

    Raises:
        StoreError: or one of its kinds; the mail has not been taken.
    """
    with store.transaction() as connection:
        found = {address: _account(connection, address) for address in here}
        nobody = [address for address, reader in found.items() if reader is None]
        if nobody:
            return nobody
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


def _account(connection: sqlite3.Connection, address: str) -> int | None:
    name = address.partition("@")[0].partition("+")[0].lower()
    row = connection.execute("SELECT id FROM account WHERE name = ?", (name,)).fetchone()
    return None if row is None else int(row["id"])
