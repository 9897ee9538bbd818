# SPDX-License-Identifier: Apache-2.0
"""What keepers and helpers do to the accounts of others; each act is in the audit trail."""

import sqlite3
from typing import NamedTuple

from mokanda_firmware.mailbox.administration import audit
from mokanda_firmware.mailbox.costs import ledger
from mokanda_firmware.mailbox.letters import entries
from mokanda_firmware.mailbox.people import accounts, codes, reserved_names
from mokanda_firmware.mailbox.people.accounts import Account
from mokanda_firmware.mailbox.store.database import Store

ROLES = ("villager", "helper", "keeper")


class NotAllowed(Exception):  # noqa: N818 - reads better where it is caught
    """This one may not do that to that account."""


class Villager(NamedTuple):
    """An account as its keeper sees it; `size` is the bytes of its letters."""

    account: Account
    letters: int
    size: int


def all_villagers(store: Store) -> list[Villager]:
    """Return every account, by name."""
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT account.*, count(entry.id) AS letters, coalesce(sum(size), 0) AS size"
            " FROM account LEFT JOIN entry ON entry.account = account.id"
            " LEFT JOIN message ON message.id = entry.message"
            " GROUP BY account.id ORDER BY name"
        )
        return [
            Villager(accounts.from_row(row), row["letters"], row["size"]) for row in rows.fetchall()
        ]


def find(store: Store, number: int) -> Account | None:
    """Return the account of this number."""
    with store.reading() as connection:
        row = connection.execute("SELECT * FROM account WHERE id = ?", (number,)).fetchone()
    return None if row is None else accounts.from_row(row)


def may_change(actor: Account, account: Account) -> bool:
    """Whether `actor` may do anything to `account`: keepers to all others, helpers to few."""
    if actor.id == account.id:
        return False
    return actor.is_keeper or (actor.role == "helper" and account.role == "villager")


def suspend(store: Store, actor: Account, number: int, *, suspended: bool) -> None:
    """Keep an account from logging in, and put it out; or let it in again. Its mail still arrives.

    Raises:
        NotAllowed: `actor` may not do this to this account.
    """
    with store.transaction() as connection:
        account = _changeable(connection, actor, number)
        connection.execute("UPDATE account SET suspended = ? WHERE id = ?", (suspended, account.id))
        connection.execute("DELETE FROM session WHERE account = ?", (account.id,))
        audit.record(connection, actor.name, "suspend" if suspended else "unsuspend", account.name)


def reset_password(store: Store, actor: Account, number: int) -> str:
    """Give an account a new password, which it must change when it logs in; return it.

    Raises:
        NotAllowed: `actor` may not do this to this account.
    """
    password = codes.new_code(3)
    hashed = accounts.hash_password(password)
    with store.transaction() as connection:
        account = _changeable(connection, actor, number)
        connection.execute(
            "UPDATE account SET password = ?, must_change = 1 WHERE id = ?", (hashed, account.id)
        )
        connection.execute("DELETE FROM session WHERE account = ?", (account.id,))
        audit.record(connection, actor.name, "reset-password", account.name)
    return password


def keepers(store: Store) -> list[str]:
    """Return the names of the keepers who are not suspended."""
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT name FROM account WHERE role = 'keeper' AND NOT suspended ORDER BY name"
        )
        return [row["name"] for row in rows]


def recover_keeper(store: Store, name: str) -> str:
    """Give a keeper a new recovery code, for who holds the card; return it."""
    code = codes.new_code(3)
    hashed = accounts.hash_password(codes.normalized(code))
    with store.transaction() as connection:
        connection.execute("UPDATE account SET recovery = ? WHERE name = ?", (hashed, name))
        audit.record(connection, name, "card-code", name)
    return code


