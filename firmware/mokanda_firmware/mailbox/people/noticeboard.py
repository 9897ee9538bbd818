# SPDX-License-Identifier: Apache-2.0
"""The village's noticeboard: everybody reads it, the keeper and those who help write on it."""

from typing import NamedTuple

from mokanda_firmware.mailbox.people.accounts import Account
from mokanda_firmware.mailbox.store import clock
from mokanda_firmware.mailbox.store.database import Store


class Notice(NamedTuple):
    """Something on the noticeboard; `at` is seconds since 1970.

    `name` is the local part of who has put it up, "?" if that is not known, and `author` the name
    that was shown for it then.
    """

    id: int
    name: str
    author: str
    title: str
    text: str
    at: int


def notices(store: Store, before: int | None = None, limit: int = 10) -> list[Notice]:
    """Return the notices older than the one `before`, the latest first."""
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT id, name, author, title, text, at FROM notice WHERE id < ?"
            " ORDER BY id DESC LIMIT ?",
            (1 << 62 if before is None else before, limit),
        )
        return [Notice(**dict(row)) for row in rows]


def put_up(store: Store, author: Account, title: str, text: str) -> None:
    """Put a notice on the board; the same one twice in a row hangs there once."""
    with store.adding() as connection:
        last = connection.execute(
            "SELECT name, title, text FROM notice ORDER BY id DESC LIMIT 1"
        ).fetchone()
        if last is None or tuple(last) != (author.name, title, text):
            connection.execute(
                "INSERT INTO notice (account, name, author, title, text, at)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (author.id, author.name, author.display_name, title, text, clock.now()),
            )


def take_down(store: Store, actor: Account, number: int) -> str | None:
    """Take one's own notice off the board, as a keeper any; return its title if it was there."""
    with store.transaction() as connection:
        row = connection.execute(
            "DELETE FROM notice WHERE id = ? AND (account = ? OR ?) RETURNING title",
            (number, actor.id, actor.is_keeper),
        ).fetchone()
    return None if row is None else str(row["title"])
