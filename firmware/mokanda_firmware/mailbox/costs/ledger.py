# SPDX-License-Identifier: Apache-2.0
"""The villagers' credit: what each of them has paid in, and what their letters have cost since.

Nothing is counted until the keeper switches it on. Entries are appended and never changed. Money is
in billionths of its currency.

What the link costs by the tariff is divided in the transaction that records a mail run: among the
villagers whose letters came to their end since the last one, by the bytes of their letters, to the
last billionth. The rest is the village's own, and keepers' letters are among it. What a power cut
leaves undivided is divided with the next run, so all of it is, and nothing twice.
"""

import sqlite3
from collections.abc import Hashable, Mapping
from typing import Literal, NamedTuple, Self, TypeVar

from mokanda_firmware.mailbox.store import clock
from mokanda_firmware.mailbox.store.database import Store
from mokanda_firmware.mailbox.store.settings import read_setting

SETTING = "credit"
Kind = Literal["paid", "returned", "corrected", "spent", "left"]
_BY_KEEPER = ("paid", "returned")  # what may be corrected
_Whose = TypeVar("_Whose", bound=Hashable)


class MoreThanHeldError(Exception):
    """More is to be paid back than there is."""


class FormUsedError(Exception):
    """The form has brought another payment already."""


class NotCorrectableError(Exception):
    """There is no such payment, it is undone already, or its villager is deleted."""


class Rules(NamedTuple):
    """Whether villagers pay for their letters, and whether letters wait where credit is used up."""

    on: bool = False
    refuse: bool = False

    @classmethod
    def read(cls, connection: sqlite3.Connection) -> Self:
        """Return the village's rules; what cannot be read counts as off."""
        value = read_setting(connection, SETTING, {})
        if not isinstance(value, dict):
            return cls()
        return cls(value.get("on") is True, value.get("refuse") is True)

    @classmethod
    def of(cls, store: Store) -> Self:
        """Return the village's rules."""
        with store.reading() as connection:
            return cls.read(connection)

    def to_json(self) -> dict[str, bool]:
        """Write them for the store's settings."""
        return {"on": self.on, "refuse": self.refuse}


class Entry(NamedTuple):
    """A line of the ledger; the balance grows by `amount`.

    `size` is the bytes of the letters that were paid for, `corrected_by` the entry that undoes
    this one, `account` None for the village itself. Names are local parts.
    """

    number: int
    at: int
    kind: Kind
    account: int | None
    name: str
    currency: str
    amount: int
    size: int
    actor: str
    corrects: int | None
    corrected_by: int | None

    @property
    def is_payment(self) -> bool:
        """Whether a keeper has written it: there is a receipt."""
        return bool(self.actor)

    @property
    def is_correctable(self) -> bool:
        """Whether a counter-entry may undo it."""
        return self.kind in _BY_KEEPER and self.corrected_by is None


class Totals(NamedTuple):
    """All money of one currency since the ledger is kept.

    `moved` is what villagers' balances have grown by, by kind. Of what the `link` has cost, `own`
    is the village's, and `open` not divided yet.
    """

    currency: str
    moved: Mapping[str, int]
    own: int
    open: int
    link: int

    @property
    def held(self) -> int:
        """What the village holds for its villagers, debts taken off."""
        return sum(self.moved.values())

    @property
    def spent(self) -> int:
        """What villagers have paid for their letters."""
        return -self.moved.get("spent", 0)

    @property
    def agree(self) -> bool:
        """Whether all that the link has cost stands in the ledger; not where rows were lost."""
        return self.spent + self.own + self.open == self.link


def count(connection: sqlite3.Connection, currency: str, size: int, money: int) -> None:
    """Note bytes that have crossed the link and their price, to be divided."""
    if currency and Rules.read(connection).on:
        connection.execute(
            "INSERT INTO link_cost (currency, money, open_money, open_bytes)"
            " VALUES (:currency, :money, :money, :size) ON CONFLICT DO UPDATE SET"
            " money = money + :money, open_money = open_money + :money,"
            " open_bytes = open_bytes + :size",
            {"currency": currency, "money": money, "size": size},
        )


def share(connection: sqlite3.Connection, account: int, currency: str, size: int) -> None:
    """Note bytes of a bundle that a villager's letter has taken."""
    if currency and Rules.read(connection).on:
        connection.execute(
            "INSERT INTO open_share (currency, account, bytes) VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET bytes = bytes + excluded.bytes",
            (currency, account, size),
        )


