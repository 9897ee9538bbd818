# SPDX-License-Identifier: Apache-2.0
"""What the village's mail has cost: bytes and money by day, in all and for each villager.

All that crosses the link is counted as traffic. A villager is charged with what each letter takes
in its bundle; the rest (calling the relay, bundles' envelopes, what was sent again) is the
village's. Letters that stay in the village cost nothing.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple

from mokanda_firmware import relaytime
from mokanda_firmware.mailbox.costs import ledger, tariff
from mokanda_firmware.mailbox.store.database import Store
from mokanda_firmware.mailbox.store.settings import read_setting
from mokanda_firmware.zones import zone_of
from mokanda_wire.limits import DAYS_KEPT


class Used(NamedTuple):
    """Bytes, and money in billionths of the tariff's currency of today."""

    up: int = 0
    down: int = 0
    money: int = 0

    @property
    def size(self) -> int:
        """Both ways together."""
        return self.up + self.down


class Day(NamedTuple):
    """All that crossed the link on a day (YYYY-MM-DD); `failed` of the `runs` went wrong."""

    day: str
    used: Used
    runs: int
    failed: int


def zone(connection: sqlite3.Connection) -> tzinfo:
    """Return the village's time zone; UTC when it is not known."""
    return zone_of(read_setting(connection, "timezone", ""))


def today(connection: sqlite3.Connection) -> str:
    """Return the day to count on.

    Before the relay has told the time, it is the last one that was counted: a clock that starts in
    any year must not find a new budget.
    """
    now = relaytime.now()
    if now is None:
        day = connection.execute("SELECT day FROM sync").fetchone()["day"]
        if day is not None:
            return str(day)
        now = datetime.now(UTC)
    return now.astimezone(zone(connection)).date().isoformat()


def count(store: Store, up: int, down: int, *, run: bool = False, failed: bool = False) -> Used:
    """Count bytes that have just crossed the link, and with the last of them the `run`.

    Returns what was counted, with its price at this hour.
    """
    with store.transaction() as connection:
        day = today(connection)
        currency, money = _priced(connection, up + down)
        connection.execute(
            "INSERT INTO traffic (day, currency, bytes_up, bytes_down, money, runs, failed)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (day, currency) DO UPDATE SET"
            " bytes_up = bytes_up + excluded.bytes_up,"
            " bytes_down = bytes_down + excluded.bytes_down, money = money + excluded.money,"
            " runs = runs + excluded.runs, failed = failed + excluded.failed",
            (day, currency, up, down, money, run, failed),
        )
        ledger.count(connection, currency, up + down, money)
        connection.execute("UPDATE sync SET day = ?", (day,))
        _forget(connection)
    return Used(up, down, money)


def charge(connection: sqlite3.Connection, account: int, *, up: int = 0, down: int = 0) -> None:
    """Charge a villager with bytes of a bundle, in the transaction that applies it."""
    currency, money = _priced(connection, up + down)
    connection.execute(
        "INSERT INTO share (day, account, currency, bytes_up, bytes_down, money)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (day, account, currency) DO UPDATE SET"
        " bytes_up = bytes_up + excluded.bytes_up,"
        " bytes_down = bytes_down + excluded.bytes_down, money = money + excluded.money",
        (today(connection), account, currency, up, down, money),
    )
    ledger.share(connection, account, currency, up + down)


