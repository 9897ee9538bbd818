# SPDX-License-Identifier: Apache-2.0
"""What villagers want of what the relay has kept back (docs/wire.md: tickets, stubs and wishes).

A wish waits for the next bundle up, is then asked, and goes when it is granted. Until it is bound
to a bundle it can be taken back without a trace; later, the relay is told.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from mokanda_wire.bundle import Grant, Wish, WishKind

State = Literal["waiting", "leaving", "asked", "denied"]


@dataclass(frozen=True, slots=True)
class Asked:
    """How far a wish has come; `reason` says in a word why it was denied."""

    state: State
    account: int | None
    reason: str


_WISHES = (
    "SELECT kind, wish.name, coalesce(account.name, '') AS who, withdrawn FROM wish"
    " LEFT JOIN account ON account.id = wish.account"
)
_UNTOLD = "sequence IS NULL AND (state = 'waiting' OR state = 'asked' AND withdrawn)"


def ask(connection: sqlite3.Connection, kind: WishKind, name: str, account: int | None) -> None:
    """Want this; what is wanted already, by whomever, is not asked for again."""
    connection.execute(
        "INSERT INTO wish (kind, name, account, state) VALUES (?, ?, ?, 'waiting')"
        " ON CONFLICT DO UPDATE SET account = excluded.account, state = 'waiting', reason = ''"
        " WHERE state = 'denied'",
        (kind, name, account),
    )
    connection.execute(
        "UPDATE wish SET withdrawn = 0, account = ?"
        " WHERE kind = ? AND name = ? AND withdrawn AND sequence IS NULL",
        (account, kind, name),
    )


def take_back(connection: sqlite3.Connection, kind: WishKind, name: str, account: int) -> bool:
    """No longer want this; tell whether it was in time, and the account's own wish."""
    ours = (kind, name, account)
    own = "kind = ? AND name = ? AND account = ? AND sequence IS NULL"
    gone = connection.execute(
        f"DELETE FROM wish WHERE {own} AND state <> 'asked'",  # noqa: S608 - a constant
        ours,
    ).rowcount
    told = connection.execute(
        f"UPDATE wish SET withdrawn = 1 WHERE {own} AND state = 'asked'",  # noqa: S608
        ours,
    ).rowcount
    return bool(gone or told)


def find(connection: sqlite3.Connection, kind: WishKind, name: str) -> Asked | None:
    """Return how far a wish has come; None when nobody has it."""
    row = connection.execute(
        "SELECT * FROM wish WHERE kind = ? AND name = ? AND NOT withdrawn", (kind, name)
    ).fetchone()
    if row is None:
        return None
    state: State = "leaving" if row["sequence"] is not None else row["state"]
    return Asked(state, row["account"], row["reason"])


def sizes(connection: sqlite3.Connection) -> list[tuple[int | None, int]]:
    """Return for each wish that is not denied who has it, and about how many bytes it is."""
    rows = connection.execute(
        "SELECT account, coalesce(CASE kind"
        " WHEN 'mail' THEN (SELECT size FROM stub WHERE ticket = name)"
        " WHEN 'original' THEN (SELECT size + (SELECT coalesce(sum(iif(original = '', 0,"
        "  original_size - size)), 0) FROM attachment WHERE message = message.id)"
        "  FROM message WHERE ticket = wish.name)"
        " ELSE (SELECT max(iif(original = '', size, original_size)) FROM attachment"
        "  WHERE wish.name IN (digest, original)) END, 0) AS bytes"
        " FROM wish WHERE state <> 'denied' AND NOT withdrawn"
    )
    return [(row["account"], row["bytes"]) for row in rows]


def untold(connection: sqlite3.Connection) -> list[Wish]:
    """Return what the relay has yet to be told."""
    return _wishes(connection.execute(f"{_WISHES} WHERE {_UNTOLD}"))


def bound(connection: sqlite3.Connection, sequence: int) -> list[Wish]:
    """Return what is bound to this bundle."""
    return _wishes(connection.execute(f"{_WISHES} WHERE sequence = ?", (sequence,)))


