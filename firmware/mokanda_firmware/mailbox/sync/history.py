# SPDX-License-Identifier: Apache-2.0
"""What device and relay both remember of their mail, to compress the next bundle with."""

import sqlite3

from mokanda_firmware.mailbox.store.database import Store
from mokanda_wire.history import Change, History, Row


def shared_history(store: Store) -> History:
    """Return what this device and its relay both remember."""
    with store.reading() as connection:
        return _load(connection)


def extend(connection: sqlite3.Connection, record: bytes) -> None:
    """Add what an applied bundle adds, in the transaction that applies it."""
    _change(connection, _load(connection).append(record))


def restart(connection: sqlite3.Connection) -> None:
    """Begin anew, inside the caller's transaction."""
    _change(connection, _load(connection).restart())


def _load(connection: sqlite3.Connection) -> History:
    return History(
        Row(*row) for row in connection.execute("SELECT kind, position, data FROM history")
    )


def _change(connection: sqlite3.Connection, change: Change) -> None:
    for kind, position in change.forget.items():
        connection.execute("DELETE FROM history WHERE kind = ? AND position < ?", (kind, position))
    connection.executemany(
        "INSERT INTO history (kind, position, data) VALUES (?, ?, ?)",
        [(row.kind, row.position, row.data) for row in change.rows],
    )
