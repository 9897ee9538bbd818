# SPDX-License-Identifier: Apache-2.0
"""Which files the relay holds, as far as is known: they need not go up."""

import sqlite3
from collections.abc import Iterable

from mokanda_firmware.mailbox.store import clock
from mokanda_firmware.mailbox.store.database import Store


def mark(connection: sqlite3.Connection, digests: Iterable[str]) -> None:
    """Remember that the relay holds these files."""
    now = clock.now()
    connection.executemany(
        "INSERT INTO at_relay (digest, at) VALUES (?, ?)"
        " ON CONFLICT DO UPDATE SET at = excluded.at",
        [(digest, now) for digest in digests],
    )


def holds(connection: sqlite3.Connection, digest: str) -> bool:
    """Whether the relay holds a file, as far as is known."""
    row = connection.execute("SELECT 1 FROM at_relay WHERE digest = ?", (digest,)).fetchone()
    return row is not None


def known(store: Store, digests: Iterable[str]) -> set[str]:
    """Return which of these files the relay holds, as far as is known."""
    with store.reading() as connection:
        return {digest for digest in digests if holds(connection, digest)}


def forget_old(connection: sqlite3.Connection, before: int) -> None:
    """Forget what was marked `before` this time: the relay may hold it no more."""
    connection.execute("DELETE FROM at_relay WHERE at < ?", (before,))


def forget_all(store: Store) -> None:
    """Forget all of it, as the relay does not hold something that it was believed to."""
    with store.transaction() as connection:
        connection.execute("DELETE FROM at_relay")
