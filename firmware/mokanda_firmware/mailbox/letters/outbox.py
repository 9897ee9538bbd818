# SPDX-License-Identifier: Apache-2.0
"""What the letters that wait will take on the way, by what others like them have taken."""

import sqlite3
from datetime import datetime
from typing import NamedTuple

from mokanda_firmware.mailbox.costs import budget, credit
from mokanda_firmware.mailbox.store import content_requests
from mokanda_firmware.mailbox.store.database import Store

RUN = 3000  # bytes; about what a mail run takes that has nothing to carry
_HEAD = 100  # bytes; about what names, date and subject of a letter take
_MEASURED = 200  # letters that are looked back at
# Before any was measured: how much of a text, and of a file, travels.
_TEXT, _FILES = 0.5, 1.0


class Waiting(NamedTuple):
    """A letter in the outbox: what it will take in bytes, and why it waits ('' for its turn).

    `held` is as in the store, but "credit" by what the writer has now and when it would leave;
    `moving` is one that is in a bundle already.
    """

    size: int
    held: str
    moving: bool


class Expected(NamedTuple):
    """What the next mail run carries, and how many letters and bytes the budgets hold back.

    Among them what was asked of the relay and does not fit into a day.
    """

    letters: int
    size: int
    held_letters: int
    held_size: int


def of_account(store: Store, account: int, at: datetime | None = None) -> dict[int, Waiting]:
    """Return the letters of an account that wait, by their entries, and what holds them `at`."""
    used_up = credit.is_used_up(store, account, at)
    with store.reading() as connection:
        text, files = _shares(connection)
        rows = connection.execute(
            f"{_LETTERS} AND entry.account = ? AND entry.folder = 'outbox'", (account,)
        )
        return {
            row["entry"]: Waiting(
                _size(row, text, files), _held(row, used_up), row["state"] == "bundled"
            )
            for row in rows
        }


def expected(store: Store) -> Expected:
    """Return what the letters of the whole village will take."""
    with store.reading() as connection:
        text, files = _shares(connection)
        rows = connection.execute(_LETTERS).fetchall()
        requested = content_requests.sizes(connection)
    left = budget.left(store)
    payable = credit.affordable(store)
    paid = [row for row in rows if payable.get(row["account"], 1) > 0]  # others wait on their own
    held = [_size(row, text, files) for row in paid if _held(row, used_up=False)]
    held += [size for account, size in requested if left.too_small(size, account) is not None]
    going = [_size(row, text, files) for row in paid if not _held(row, used_up=False)]
    return Expected(len(going), sum(going), len(held), sum(held))


_SIZES = (
    " message.size AS size, coalesce((SELECT sum(size) FROM attachment"
    " WHERE attachment.message = message.id), 0) AS files, outgoing.cost AS cost"
)
# Of files that the relay holds only the names go.
_GOING = (
    "coalesce((SELECT sum(size) FROM attachment WHERE attachment.message = message.id"
    " AND digest NOT IN (SELECT digest FROM at_relay)), 0) AS going"
)
_LETTERS = (
    f"SELECT entry.id AS entry, entry.account, outgoing.held, outgoing.state, {_SIZES}, {_GOING}"  # noqa: S608
    " FROM outgoing"
    " JOIN message ON message.id = outgoing.message"
    " JOIN entry ON entry.message = message.id AND entry.origin = 'written'"
    " WHERE outgoing.state <> 'sent'"
)


def _held(row: sqlite3.Row, used_up: bool) -> str:
    """Why a letter waits; its writer's credit may have changed since the last mail run."""
    if used_up:
        return "credit"
    return "" if row["held"] == "credit" else str(row["held"])


def _shares(connection: sqlite3.Connection) -> tuple[float, float]:
    """Return how much of a byte of text, and of a file, has travelled lately."""
    rows = connection.execute(
        f"SELECT {_SIZES} FROM outgoing"  # noqa: S608 - constants
        " JOIN message ON message.id = outgoing.message"
        " WHERE cost IS NOT NULL ORDER BY outgoing.message DESC LIMIT ?",
        (_MEASURED,),
    ).fetchall()
    plain = [row for row in rows if not row["files"]]
    text = _share([(row["size"], row["cost"] - _HEAD) for row in plain], _TEXT)
    loaded = [
        (row["files"], row["cost"] - _HEAD - text * (row["size"] - row["files"]))
        for row in rows
        if row["files"]
    ]
    return text, _share(loaded, _FILES)


def _share(measured: list[tuple[int, float]], otherwise: float) -> float:
    whole = sum(size for size, _ in measured)
    travelled = sum(max(0.0, size) for _, size in measured)
    return min(1.0, travelled / whole) if whole else otherwise


def _size(row: sqlite3.Row, text: float, files: float) -> int:
    if row["cost"] is not None:
        return int(row["cost"])
    size = _HEAD + text * (row["size"] - row["files"]) + files * row["going"]
    return int(size)