def split(connection: sqlite3.Connection, accounts: Sequence[int], size: int) -> None:
    """Charge a mail that came down to its readers, to each the same part."""
    for position, account in enumerate(accounts):
        rest = position < size % len(accounts)
        charge(connection, account, down=size // len(accounts) + rest)


def days(store: Store, limit: int = DAYS_KEPT, account: int | None = None) -> list[Day]:
    """Return the last days on which something was counted, the latest first.

    With an `account`, only what was charged to it.
    """
    table, whose = "traffic", ""
    if account is not None:
        table, whose = "share", "WHERE account = :account"
    runs = "0 AS runs, 0 AS failed" if account else "sum(runs) AS runs, sum(failed) AS failed"
    with store.reading() as connection:
        rows = connection.execute(
            f"SELECT day, {_SUMS}, {runs} FROM {table} {whose}"  # noqa: S608 - constants
            " GROUP BY day ORDER BY day DESC LIMIT :limit",
            {"account": account, "limit": limit, "currency": _currency(connection)},
        )
        return [Day(row["day"], _used(row), row["runs"], row["failed"]) for row in rows]


def since(store: Store, day: str, limit: int) -> list[tuple[str, str, Used]]:
    """Return (day, currency, what was used) from a day on, the oldest first, for the relay."""
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT day, currency, bytes_up AS up, bytes_down AS down, money FROM traffic"
            " WHERE day >= ? ORDER BY day, currency LIMIT ?",
            (day, limit),
        )
        return [(row["day"], row["currency"], _used(row)) for row in rows]


def month(store: Store, which: str) -> Used:
    """Return all that crossed the link in a month (YYYY-MM)."""
    with store.reading() as connection:
        return _used(
            connection.execute(
                f"SELECT {_SUMS} FROM traffic WHERE substr(day, 1, 7) = :month",  # noqa: S608
                {"month": which, "currency": _currency(connection)},
            ).fetchone()
        )


def month_of_villagers(store: Store, which: str) -> Mapping[int, Used]:
    """Return what each account was charged with in a month (YYYY-MM); others are left out."""
    with store.reading() as connection:
        rows = connection.execute(
            f"SELECT account, {_SUMS} FROM share"  # noqa: S608 - constants
            " WHERE substr(day, 1, 7) = :month GROUP BY account",
            {"month": which, "currency": _currency(connection)},
        )
        return {row["account"]: _used(row) for row in rows}


def this_month(store: Store) -> str:
    """Return the month (YYYY-MM) that it is in the village."""
    with store.reading() as connection:
        return today(connection)[:7]


def used_today(connection: sqlite3.Connection) -> int:
    """Return how many bytes have crossed the link today, both ways."""
    row = connection.execute(
        "SELECT coalesce(sum(bytes_up + bytes_down), 0) FROM traffic WHERE day = ?",
        (today(connection),),
    ).fetchone()
    return int(row[0])


def charged_today(connection: sqlite3.Connection) -> dict[int, int]:
    """Return how many bytes each villager has been charged with today, both ways."""
    rows = connection.execute(
        "SELECT account, sum(bytes_up + bytes_down) FROM share WHERE day = ? GROUP BY account",
        (today(connection),),
    )
    return dict(tuple(row) for row in rows)


# Money of another currency than today's is not added up.
_SUMS = (
    "coalesce(sum(bytes_up), 0) AS up, coalesce(sum(bytes_down), 0) AS down,"
    " coalesce(sum(CASE WHEN currency = :currency THEN money END), 0) AS money"
)


def _used(row: sqlite3.Row) -> Used:
    return Used(row["up"], row["down"], row["money"])


def _currency(connection: sqlite3.Connection) -> str:
    return tariff.from_json(read_setting(connection, tariff.SETTING, {})).currency


def price_at(connection: sqlite3.Connection, at: datetime | None = None) -> tuple[str, int]:
    """Return the currency and the price of a moment: now, if no other is given."""
    prices = tariff.from_json(read_setting(connection, tariff.SETTING, {}))
    at = at or relaytime.now() or datetime.now(UTC)
    return prices.currency, prices.price_at(at.astimezone(zone(connection)).time())


def _priced(connection: sqlite3.Connection, size: int) -> tuple[str, int]:
    """Return currency and price of bytes that cross the link at this hour."""
    currency, price = price_at(connection)
    return currency, tariff.money(size, price)


def _forget(connection: sqlite3.Connection) -> None:
    """Keep the last 400 days on which something was counted: a relay's clock may have been off."""
    connection.execute(
        "DELETE FROM traffic WHERE day NOT IN"
        " (SELECT DISTINCT day FROM traffic ORDER BY day DESC LIMIT ?)",
        (DAYS_KEPT,),
    )
    connection.execute("DELETE FROM share WHERE day < (SELECT min(day) FROM traffic)")
