# SPDX-License-Identifier: Apache-2.0
"""The villagers' accounts and their passwords."""

import base64
import hashlib
import hmac
import secrets
import sqlite3
import threading
import unicodedata
from typing import NamedTuple

from mokanda_firmware.mailbox.people import codes, first_steps, reserved_names
from mokanda_firmware.mailbox.store import clock
from mokanda_firmware.mailbox.store.database import Store
from mokanda_wire.role_names import ROLE_NAMES

MIN_PASSWORD = 8
MAX_PASSWORD = 200
# scrypt takes 128 * r * n = 16 MiB; on a board of 256 MiB two at a time are as many as it can bear.
_COST_LOG2, _BLOCK, _PARALLEL = 14, 8, 1
_hashing = threading.BoundedSemaphore(2)


class NameTaken(Exception):  # noqa: N818 - reads better where it is caught
    """Another account has this name, or this alias."""


class NameReserved(NameTaken):
    """Its owner was deleted, not long ago."""


class Account(NamedTuple):
    """A villager; `name` is the local part of the address, times are seconds since 1970."""

    id: int
    name: str
    display_name: str
    role: str
    language: str
    suspended: bool
    must_change: bool  # the password, before anything else
    recoverable: bool  # by a code that was written down
    quota: int | None  # bytes; None is as for everybody, 0 no end
    budget: int | None  # bytes a day on the link; None is as for everybody
    signature: str
    created: int
    last_seen: int | None

    @property
    def is_keeper(self) -> bool:
        """Whether the keeper's pages are for this one."""
        return self.role == "keeper"

    @property
    def is_helper(self) -> bool:
        """Whether the pages for those who help the keeper are for this one."""
        return self.role in {"helper", "keeper"}


def register(store: Store, name: str, display_name: str, password: str, language: str) -> Account:
    """Make an account; the first one of a device is its keeper's.

    Raises:
        NameTaken: another account has this name, or had it (`NameReserved`), or it is a role's.
        StoreError: or one of its kinds; there is no new account.
    """
    if name in ROLE_NAMES:
        raise NameTaken(name)
    hashed = hash_password(password)
    with store.adding() as connection:
        if connection.execute("SELECT 1 FROM alias WHERE name = ?", (name,)).fetchone():
            raise NameTaken(name)
        if reserved_names.is_reserved(connection, name):
            raise NameReserved(name)
        try:
            number = connection.execute(
                "INSERT INTO account (name, display_name, password, language, created, role)"
                " SELECT ?, ?, ?, ?, ?,"
                " CASE WHEN EXISTS (SELECT 1 FROM account) THEN 'villager' ELSE 'keeper' END",
                (name, display_name, hashed, language, clock.now()),
            ).lastrowid
        except sqlite3.IntegrityError as error:
            raise NameTaken(name) from error
        account = from_row(
            connection.execute("SELECT * FROM account WHERE id = ?", (number,)).fetchone()
        )
        if account.is_keeper:
            first_steps.begin(connection)
    return account


def authenticate(store: Store, name: str, password: str) -> Account | None:
    """Return the account of this name if the password is right, in the same time if not."""
    with store.reading() as connection:
        row = connection.execute("SELECT * FROM account WHERE name = ?", (name,)).fetchone()
    right = matches(password, _NOBODY if row is None else row["password"])
    return from_row(row) if right and row is not None else None


def new_recovery_code(store: Store, account: int) -> str:
    """Give an account a code that opens it once when its password is forgotten; return it."""
    code = codes.new_code(3)
    hashed = hash_password(codes.normalized(code))
    with store.transaction() as connection:
        connection.execute("UPDATE account SET recovery = ? WHERE id = ?", (hashed, account))
    return code


