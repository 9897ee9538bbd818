# SPDX-License-Identifier: Apache-2.0
"""Names whose owners were deleted: nobody gets them for a year, unless the keeper says so.

The world goes on writing to who is gone; what is for them must not reach somebody else.
"""

import sqlite3
from dataclasses import dataclass

from mokanda_firmware.mailbox.store import messages
from mokanda_firmware.mailbox.store.database import Store

REST_SECONDS = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class LeftName:
    """A name that rests; `until` is seconds since 1970."""

    name: str
    until: int


def leave(connection: sqlite3.Connection, account: int) -> None:
    """Let every name of an account rest, in the transaction that deletes it."""
    connection.execute(
        "INSERT OR REPLACE INTO left_name (name, at)"
        " SELECT name, :now FROM account WHERE id = :account"
        " UNION ALL SELECT name, :now FROM alias WHERE account = :account",
        {"now": messages.now(), "account": account},
    )


def rests(connection: sqlite3.Connection, name: str) -> bool:
    """Whether nobody may have this name yet."""
    row = connection.execute(
        "SELECT 1 FROM left_name WHERE name = ? AND at > ?", (name, _oldest())
    ).fetchone()
    return row is not None


def all_of(store: Store) -> list[LeftName]:
    """Return the names that rest, in order."""
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT name, at FROM left_name WHERE at > ? ORDER BY name", (_oldest(),)
        )
        return [LeftName(row["name"], row["at"] + REST_SECONDS) for row in rows]


def forget_old(connection: sqlite3.Connection) -> None:
    """Forget the names that have rested long enough."""
    connection.execute("DELETE FROM left_name WHERE at <= ?", (_oldest(),))


def _oldest() -> int:
    return messages.now() - REST_SECONDS
