# SPDX-License-Identifier: Apache-2.0
"""Settings of the village: JSON values by name, changed on the keeper's pages."""

import json
import sqlite3
from typing import Any

from mokanda_firmware.mailbox.store import damage
from mokanda_firmware.mailbox.store.database import Store


def setting(store: Store, key: str, default: Any) -> Any:  # noqa: ANN401 - whatever JSON can hold
    """Return the value of `key`, or `default` when it was never set, or is damaged."""
    with store.reading() as connection:
        return read_setting(connection, key, default)


def set_setting(store: Store, key: str, value: Any) -> None:  # noqa: ANN401
    """Set `key` to `value`, which must be JSON."""
    with store.transaction() as connection:
        write_setting(connection, key, value)


def read_setting(connection: sqlite3.Connection, key: str, default: Any) -> Any:  # noqa: ANN401
    """Do what `setting` does inside the caller's transaction."""
    row = connection.execute("SELECT value FROM setting WHERE key = ?", (key,)).fetchone()
    try:
        return default if row is None else json.loads(row["value"])
    except ValueError:
        damage.note(f"the mail store has a damaged setting: {key}")
        return default


def write_setting(connection: sqlite3.Connection, key: str, value: Any) -> None:  # noqa: ANN401
    """Do what `set_setting` does inside the caller's transaction."""
    connection.execute(
        "INSERT INTO setting (key, value) VALUES (?, ?)"
        " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, json.dumps(value)),
    )
