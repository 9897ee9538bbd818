# SPDX-License-Identifier: Apache-2.0
"""The record of sessions with the relay, for the keeper's page."""

import json
import sqlite3
from datetime import UTC, datetime
from typing import NamedTuple

from mokanda_firmware.bus.sentences import Sentence, as_it_is
from mokanda_firmware.mailbox.costs import ledger
from mokanda_firmware.mailbox.store import damage
from mokanda_firmware.mailbox.store.database import Store
from mokanda_firmware.mailbox.sync.state import read_state

_KEPT = 2000


class SessionRecord(NamedTuple):
    """One session with the relay.

    `error` is None when it went well. `money` is in billionths of `currency`.
    """

    started: datetime
    ended: datetime
    link: str
    bytes_up: int
    bytes_down: int
    sent: int
    received: int
    error: Sentence | None = None
    money: int = 0
    currency: str = ""


def record_session(store: Store, record: SessionRecord, *, down_pending: bool = False) -> None:
    """Keep `record`, and the last 2000 of those before it; villagers pay for what it carried.

    `down_pending` tells that a part of a bundle from the relay is here, and the rest is to come.
    """
    with store.transaction() as connection:
        connection.execute(
            "INSERT INTO sync_session"
            " (started, ended, link, bytes_up, bytes_down, sent, received, error, error_said,"
            " money, currency) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                int(record.started.timestamp()),
                int(record.ended.timestamp()),
                record.link,
                record.bytes_up,
                record.bytes_down,
                record.sent,
                record.received,
                str(record.error or ""),
                json.dumps(record.error and record.error.to_json()),
                record.money,
                record.currency,
            ),
        )
        connection.execute(
            "DELETE FROM sync_session WHERE id <= (SELECT max(id) FROM sync_session) - ?",
            (_KEPT,),
        )
        # What crossed for a bundle that is still on its way is paid for when that is there.
        up_pending = read_state(connection).up_pending is not None
        on_its_way = record.error is not None or up_pending or down_pending
        ledger.divide(connection, complete=not on_its_way)


def last_sessions(store: Store, limit: int) -> list[SessionRecord]:
    """Return the last `limit` sessions, the latest first."""
    with store.reading() as connection:
        return [
            SessionRecord(
                datetime.fromtimestamp(row["started"], UTC),
                datetime.fromtimestamp(row["ended"], UTC),
                row["link"],
                row["bytes_up"],
                row["bytes_down"],
                row["sent"],
                row["received"],
                _error(row),
                row["money"],
                row["currency"],
            )
            for row in connection.execute(
                "SELECT * FROM sync_session ORDER BY id DESC LIMIT ?", (limit,)
            )
        ]


def _error(row: sqlite3.Row) -> Sentence | None:
    """Read why a session failed; earlier versions have kept it as plain text, too."""
    if not row["error"]:
        return None
    try:
        said = json.loads(row["error_said"])
    except ValueError:
        damage.note("the mail store has a mail run that is damaged")
        said = None
    return Sentence.from_json(said) or as_it_is(row["error"])
