# SPDX-License-Identifier: Apache-2.0
"""Letters that a villager, or the whole village, does not want to get.

The relay is told, and keeps them back (docs/decisions/0016-strangers.md). What comes all the same
goes into the trash.
"""

import sqlite3
from typing import Any, NamedTuple

from mokanda_firmware.mailbox.people import aliases
from mokanda_firmware.mailbox.store.database import Store
from mokanda_firmware.mailbox.store.settings import read_setting, setting
from mokanda_wire.address import AddressError, domains_of, parse_address
from mokanda_wire.limits import SPAM_SCORE

MAX_BLOCKED = 200  # writers, of a villager or of the village
# Hours of the village's day in which letters of strangers may be kept waiting.
DAY = (6, 21)

SPAM, STRANGERS = "spam_score", "strangers_by_night"  # settings
COUNTS = "blocked_counts"  # setting: how many mails the relay keeps back, by local part

# Domains in which anybody can have an address: all of one is blocked by hand alone.
_OF_EVERYBODY = {
    *("aol.com", "gmail.com", "gmx.com", "gmx.de", "gmx.net", "googlemail.com", "hotmail.com"),
    *("hotmail.fr", "icloud.com", "laposte.net", "live.com", "live.fr", "mail.ru", "me.com"),
    *("msn.com", "orange.fr", "outlook.com", "outlook.fr", "proton.me", "protonmail.com"),
    *("sfr.fr", "wanadoo.fr", "web.de", "yahoo.co.uk", "yahoo.com", "yahoo.fr", "ymail.com"),
}


class TooMany(Exception):  # noqa: N818 - reads better where it is caught
    """As many writers are blocked as can be."""


class Wishes(NamedTuple):
    """What the keeper has chosen for the village: `spam` is a score, None for none."""

    spam: float | None
    strangers_by_night: bool


def parse_writer(text: str) -> str:
    """Return the address or the domain that somebody means.

    Raises:
        AddressError: it is neither.
    """
    text = text.strip().lower()
    text = text.removeprefix("*@").removeprefix("*.")  # everybody of a domain, as some write it
    if "@" in text.lstrip("@"):
        return parse_address(text)
    return parse_address(f"a@{text.lstrip('@')}").removeprefix("a@")


def offered(address: str) -> list[str]:
    """Return what can be blocked of a writer: the address, and its domain if it is somebody's.

    Never a domain above that: whether others have theirs in it only a list of 300 KB could tell.
    """
    try:
        writer = parse_writer(address)
    except AddressError:
        return []
    domain = writer.rpartition("@")[2]
    return [writer] if domain in _OF_EVERYBODY else [writer, domain]


def block(connection: sqlite3.Connection, account: int | None, writer: str) -> None:
    """Block a writer for an account, or (None) for the village.

    Raises:
        TooMany: `MAX_BLOCKED` are blocked already.
    """
    if len(blocked(connection, account)) >= MAX_BLOCKED:
        raise TooMany
    connection.execute(
        "INSERT INTO blocked (account, writer) VALUES (?, ?) ON CONFLICT DO NOTHING",
        (account, writer),
    )


def unblock(connection: sqlite3.Connection, account: int | None, writer: str) -> None:
    """Block a writer no more."""
    connection.execute("DELETE FROM blocked WHERE account IS ? AND writer = ?", (account, writer))


def blocked(connection: sqlite3.Connection, account: int | None) -> list[str]:
    """Return whom an account, or (None) the village, has blocked, in order."""
    rows = connection.execute(
        "SELECT writer FROM blocked WHERE account IS ? ORDER BY writer", (account,)
    )
    return [row["writer"] for row in rows]


def is_blocked(connection: sqlite3.Connection, account: int, address: str) -> bool:
    """Whether letters from this address are not wanted by an account."""
    rows = connection.execute(
        "SELECT writer FROM blocked WHERE account IS NULL OR account = ?", (account,)
    )
    return is_meant(address, {row["writer"] for row in rows})


def newsletters_wait(store: Store, account: int) -> bool:
    """Whether of newsletters only writer and subject come to an account."""
    with store.reading() as connection:
        row = connection.execute(
            "SELECT newsletters_wait FROM account WHERE id = ?", (account,)
        ).fetchone()
        return bool(row["newsletters_wait"])


def let_newsletters_wait(store: Store, account: int, *, wait: bool) -> None:
    """Change that."""
    with store.transaction() as connection:
        connection.execute("UPDATE account SET newsletters_wait = ? WHERE id = ?", (wait, account))


def wishes(store: Store) -> Wishes:
    """Return what the keeper has chosen for the village."""
    spam = setting(store, SPAM, SPAM_SCORE)
    return Wishes(
        float(spam) if isinstance(spam, int | float) else None,
        bool(setting(store, STRANGERS, default=False)),
    )


def kept_back(store: Store, account: int) -> dict[str, int]:
    """Return how many mails of blocked writers the relay keeps, by the names of an account."""
    with store.reading() as connection:
        counts = read_setting(connection, COUNTS, {})
        names = aliases.names_of(connection, account)
        return {name: counts[name] for name in names if counts.get(name)}


def filters(store: Store) -> dict[str, tuple[list[str], dict[str, Any]]]:
    """Return all that the relay has to know, by the account's name, "" for the village.

    For each it is the local parts that it is for, and the fields of a filter.
    """
    chosen = wishes(store)
    village: dict[str, Any] = {}
    if chosen.spam != SPAM_SCORE:
        village["spam"] = chosen.spam
    if chosen.strangers_by_night:
        zone = setting(store, "timezone", "")
        village["day"] = {"from": DAY[0], "to": DAY[1], "zone": zone}
    with store.reading() as connection:
        accounts = connection.execute("SELECT id, name, newsletters_wait FROM account").fetchall()
        names = {row["id"]: [row["name"]] for row in accounts}
        for row in connection.execute("SELECT account, name FROM alias ORDER BY name"):
            names[row["account"]].append(row["name"])
        writers: dict[int | None, list[str]] = {}
        for row in connection.execute("SELECT account, writer FROM blocked ORDER BY writer"):
            writers.setdefault(row["account"], []).append(row["writer"])
    if None in writers:
        village["blocked"] = writers[None]
    found = {"": (list[str](), village)}
    for row in accounts:
        own: dict[str, Any] = {}
        if row["id"] in writers:
            own["blocked"] = writers[row["id"]]
        if row["newsletters_wait"]:
            own["newsletters"] = True
        found[row["name"]] = (names[row["id"]], own)
    return found


def is_meant(address: str, writers: set[str]) -> bool:
    """Whether a writer's address, or a domain that it is in, is among these."""
    address = address.lower()
    return not writers.isdisjoint((address, *domains_of(address)))