def _wishes(rows: Iterable[sqlite3.Row]) -> list[Wish]:
    return [Wish(row["kind"], row["name"], row["who"], bool(row["withdrawn"])) for row in rows]


def bind(connection: sqlite3.Connection, sequence: int, wishes: Iterable[Wish]) -> bool:
    """Bind wishes to the bundle that tells them; False when one has changed since."""
    return all(
        connection.execute(
            f"UPDATE wish SET sequence = ? WHERE {_UNTOLD}"  # noqa: S608 - a constant
            " AND kind = ? AND name = ? AND withdrawn = ?",
            (sequence, wish.kind, wish.name, wish.withdrawn),
        ).rowcount
        for wish in wishes
    )


def confirm(connection: sqlite3.Connection, sequence: int) -> None:
    """The relay has been told what this bundle tells."""
    connection.execute("DELETE FROM wish WHERE sequence = ? AND withdrawn", (sequence,))
    connection.execute(
        "UPDATE wish SET state = 'asked', sequence = NULL WHERE sequence = ?", (sequence,)
    )


def release(connection: sqlite3.Connection, sequence: int) -> None:
    """The relay has not been told what this bundle was to tell: another one will."""
    connection.execute("UPDATE wish SET sequence = NULL WHERE sequence = ?", (sequence,))


def ask_again(connection: sqlite3.Connection) -> None:
    """Tell the relay once more what it was asked for and has not given."""
    connection.execute("UPDATE wish SET state = 'waiting' WHERE state = 'asked' AND NOT withdrawn")


def fulfil(connection: sqlite3.Connection, kind: WishKind, name: str) -> list[int]:
    """It is here; return the account that asked, if one did."""
    rows = connection.execute(
        "DELETE FROM wish WHERE kind = ? AND name = ? RETURNING account", (kind, name)
    ).fetchall()
    return [row["account"] for row in rows if row["account"] is not None]


def grant(connection: sqlite3.Connection, given: Grant) -> list[int]:
    """Take what the relay gives, its content among the attachments; return as `fulfil`."""
    asked = fulfil(connection, "file", given.digest)
    if given.ticket:
        asked += fulfil(connection, "original", given.ticket)
        connection.execute(
            "UPDATE message SET original = ? WHERE ticket = ?", (given.digest, given.ticket)
        )
    return asked


def deny(connection: sqlite3.Connection, kind: WishKind, name: str, reason: str) -> None:
    """Note that the relay does not give this."""
    connection.execute(
        "UPDATE wish SET state = 'denied', reason = ?, withdrawn = 0, sequence = NULL"
        " WHERE kind = ? AND name = ?",
        (reason, kind, name),
    )


def give_up(connection: sqlite3.Connection, number: int) -> None:
    """Take back all wishes for a mail that is about to be removed, of whomever they are."""
    connection.execute(
        "UPDATE wish SET withdrawn = 1 WHERE sequence IS NULL AND ("
        " kind = 'mail' AND name IN (SELECT ticket FROM stub WHERE message = :number)"
        " OR kind = 'original' AND name = (SELECT ticket FROM message WHERE id = :number)"
        " OR kind = 'file' AND name IN (SELECT iif(original = '', digest, original)"
        "  FROM attachment WHERE message = :number) AND NOT EXISTS (SELECT 1 FROM attachment"
        "  WHERE message <> :number AND name IN (digest, original)))",
        {"number": number},
    )
    connection.execute("DELETE FROM wish WHERE withdrawn AND state <> 'asked'")


def note_at_relay(connection: sqlite3.Connection, digests: Sequence[str], now: int) -> None:
    """Remember that the relay holds these files."""
    connection.executemany(
        "INSERT INTO at_relay (digest, at) VALUES (?, ?)"
        " ON CONFLICT DO UPDATE SET at = excluded.at",
        [(digest, now) for digest in digests],
    )


def is_at_relay(connection: sqlite3.Connection, digest: str) -> bool:
    """Whether the relay holds a file, as far as is known."""
    row = connection.execute("SELECT 1 FROM at_relay WHERE digest = ?", (digest,)).fetchone()
    return row is not None
