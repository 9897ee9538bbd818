# SPDX-License-Identifier: Apache-2.0
"""What villagers request of what the relay has kept back (docs/wire.md).

A request waits for the next bundle up, is then asked, and goes when it is granted. Until it is
bound to a bundle it can be withdrawn without a trace; later, the relay is told.
"""

import sqlite3
from collections.abc import Iterable
from typing import Literal, NamedTuple

from mokanda_wire.items import ContentRequest, ContentRequestKind, Grant

State = Literal["waiting", "leaving", "asked", "denied"]


class Progress(NamedTuple):
    """How far a request has come; `reason` says in a word why it was denied."""

    state: State
    account: int | None
    reason: str


_REQUESTS = (
    "SELECT kind, content_request.name, coalesce(account.name, '') AS who, withdrawn"
    " FROM content_request LEFT JOIN account ON account.id = content_request.account"
)
_UNSENT = "sequence IS NULL AND (state = 'waiting' OR state = 'asked' AND withdrawn)"


def ask(
    connection: sqlite3.Connection, kind: ContentRequestKind, name: str, account: int | None
) -> None:
    """Request this; what is requested already, by whomever, is not asked for again."""
    connection.execute(
        "INSERT INTO content_request (kind, name, account, state) VALUES (?, ?, ?, 'waiting')"
        " ON CONFLICT DO UPDATE SET account = excluded.account, state = 'waiting', reason = ''"
        " WHERE state = 'denied'",
        (kind, name, account),
    )
    connection.execute(
        "UPDATE content_request SET withdrawn = 0, account = ?"
        " WHERE kind = ? AND name = ? AND withdrawn AND sequence IS NULL",
        (account, kind, name),
    )


def withdraw(
    connection: sqlite3.Connection, kind: ContentRequestKind, name: str, account: int
) -> bool:
    """No longer request this; tell whether it was in time, and the account's own request."""
    ours = (kind, name, account)
    own = "kind = ? AND name = ? AND account = ? AND sequence IS NULL"
    gone = connection.execute(
        f"DELETE FROM content_request WHERE {own} AND state <> 'asked'",  # noqa: S608 - a constant
        ours,
    ).rowcount
    marked = connection.execute(
        f"UPDATE content_request SET withdrawn = 1 WHERE {own} AND state = 'asked'",  # noqa: S608
        ours,
    ).rowcount
    return bool(gone or marked)


def progress(
    connection: sqlite3.Connection, kind: ContentRequestKind, name: str
) -> Progress | None:
    """Return how far a request has come; None when there is none."""
    row = connection.execute(
        "SELECT * FROM content_request WHERE kind = ? AND name = ? AND NOT withdrawn", (kind, name)
    ).fetchone()
    if row is None:
        return None
    state: State = "leaving" if row["sequence"] is not None else row["state"]
    return Progress(state, row["account"], row["reason"])


def sizes(connection: sqlite3.Connection) -> list[tuple[int | None, int]]:
    """Return for each request that is not denied whose it is, and about how many bytes it is."""
    rows = connection.execute(
        "SELECT account, coalesce(CASE kind"
        " WHEN 'mail' THEN (SELECT size FROM stub WHERE ticket = name)"
        " WHEN 'original' THEN (SELECT size + (SELECT coalesce(sum(iif(original = '', 0,"
        "  original_size - size)), 0) FROM attachment WHERE message = message.id)"
        "  FROM message WHERE ticket = content_request.name)"
        " ELSE (SELECT max(iif(original = '', size, original_size)) FROM attachment"
        "  WHERE content_request.name IN (digest, original)) END, 0) AS bytes"
        " FROM content_request WHERE state <> 'denied' AND NOT withdrawn"
    )
    return [(row["account"], row["bytes"]) for row in rows]


def unsent(connection: sqlite3.Connection) -> list[ContentRequest]:
    """Return the requests, and withdrawals of some, that the relay has yet to be told of."""
    return _requests(connection.execute(f"{_REQUESTS} WHERE {_UNSENT}"))


