# SPDX-License-Identifier: Apache-2.0
"""The audit trail: what keepers, helpers and the card did, who did it, and to whom."""

import logging
import sqlite3
from typing import Any, NamedTuple

from mokanda_firmware.mailbox.people.accounts import Account
from mokanda_firmware.mailbox.store import clock
from mokanda_firmware.mailbox.store.database import Store, StoreError
from mokanda_firmware.mailbox.store.settings import write_setting

_log = logging.getLogger(__name__)


class Act(NamedTuple):
    """Something that was done; `at` is seconds since 1970."""

    at: int
    actor: str
    action: str
    subject: str


def record(connection: sqlite3.Connection, actor: str, action: str, subject: str) -> None:
    """Record an act in the transaction that does it; names outlive accounts."""
    connection.execute(
        "INSERT INTO audit (at, actor, action, subject) VALUES (?, ?, ?, ?)",
        (clock.now(), actor, action, subject),
    )


def record_act(store: Store, actor: Account, action: str, subject: str = "") -> None:
    """Record what a keeper has had the device do.

    That is done and paid: where it cannot be recorded, the log has it, and nobody is told that it
    failed.
    """
    try:
        with store.transaction() as connection:
            record(connection, actor.name, action, subject)
    except StoreError as error:
        _log.warning("not recorded: %s: %s %s (%s)", actor.name, action, subject, error)


def change_settings(
    store: Store,
    actor: Account,
    action: str,
    subject: str,
    **values: Any,  # noqa: ANN401 - whatever JSON can hold
) -> None:
    """Change settings of the village, and record who did, and what it is now in short."""
    with store.transaction() as connection:
        for key, value in values.items():
            write_setting(connection, key, value)
        record(connection, actor.name, action, subject)


def acts(store: Store, limit: int = 50) -> list[Act]:
    """Return what was done, the latest first."""
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT at, actor, action, subject FROM audit ORDER BY id DESC LIMIT ?", (limit,)
        )
        return [Act(**dict(row)) for row in rows]
