# SPDX-License-Identifier: Apache-2.0
"""Whom a villager writes to: kept by itself from the letters that are sent."""

import sqlite3
from collections.abc import Iterable

from mokanda_firmware.mailbox.store import Store
from mokanda_wire.message import Mailbox


def note(connection: sqlite3.Connection, account: int, people: Iterable[Mailbox]) -> None:
    """Count a letter to each of ``people``, inside the caller's transaction."""
    connection.executemany(
        "INSERT INTO contact (account, address, name, letters) VALUES (?, ?, ?, 1)"
        " ON CONFLICT DO UPDATE SET letters = letters + 1,"
        " name = CASE WHEN excluded.name = '' THEN name ELSE excluded.name END",
        [(account, one.address, one.name) for one in people],
    )


def people(store: Store, account: int, domain: str, limit: int = 40) -> list[Mailbox]:
    """Return whom the account may want to write to: its contacts by use, then other villagers."""
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT address, name FROM contact WHERE account = ?"
            " ORDER BY letters DESC, address LIMIT ?",
            (account, limit),
        )
        found = {row["address"]: Mailbox(row["address"], row["name"]) for row in rows}
        villagers = connection.execute(
            "SELECT name, display_name FROM account WHERE id <> ? AND NOT suspended ORDER BY name",
            (account,),
        )
        for row in villagers:
            address = f"{row['name']}@{domain}"
            if address in found or len(found) < limit:
                found[address] = Mailbox(address, row["display_name"])
    return list(found.values())


def of_account(store: Store, account: int) -> list[Mailbox]:
    """Return the account's contacts by name."""
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT address, name FROM contact WHERE account = ?"
            " ORDER BY lower(CASE WHEN name = '' THEN address ELSE name END)",
            (account,),
        )
        return [Mailbox(row["address"], row["name"]) for row in rows]


def forget(store: Store, account: int, address: str) -> None:
    """Forget a contact; the next letter to it brings it back."""
    with store.transaction() as connection:
        connection.execute(
            "DELETE FROM contact WHERE account = ? AND address = ?", (account, address)
        )