def divide(connection: sqlite3.Connection, *, complete: bool) -> None:
    """Divide what the link has cost since the last time.

    Unless it is `complete`, part of a letter may have crossed: what would be the village's own
    stays undivided until the letter is there.
    """
    is_on = Rules.read(connection).on
    for cost in connection.execute("SELECT * FROM link_cost WHERE open_bytes > 0").fetchall():
        currency, money, size = cost["currency"], cost["open_money"], cost["open_bytes"]
        shares = _shares(connection, currency) if is_on else {}
        rest = max(0, size - sum(shares.values()))
        sizes: dict[int | None, int] = {None: rest, **shares}
        parts = apportioned(money, sizes if shares else {**sizes, None: 1})
        for account, part in parts.items():
            if part and (complete or account is not None):
                _append(connection, "spent", account, currency, -part, size=sizes[account])
        connection.execute(
            "UPDATE link_cost SET open_money = ?, open_bytes = ? WHERE currency = ?",
            (*((0, 0) if complete else (parts[None], rest)), currency),
        )
    connection.execute("DELETE FROM open_share")


def apportioned(total: int, weights: Mapping[_Whose, int]) -> dict[_Whose, int]:
    """Divide a total by weights, of which one is not 0, into whole parts that sum up to it.

    Those whose parts were cut most get the units that are left: the largest remainders, of equal
    ones the first.
    """
    whole = sum(weights.values())
    parts = {whose: divmod(total * weight, whole) for whose, weight in weights.items()}
    left = total - sum(part for part, _ in parts.values())
    favoured = set(sorted(parts, key=lambda whose: -parts[whose][1])[:left])
    return {whose: part + (whose in favoured) for whose, (part, _) in parts.items()}


def pay(
    store: Store, actor: str, account: int, amount: int, currency: str, once: str
) -> int | None:
    """Take in what a villager pays, or pay it back where it is below 0; return the entry.

    The same form brings one entry, however often it comes. None when there is no such account.

    Raises:
        MoreThanHeldError: more is to be paid back than the balance is.
        FormUsedError: the form has brought another payment.
    """
    payment = (account, currency, amount)
    with store.transaction() as connection:
        row = connection.execute("SELECT * FROM ledger WHERE once = ?", (once,)).fetchone()
        if row is not None:
            if (row["account"], row["currency"], row["amount"]) != payment:
                raise FormUsedError
            return int(row["id"])
        if not _is_here(connection, account):
            return None
        if amount < 0 and _balances(connection, account).get(currency, 0) + amount < 0:
            raise MoreThanHeldError
        kind: Kind = "paid" if amount > 0 else "returned"
        return _append(connection, kind, account, currency, amount, actor=actor, once=once)


def correct(store: Store, actor: str, number: int) -> int:
    """Undo a payment by a counter-entry; return it.

    Raises:
        NotCorrectableError: there is none, it is undone, or its villager is deleted.
    """
    with store.transaction() as connection:
        wrong = _entry(connection, number)
        if wrong is None or not (wrong.is_correctable and _is_here(connection, wrong.account)):
            raise NotCorrectableError
        account, currency, amount = wrong.account, wrong.currency, -wrong.amount
        return _append(
            connection, "corrected", account, currency, amount, actor=actor, corrects=number
        )


def close(connection: sqlite3.Connection, actor: str, account: int) -> None:
    """Leave what an account still has, or owes, to the village, as it is about to be deleted."""
    for currency, amount in _balances(connection, account).items():
        _append(connection, "left", account, currency, -amount, actor=actor)


def balances(store: Store, account: int) -> dict[str, int]:
    """Return what a villager has by currency, below 0 what they owe; nothing is left out."""
    with store.reading() as connection:
        return _balances(connection, account)


def all_balances(store: Store) -> dict[int, dict[str, int]]:
    """Return `balances` of all accounts that have any."""
    found: dict[int, dict[str, int]] = {}
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT account, currency, sum(amount) AS amount FROM ledger"
            " WHERE account IS NOT NULL GROUP BY account, currency HAVING sum(amount) <> 0"
        )
        for row in rows:
            found.setdefault(row["account"], {})[row["currency"]] = row["amount"]
    return found


def held(store: Store, currency: str) -> int:
    """Return the credit of all villagers in a currency; what others owe is not taken off."""
    return sum(max(0, each.get(currency, 0)) for each in all_balances(store).values())


def gone(store: Store) -> dict[int, Entry]:
    """Return the last entry of each account that is deleted, the latest first."""
    with store.reading() as connection:
        rows = connection.execute(
            f"{_ENTRIES} WHERE ledger.id IN"  # noqa: S608 - constants
            " (SELECT max(id) FROM ledger WHERE account IS NOT NULL"
            " AND account NOT IN (SELECT id FROM account) GROUP BY account)"
            " ORDER BY ledger.id DESC"
        )
        return {row["account"]: _from_row(row) for row in rows}


