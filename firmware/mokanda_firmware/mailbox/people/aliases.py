# SPDX-License-Identifier: Apache-2.0
"""More names that a villager answers to: for who is known by several, or moves on."""

import sqlite3

from mokanda_firmware.mailbox.people import reserved_names
from mokanda_firmware.mailbox.people.accounts import NameReserved, NameTaken
from mokanda_firmware.mailbox.store.database import Store
from mokanda_wire.role_names import ROLE_NAMES

MAX_ALIASES = 5


class TooMany(Exception):  # noqa: N818 - reads better where it is caught
    """The account has as many aliases as one may have."""


def account_of(connection: sqlite3.Connection, name: str) -> int | None:
    """Return who answers to a local part, by the account's name or an alias."""
    row = connection.execute(
        "SELECT id FROM account WHERE name = :name"
        " UNION ALL SELECT account FROM alias WHERE name = :name",
        {"name": name},
    ).fetchone()
    return None if row is None else int(row["id"])


def reader_of(connection: sqlite3.Connection, address: str) -> int | None:
    """Return who of the village gets mail to an address; what follows a + in it is the reader's.

    For names of roles, that is the keeper, unless somebody has had one since before they were kept.
    """
    name = address.partition("@")[0].partition("+")[0].lower()
    reader = account_of(connection, name)
    return _keeper(connection) if reader is None and name in ROLE_NAMES else reader


def _keeper(connection: sqlite3.Connection) -> int | None:
    """Return the account of the first keeper who is not suspended."""
    row = connection.execute(
        "SELECT id FROM account WHERE role = 'keeper' AND NOT suspended ORDER BY id"
    ).fetchone()
    return None if row is None else int(row["id"])


def all_names(store: Store) -> list[str]:
    """Return the local part of every account and alias, in order."""
    with store.reading() as connection:
        names = connection.execute(
            "SELECT name FROM account UNION SELECT name FROM alias ORDER BY 1"
        )
        return [row["name"] for row in names]


def names_of(connection: sqlite3.Connection, account: int) -> list[str]:
    """Return the local parts of an account, its own first."""
    rows = connection.execute(
        "SELECT name, 0 AS place FROM account WHERE id = :account"
        " UNION ALL SELECT name, 1 FROM alias WHERE account = :account ORDER BY place, name",
        {"account": account},
    )
    return [row["name"] for row in rows]


def all_shown(store: Store) -> list[tuple[str, frozenset[str]]]:
    """Return the name that each account shows, and the local parts that it answers to."""
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT display_name,"
            " account.name || coalesce(' ' || group_concat(alias.name, ' '), '') AS own"
            " FROM account LEFT JOIN alias ON alias.account = account.id GROUP BY account.id"
        )
        return [(row["display_name"], frozenset(row["own"].split())) for row in rows]


def of_account(store: Store, account: int) -> list[str]:
    """Return the aliases of an account, in order."""
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT name FROM alias WHERE account = ? ORDER BY name", (account,)
        )
        return [row["name"] for row in rows]


def add(store: Store, account: int, name: str) -> None:
    """Let an account answer to this name too.

    Raises:
        NameTaken: somebody answers to it already, or did (`NameReserved`), or it is a role's.
        TooMany: it has `MAX_ALIASES` already.
    """
    with store.transaction() as connection:
        if name in ROLE_NAMES or account_of(connection, name) is not None:
            raise NameTaken(name)
        if reserved_names.is_reserved(connection, name):
            raise NameReserved(name)
        own = connection.execute("SELECT count(*) FROM alias WHERE account = ?", (account,))
        if own.fetchone()[0] >= MAX_ALIASES:
            raise TooMany
        connection.execute("INSERT INTO alias (name, account) VALUES (?, ?)", (name, account))


def remove(store: Store, account: int, name: str) -> None:
    """Let an account answer to this name no more."""
    with store.transaction() as connection:
        connection.execute("DELETE FROM alias WHERE account = ? AND name = ?", (account, name))