def in_bundle(connection: sqlite3.Connection, sequence: int) -> list[ContentRequest]:
    """Return what is bound to this bundle."""
    return _requests(connection.execute(f"{_REQUESTS} WHERE sequence = ?", (sequence,)))


def bind(connection: sqlite3.Connection, sequence: int, requests: Iterable[ContentRequest]) -> bool:
    """Bind requests to the bundle that carries them; False when one has changed since."""
    return all(
        connection.execute(
            f"UPDATE content_request SET sequence = ? WHERE {_UNSENT}"  # noqa: S608 - a constant
            " AND kind = ? AND name = ? AND withdrawn = ?",
            (sequence, request.kind, request.name, request.withdrawn),
        ).rowcount
        for request in requests
    )


def confirm(connection: sqlite3.Connection, sequence: int) -> None:
    """Record that the relay has what this bundle carried."""
    connection.execute("DELETE FROM content_request WHERE sequence = ? AND withdrawn", (sequence,))
    connection.execute(
        "UPDATE content_request SET state = 'asked', sequence = NULL WHERE sequence = ?",
        (sequence,),
    )


def release(connection: sqlite3.Connection, sequence: int) -> None:
    """Record that the relay has not got what this bundle carried: another one will."""
    connection.execute("UPDATE content_request SET sequence = NULL WHERE sequence = ?", (sequence,))


def ask_again(connection: sqlite3.Connection) -> None:
    """Tell the relay once more what it was asked for and has not given."""
    connection.execute(
        "UPDATE content_request SET state = 'waiting' WHERE state = 'asked' AND NOT withdrawn"
    )


def fulfil(connection: sqlite3.Connection, kind: ContentRequestKind, name: str) -> list[int]:
    """Forget a request whose content is here; return the account that asked, if one did."""
    rows = connection.execute(
        "DELETE FROM content_request WHERE kind = ? AND name = ? RETURNING account", (kind, name)
    ).fetchall()
    return [row["account"] for row in rows if row["account"] is not None]


def grant(connection: sqlite3.Connection, given: Grant) -> list[int]:
    """Record what the relay gives, its content among the attachments; return as `fulfil`."""
    asked = fulfil(connection, "file", given.digest)
    if given.ticket:
        asked += fulfil(connection, "original", given.ticket)
        connection.execute(
            "UPDATE message SET original = ? WHERE ticket = ?", (given.digest, given.ticket)
        )
    return asked


def deny(connection: sqlite3.Connection, kind: ContentRequestKind, name: str, reason: str) -> None:
    """Record that the relay does not give this; `reason` is a word."""
    connection.execute(
        "UPDATE content_request SET state = 'denied', reason = ?, withdrawn = 0, sequence = NULL"
        " WHERE kind = ? AND name = ?",
        (reason, kind, name),
    )


def withdraw_all(connection: sqlite3.Connection, message: int) -> None:
    """Withdraw all requests for a mail that is about to be removed, of whomever they are."""
    connection.execute(
        "UPDATE content_request SET withdrawn = 1 WHERE sequence IS NULL AND ("
        " kind = 'mail' AND name IN (SELECT ticket FROM stub WHERE message = :number)"
        " OR kind = 'original' AND name = (SELECT ticket FROM message WHERE id = :number)"
        " OR kind = 'file' AND name IN (SELECT iif(original = '', digest, original)"
        "  FROM attachment WHERE message = :number) AND NOT EXISTS (SELECT 1 FROM attachment"
        "  WHERE message <> :number AND name IN (digest, original)))",
        {"number": message},
    )
    connection.execute("DELETE FROM content_request WHERE withdrawn AND state <> 'asked'")


def _requests(rows: Iterable[sqlite3.Row]) -> list[ContentRequest]:
    return [
        ContentRequest(row["kind"], row["name"], row["who"], bool(row["withdrawn"])) for row in rows
    ]
