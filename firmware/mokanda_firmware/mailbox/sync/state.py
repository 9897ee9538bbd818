# SPDX-License-Identifier: Apache-2.0
"""Where this device stands with its relay: the numbers of bundles and hellos."""

import sqlite3
from pathlib import Path
from typing import NamedTuple

from mokanda_firmware.mailbox.store.database import Store
from mokanda_wire.formats import OLDEST_FORMAT


class PendingUp(NamedTuple):
    """A sealed bundle on its way up, in a `format`; `size` in bytes, `sha256` in hex.

    `record` is what it adds to the history once the relay has applied it.
    """

    sequence: int
    size: int
    sha256: str
    path: Path
    record: bytes
    format: int = OLDEST_FORMAT


class SyncState(NamedTuple):
    """The last numbers of bundles and hellos; 0 means none yet.

    `relay_format` is the newest format of bundles that the relay knows, as it last said.
    """

    up_sequence: int
    up_pending: PendingUp | None
    down_applied: int
    hello_counter: int
    relay_format: int = OLDEST_FORMAT


def sync_state(store: Store) -> SyncState:
    """Return where this device stands with its relay."""
    with store.reading() as connection:
        return read_state(connection)


def next_hello_counter(store: Store, after: int = 0) -> int:
    """Return a number that no hello has carried yet, greater than `after`."""
    with store.transaction() as connection:
        connection.execute("UPDATE sync SET hello_counter = max(hello_counter, ?) + 1", (after,))
        return read_state(connection).hello_counter


def set_relay_format(store: Store, newest: int) -> None:
    """Record the newest format of bundles that the relay knows."""
    with store.transaction() as connection:
        connection.execute("UPDATE sync SET relay_format = ?", (newest,))


def read_state(connection: sqlite3.Connection) -> SyncState:
    """Do what `sync_state` does inside the caller's transaction."""
    row = connection.execute("SELECT * FROM sync").fetchone()
    pending = None
    if row["pending_path"] is not None:
        pending = PendingUp(
            row["up_sequence"],
            row["pending_size"],
            row["pending_sha256"],
            Path(row["pending_path"]),
            row["pending_record"],
            row["pending_format"],
        )
    return SyncState(
        row["up_sequence"],
        pending,
        row["down_applied"],
        row["hello_counter"],
        row["relay_format"],
    )
