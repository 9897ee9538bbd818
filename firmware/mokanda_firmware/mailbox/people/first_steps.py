# SPDX-License-Identifier: Apache-2.0
"""How far a new device has been set up by its keeper: kept, so that a power cut repeats nothing."""

import sqlite3

from mokanda_firmware.mailbox.store.database import Store
from mokanda_firmware.mailbox.store.settings import read_setting, set_setting, write_setting

_SETTING = "first_step"


def step(store: Store) -> str:
    """Return the step that comes next: "account", "village", "claim", "summary", "" for none."""
    with store.reading() as connection:
        kept = read_setting(connection, _SETTING, None)
        if kept is not None:
            return str(kept)
        # A device that had accounts before there were first steps needs none.
        has_keeper = connection.execute("SELECT 1 FROM account").fetchone()
    return "" if has_keeper else "account"


def begin(connection: sqlite3.Connection) -> None:
    """Go on after the keeper's account has been made, in the transaction that makes it."""
    connection.execute(
        "INSERT OR IGNORE INTO setting (key, value) VALUES (?, ?)", (_SETTING, '"village"')
    )


def go_to(store: Store, next_step: str) -> None:
    """Note which step comes next, unless they have been ended."""
    with store.transaction() as connection:
        if read_setting(connection, _SETTING, ""):
            write_setting(connection, _SETTING, next_step)


def end(store: Store) -> None:
    """Note that there is nothing left to do."""
    set_setting(store, _SETTING, "")
