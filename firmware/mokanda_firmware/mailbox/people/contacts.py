# SPDX-License-Identifier: Apache-2.0
"""Whom a villager writes to: kept by itself from the letters that are sent."""

import json
import sqlite3
import unicodedata
from collections.abc import Iterable

from mokanda_firmware.mailbox.store import damage
from mokanda_firmware.mailbox.store.database import Store
from mokanda_firmware.mailbox.store.messages import people_from_json
from mokanda_wire.message import Mailbox


def record_letters(connection: sqlite3.Connection, account: int, people: Iterable[Mailbox]) -> None:
    """Count a letter to each of `people`, inside the caller's transaction."""
    connection.executemany(
        "INSERT INTO contact (account, address, name, letters) VALUES (?, ?, ?, 1)"
        " ON CONFLICT DO UPDATE SET letters = letters + 1,"
        " name = CASE WHEN named OR excluded.name = '' THEN name ELSE excluded.name END",
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


def of_account(store: Store, account: int, words: str = "") -> list[Mailbox]:
    """Return the account's contacts by name: those in which all words are, wherever.

    Accents and case do not matter.
    """
    wanted = _folded(words).split()
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT address, name FROM contact WHERE account = ?"
            " ORDER BY lower(CASE WHEN name = '' THEN address ELSE name END)",
            (account,),
        )
        found = [Mailbox(row["address"], row["name"]) for row in rows]
    if not wanted:
        return found
    return [one for one in found if _has(_folded(f"{one.name} {one.address}"), wanted)]


def _has(text: str, words: Iterable[str]) -> bool:
    return all(word in text for word in words)


def _folded(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text).casefold()
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def find(store: Store, account: int, address: str) -> Mailbox | None:
    """Return the contact of this address, None if there is none."""
    with store.reading() as connection:
        row = connection.execute(
            "SELECT address, name FROM contact WHERE account = ? AND address = ?",
            (account, address),
        ).fetchone()
    return None if row is None else Mailbox(row["address"], row["name"])


def change(store: Store, account: int, address: str, changed: Mailbox) -> None:
    """Give a contact the name that its owner wants, and maybe another address.

    One that had that address before is the same contact from now on.
    """
    with store.transaction() as connection:
        either = (account, address, changed.address)
        letters = connection.execute(
            "SELECT sum(letters) FROM contact WHERE account = ? AND address IN (?, ?)", either
        ).fetchone()[0]
        connection.execute("DELETE FROM contact WHERE account = ? AND address IN (?, ?)", either)
        connection.execute(
            "INSERT INTO contact (account, address, name, letters, named) VALUES (?, ?, ?, ?, ?)",
            (account, changed.address, changed.name, letters or 0, changed.name != ""),
        )


def forget(store: Store, account: int, address: str) -> None:
    """Forget a contact; the next letter to it brings it back."""
    with store.transaction() as connection:
        connection.execute(
            "DELETE FROM contact WHERE account = ? AND address = ?", (account, address)
        )


def add(store: Store, account: int, people: Iterable[Mailbox]) -> int:
    """Put people among the contacts, as those of a phone; return how many are new."""
    with store.adding() as connection:
        return sum(
            connection.execute(
                "INSERT INTO contact (account, address, name, letters) VALUES (?, ?, ?, 0)"
                " ON CONFLICT DO NOTHING",
                (account, one.address, one.name),
            ).rowcount
            for one in people
        )


def groups(store: Store, account: int) -> dict[str, tuple[Mailbox, ...]]:
    """Return the account's groups of people, by name."""
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT name, members FROM people_group WHERE account = ? ORDER BY name", (account,)
        )
        return {row["name"]: _members(row["members"]) for row in rows}


def _members(text: str) -> tuple[Mailbox, ...]:
    """Read who is in a group: nobody where that is damaged."""
    try:
        return people_from_json(json.loads(text))
    except (TypeError, ValueError):
        damage.note("the mail store has a group that is damaged")
        return ()


def set_group(
    store: Store, account: int, name: str, members: Iterable[Mailbox], *, old: str = ""
) -> None:
    """Make a group, or change one that was called `old`; one without members is none."""
    people = [[one.address, one.name] for one in members]
    with store.adding() as connection:
        connection.execute(
            "DELETE FROM people_group WHERE account = ? AND name IN (?, ?)", (account, name, old)
        )
        if people:
            connection.execute(
                "INSERT INTO people_group (account, name, members) VALUES (?, ?, ?)",
                (account, name, json.dumps(people, ensure_ascii=False)),
            )
