# SPDX-License-Identifier: Apache-2.0
"""Names whose owners were deleted: nobody gets them for a year, unless the keeper says so.

The world goes on writing to who is gone; what is for them must not reach somebody else. A name is
reserved until housekeeping, which believes no clock, or the keeper releases it.
"""

import sqlite3
from typing import NamedTuple

from mokanda_firmware.mailbox.store import clock
from mokanda_firmware.mailbox.store.database import Store

RESERVED_SECONDS = 365 * 24 * 3600


class ReservedName(NamedTuple):
    """A name that nobody may have; `until` is seconds since 1970."""

    name: str
    until: int


def reserve(connection: sqlite3.Connection, account: int) -> None:
    """Reserve every name of an account, in the transaction that deletes it."""
    connection.execute(
        "INSERT OR REPLACE INTO reserved_name (name, at)"
        " SELECT name, :now FROM account WHERE id = :account"
        " UNION ALL SELECT name, :now FROM alias WHERE account = :account",
        {"now": clock.now(), "account": account},
    )


def is_reserved(connection: sqlite3.Connection, name: str) -> bool:
    """Whether nobody may have this name yet."""
    row = connection.execute("SELECT 1 FROM reserved_name WHERE name = ?", (name,)).fetchone()
    return row is not None


def all_reserved(store: Store) -> list[ReservedName]:
    """Return the names that are reserved, in order."""
    with store.reading() as connection:
        rows = connection.execute("SELECT name, at FROM reserved_name ORDER BY name")
        return [ReservedName(row["name"], row["at"] + RESERVED_SECONDS) for row in rows]


def release(connection: sqlite3.Connection, name: str) -> bool:
    """Let somebody else have a name; tell whether it was reserved."""
    released = connection.execute("DELETE FROM reserved_name WHERE name = ?", (name,))
    return bool(released.rowcount)


def release_old(connection: sqlite3.Connection, now: int) -> None:
    """Release the names that have been reserved long enough at `now`."""
    connection.execute("DELETE FROM reserved_name WHERE at <= ?", (now - RESERVED_SECONDS,))