def set_role(store: Store, actor: Account, number: int, role: str) -> None:
    """Make an account a villager, helper or keeper.

    Raises:
        NotAllowed: `actor` is no keeper, or it is its own account: there is always one keeper.
    """
    with store.transaction() as connection:
        account = _changeable(connection, actor, number, by_keepers=True)
        if role not in ROLES:
            raise NotAllowed
        connection.execute("UPDATE account SET role = ? WHERE id = ?", (role, account.id))
        audit.record(connection, actor.name, f"make-{role}", account.name)


def add(
    store: Store, actor: Account, name: str, display_name: str, language: str
) -> tuple[Account, str]:
    """Make an account for somebody; return it and its password, to be changed at log-in.

    Raises:
        NotAllowed: `actor` is nobody's helper.
        accounts.NameTaken: another account has this name, or had it (`NameReserved`).
    """
    if not actor.is_helper:
        raise NotAllowed
    password = codes.new_code(3)
    account = accounts.register(store, name, display_name, password, language)
    with store.transaction() as connection:
        connection.execute("UPDATE account SET must_change = 1 WHERE id = ?", (account.id,))
        audit.record(connection, actor.name, "add", account.name)
    return account._replace(must_change=True), password


def set_quota(store: Store, actor: Account, number: int, quota: int | None) -> None:
    """Give an account room of its own in bytes, None for as much as everybody has.

    Raises:
        NotAllowed: `actor` may not do this to this account.
    """
    with store.transaction() as connection:
        account = _changeable(connection, actor, number)
        connection.execute("UPDATE account SET quota = ? WHERE id = ?", (quota, account.id))
        audit.record(connection, actor.name, "quota", account.name)


def delete(store: Store, actor: Account, number: int) -> None:
    """Delete an account and its letters, and reserve its names.

    Letters that others have too stay theirs. Credit that was not paid back is the village's.

    Raises:
        NotAllowed: `actor` may not do this to this account.
    """
    with store.transaction() as connection:
        account = _changeable(connection, actor, number, by_keepers=True)
        entries.delete_all(connection, account.id)
        reserved_names.reserve(connection, account.id)
        ledger.close(connection, actor.name, account.id)
        connection.execute("DELETE FROM account WHERE id = ?", (account.id,))
        audit.record(connection, actor.name, "delete", account.name)


def release_name(store: Store, actor: Account, name: str) -> None:
    """Let somebody else have the name of who was deleted, and their mail.

    Raises:
        NotAllowed: `actor` is no keeper, or the name is not reserved.
    """
    with store.transaction() as connection:
        if not actor.is_keeper or not reserved_names.release(connection, name):
            raise NotAllowed
        audit.record(connection, actor.name, "release-name", name)


def record_export(store: Store, actor: Account, number: int) -> Account:
    """Record that the mail of an account is taken out of it; return the account.

    Raises:
        NotAllowed: `actor` may not do this to this account.
    """
    with store.transaction() as connection:
        account = _changeable(connection, actor, number, by_keepers=True)
        audit.record(connection, actor.name, "export", account.name)
        return account


def set_budget(store: Store, actor: Account, number: int, size: int | None) -> None:
    """Give an account a budget of its own in bytes a day, None for the one of everybody.

    Raises:
        NotAllowed: `actor` is no keeper.
    """
    with store.transaction() as connection:
        row = connection.execute("SELECT * FROM account WHERE id = ?", (number,)).fetchone()
        if row is None or not actor.is_keeper:
            raise NotAllowed
        connection.execute("UPDATE account SET budget = ? WHERE id = ?", (size, number))
        audit.record(connection, actor.name, "budget-of", row["name"])


def _changeable(
    connection: sqlite3.Connection, actor: Account, number: int, *, by_keepers: bool = False
) -> Account:
    """Return an account that `actor` may change, `by_keepers` in a way that only they may."""
    row = connection.execute("SELECT * FROM account WHERE id = ?", (number,)).fetchone()
    if row is None or not may_change(actor, accounts.from_row(row)):
        raise NotAllowed
    if by_keepers and not actor.is_keeper:
        raise NotAllowed
    return accounts.from_row(row)