def entries(store: Store, account: int, limit: int, before: int | None = None) -> list[Entry]:
    """Return the last entries of a villager, or those before one of them, the latest first."""
    with store.reading() as connection:
        rows = connection.execute(
            f"{_ENTRIES} WHERE ledger.account = ? AND ledger.id < ?"
            " ORDER BY ledger.id DESC LIMIT ?",
            (account, 1 << 62 if before is None else before, limit),
        )
        return [_from_row(row) for row in rows]


def receipt(store: Store, number: int) -> tuple[Entry, int] | None:
    """Return a payment and the balance after it; None where there is none of this number."""
    with store.reading() as connection:
        entry = _entry(connection, number)
        if entry is None or not entry.is_payment:
            return None
        row = connection.execute(
            "SELECT sum(amount) FROM ledger WHERE account = ? AND currency = ? AND id <= ?",
            (entry.account, entry.currency, number),
        ).fetchone()
        return entry, row[0]


def is_used(store: Store) -> bool:
    """Whether there is anything in the ledger."""
    with store.reading() as connection:
        return connection.execute("SELECT 1 FROM ledger LIMIT 1").fetchone() is not None


def totals(store: Store) -> list[Totals]:
    """Return the totals of each currency that there has been."""
    with store.reading() as connection:
        costs = {row["currency"]: row for row in connection.execute("SELECT * FROM link_cost")}
        moved: dict[str, dict[str, int]] = {currency: {} for currency in costs}
        own: dict[str, int] = {}
        for row in connection.execute(
            "SELECT currency, kind, account IS NULL AS is_own, sum(amount) AS amount"
            " FROM ledger GROUP BY currency, kind, is_own"
        ):
            kinds = moved.setdefault(row["currency"], {})
            if row["is_own"]:
                own[row["currency"]] = -row["amount"]
            else:
                kinds[row["kind"]] = row["amount"]
    return [
        Totals(
            currency,
            kinds,
            own.get(currency, 0),
            costs[currency]["open_money"] if currency in costs else 0,
            costs[currency]["money"] if currency in costs else 0,
        )
        for currency, kinds in sorted(moved.items())
    ]


_ENTRIES = (
    "SELECT ledger.*, other.id AS corrected_by FROM ledger"
    " LEFT JOIN ledger AS other ON other.corrects = ledger.id"
)


def _append(
    connection: sqlite3.Connection,
    kind: Kind,
    account: int | None,
    currency: str,
    amount: int,
    *,
    size: int = 0,
    actor: str = "",
    corrects: int | None = None,
    once: str | None = None,
) -> int:
    number = connection.execute(
        "INSERT INTO ledger"
        " (at, kind, account, name, currency, amount, bytes, actor, corrects, once) VALUES"
        " (?, ?, ?, coalesce((SELECT name FROM account WHERE id = ?), ''), ?, ?, ?, ?, ?, ?)",
        (
            *(clock.now(), kind, account, account),
            *(currency, amount, size, actor, corrects, once),
        ),
    ).lastrowid
    assert number is not None
    return number


def _balances(connection: sqlite3.Connection, account: int) -> dict[str, int]:
    rows = connection.execute(
        "SELECT currency, sum(amount) FROM ledger WHERE account = ?"
        " GROUP BY currency HAVING sum(amount) <> 0",
        (account,),
    )
    return dict(tuple(row) for row in rows)


def _is_here(connection: sqlite3.Connection, account: int | None) -> bool:
    row = connection.execute("SELECT 1 FROM account WHERE id = ?", (account,)).fetchone()
    return row is not None


def _shares(connection: sqlite3.Connection, currency: str) -> dict[int | None, int]:
    """Return the bytes that each villager is to pay for; keepers pay for none."""
    rows = connection.execute(
        "SELECT account, bytes FROM open_share JOIN account ON account.id = open_share.account"
        " WHERE currency = ? AND bytes > 0 AND role <> 'keeper' ORDER BY account",
        (currency,),
    )
    return {row["account"]: row["bytes"] for row in rows}


def _entry(connection: sqlite3.Connection, number: int) -> Entry | None:
    row = connection.execute(f"{_ENTRIES} WHERE ledger.id = ?", (number,)).fetchone()
    return None if row is None else _from_row(row)


def _from_row(row: sqlite3.Row) -> Entry:
    return Entry(
        row["id"],
        row["at"],
        row["kind"],
        row["account"],
        row["name"],
        row["currency"],
        row["amount"],
        row["bytes"],
        row["actor"],
        row["corrects"],
        row["corrected_by"],
    )