def recover(store: Store, name: str, code: str, password: str) -> Account | None:
    """Set the password of who knows the recovery code, which is used up; end every session.

    Returns None, in the same time, when the code is not that of the account.
    """
    with store.reading() as connection:
        row = connection.execute("SELECT * FROM account WHERE name = ?", (name,)).fetchone()
    kept = "" if row is None else row["recovery"]
    if not matches(codes.normalized(code), kept or _NOBODY) or row is None or not kept:
        return None
    hashed = hash_password(password)
    with store.transaction() as connection:
        connection.execute(
            "UPDATE account SET password = ?, must_change = 0, recovery = '' WHERE id = ?",
            (hashed, row["id"]),
        )
        connection.execute("DELETE FROM session WHERE account = ?", (row["id"],))
    return from_row(row)._replace(must_change=False, recoverable=False)


def set_password(store: Store, account: int, password: str) -> None:
    """Replace the password, and end every session of the account."""
    hashed = hash_password(password)
    with store.transaction() as connection:
        connection.execute(
            "UPDATE account SET password = ?, must_change = 0 WHERE id = ?", (hashed, account)
        )
        connection.execute("DELETE FROM session WHERE account = ?", (account,))


def set_display_name(store: Store, account: int, display_name: str) -> None:
    """Show this name on the letters that the account writes from now on."""
    with store.transaction() as connection:
        connection.execute(
            "UPDATE account SET display_name = ? WHERE id = ?", (display_name, account)
        )


def set_signature(store: Store, account: int, signature: str) -> None:
    """Put this below the letters that the account begins from now on."""
    with store.transaction() as connection:
        connection.execute("UPDATE account SET signature = ? WHERE id = ?", (signature, account))


def set_language(store: Store, account: int, language: str) -> None:
    """Show this account's pages in `language`."""
    with store.transaction() as connection:
        connection.execute("UPDATE account SET language = ? WHERE id = ?", (language, account))


def count(store: Store) -> int:
    """Return how many accounts there are."""
    with store.reading() as connection:
        return int(connection.execute("SELECT count(*) FROM account").fetchone()[0])


def from_row(row: sqlite3.Row) -> Account:
    """Make an account of a row of its table."""
    return Account(
        id=row["id"],
        name=row["name"],
        display_name=row["display_name"],
        role=row["role"],
        language=row["language"],
        suspended=bool(row["suspended"]),
        must_change=bool(row["must_change"]),
        recoverable=bool(row["recovery"]),
        quota=row["quota"],
        budget=row["budget"],
        signature=row["signature"],
        created=row["created"],
        last_seen=row["last_seen"],
    )


def hash_password(password: str) -> str:
    """Return what the store keeps of a password."""
    salt = secrets.token_bytes(16)
    key = _scrypt(password, salt, _COST_LOG2, _BLOCK, _PARALLEL)
    texts = [base64.b64encode(part).decode() for part in (salt, key)]
    return "$".join(["scrypt", str(_COST_LOG2), str(_BLOCK), str(_PARALLEL), *texts])


def matches(password: str, hashed: str) -> bool:
    """Whether this is the password of which `hash_password` has made `hashed`.

    Raises:
        ValueError: nothing is a hash like this.
    """
    _, cost, block, parallel, salt, key = hashed.split("$")
    found = _scrypt(password, base64.b64decode(salt), int(cost), int(block), int(parallel))
    return hmac.compare_digest(found, base64.b64decode(key))


def _scrypt(password: str, salt: bytes, cost: int, block: int, parallel: int) -> bytes:
    # The same password may be typed as different characters on different phones.
    text = unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
    n = 1 << cost
    with _hashing:
        return hashlib.scrypt(
            text, salt=salt, n=n, r=block, p=parallel, maxmem=2 * 128 * block * n, dklen=32
        )


# What no password matches, for names that nobody has.
_NOBODY = "$".join(
    ["scrypt", str(_COST_LOG2), str(_BLOCK), str(_PARALLEL), *["AAAAAAAAAAAAAAAAAAAAAA=="] * 2]
)
