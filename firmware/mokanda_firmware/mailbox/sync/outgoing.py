# SPDX-License-Identifier: Apache-2.0
"""What waits for a bundle up: mails and content requests, and why some of it does not go."""

import sqlite3
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import NamedTuple

from mokanda_firmware.mailbox.store import clock, content_requests, messages
from mokanda_firmware.mailbox.store.database import Store
from mokanda_wire.bundle import ContentRequest
from mokanda_wire.limits import place_in_queue
from mokanda_wire.message import Message

_WAITING = (
    "SELECT message.id, message.size, entry.account, queued, cost FROM outgoing"
    " JOIN message ON message.id = outgoing.message"
    " JOIN entry ON entry.message = message.id AND origin = 'written'"
    " WHERE state = 'waiting' GROUP BY message.id"
)


class Outgoing(NamedTuple):
    """A mail that waits for a bundle: whom outside the village it is for, and whose it is.

    `number` is the mail's in the store.
    """

    message_id: str
    recipients: tuple[str, ...]
    message: Message
    number: int
    account: int


def waiting(store: Store, limit_bytes: int, without: Collection[int] = ()) -> list[Outgoing]:
    """Return mail that is in no bundle, small and old first, up to `limit_bytes` of content.

    Mails of the numbers `without` are passed over.
    """
    found = []
    room = limit_bytes
    with store.reading() as connection:
        for row in _queue(connection):
            if row["id"] in without:
                continue
            room -= row["size"]
            if room < 0:
                break
            found.append(_load(connection, row["id"], row["account"]))
    return found


def count_waiting(store: Store) -> int:
    """Return how many mails have not left yet."""
    with store.reading() as connection:
        rows = connection.execute("SELECT count(*) FROM outgoing WHERE state <> 'sent'")
        return int(rows.fetchone()[0])


def known_costs(store: Store) -> list[tuple[int, int, int]]:
    """Return (number, account, cost) of each waiting mail that was measured before."""
    with store.reading() as connection:
        rows = [row for row in _queue(connection) if row["cost"] is not None]
        return [(row["id"], row["account"], row["cost"]) for row in rows]


def hold(store: Store, costs: Mapping[int, int], held: Mapping[int, str]) -> None:
    """Record what mails take in a bundle, and why some of those that wait do not go."""
    with store.transaction() as connection:
        connection.execute("UPDATE outgoing SET held = '' WHERE state = 'waiting'")
        connection.executemany(
            "UPDATE outgoing SET cost = ? WHERE message = ?",
            [(cost, number) for number, cost in costs.items()],
        )
        connection.executemany(
            "UPDATE outgoing SET held = ? WHERE message = ? AND state = 'waiting'",
            [(why, number) for number, why in held.items()],
        )


def give_up(store: Store, number: int, reason: str) -> None:
    """Give a waiting mail up: its writer finds it among the sent ones, unread, with the reason."""
    with store.transaction() as connection:
        connection.execute(
            "UPDATE delivery SET state = 'refused', reason = ?, at = ?"
            " WHERE state = 'waiting' AND message = ?",
            (reason, clock.now(), number),
        )
        connection.execute(
            "UPDATE entry SET folder = 'sent', unread = 1, at = ?"
            " WHERE folder = 'outbox' AND origin = 'written' AND message = ?",
            (clock.now(), number),
        )
        connection.execute("UPDATE outgoing SET state = 'sent' WHERE message = ?", (number,))


def unsent_requests(store: Store) -> list[ContentRequest]:
    """Return what villagers want, or no longer want, of what the relay keeps."""
    with store.reading() as connection:
        return content_requests.unsent(connection)


def deny_request(store: Store, request: ContentRequest, reason: str) -> None:
    """Record that the relay does not take a content request; `reason` is a word."""
    with store.transaction() as connection:
        content_requests.deny(connection, request.kind, request.name, reason)


def _queue(connection: sqlite3.Connection) -> list[sqlite3.Row]:
    """The mails that wait, in the order in which they go."""
    now = clock.now()

    def place(row: sqlite3.Row) -> tuple[int, int]:
        return place_in_queue(row["size"], timedelta(seconds=now - row["queued"])), row["id"]

    return sorted(connection.execute(_WAITING), key=place)


def _load(connection: sqlite3.Connection, number: int, account: int) -> Outgoing:
    recipients = connection.execute(
        "SELECT address FROM delivery WHERE message = ? AND state = 'waiting'", (number,)
    )
    addresses = tuple(row["address"] for row in recipients)
    message = messages.load(connection, number)
    return Outgoing(message.message_id, addresses, message, number, account)
