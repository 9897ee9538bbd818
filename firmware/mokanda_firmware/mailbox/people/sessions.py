# SPDX-License-Identifier: Apache-2.0
"""Who is logged in: sessions kept in the store, so that a power cut logs nobody out.

The clock of a board without a battery may say anything. So the session of a phone of one's own
lasts until housekeeping finds it old, which grows old no faster than all else there does; the one
of a shared phone goes by the seconds of the boot, and ends with that, as nobody knows for how long
the device was off.
"""

import contextlib
import hashlib
import secrets
import sqlite3

from mokanda_firmware import boot
from mokanda_firmware.mailbox.people.accounts import Account, from_row
from mokanda_firmware.mailbox.store import clock
from mokanda_firmware.mailbox.store.database import Store, StoreError

LIFETIME_SECONDS = 180 * 24 * 3600
SHARED_SECONDS = 30 * 60  # unused, on a phone that others use too
# `seen` is written at most this often: each write is one more fsync on an SD card.
_RECORD_EVERY_SECONDS = 3600
_RECORD_SHARED_EVERY_SECONDS = 300


def open_session(store: Store, account: int, *, shared: bool = False) -> str:
    """Log `account` in, on a phone that may be `shared`; return the token for its cookie."""
    token = secrets.token_urlsafe(32)
    with store.transaction() as connection:
        now = clock.now()
        connection.execute(
            "INSERT INTO session (token, account, seen, shared) VALUES (?, ?, ?, ?)",
            (_hashed(token), account, now, shared),
        )
        if shared:
            connection.execute(
                "INSERT INTO shared_session (token, boot, seen) VALUES (?, ?, ?)",
                (_hashed(token), boot.name(), int(boot.seconds())),
            )
        connection.execute("UPDATE account SET last_seen = ? WHERE id = ?", (now, account))
    return token


def account_of(store: Store, token: str, *, webp: bool | None = None) -> Account | None:
    """Return who holds this token; None when it is no session, or the account is suspended.

    `webp` says whether the phone takes such pictures, None when it did not say.
    """
    with store.reading() as connection:
        row = connection.execute(
            "SELECT account.*, session.seen, session.webp, shared_session.seen AS seen_in_boot"
            " FROM session JOIN account ON account.id = session.account"
            " LEFT JOIN shared_session"
            " ON shared_session.token = session.token AND boot = ? AND shared_session.seen > ?"
            " WHERE session.token = ? AND NOT suspended"
            " AND (NOT shared OR shared_session.token IS NOT NULL)",
            (boot.name(), int(boot.seconds()) - SHARED_SECONDS, _hashed(token)),
        ).fetchone()
    if row is None:
        return None
    takes_webp = bool(row["webp"]) if webp is None else webp
    if _is_to_be_recorded(row) or takes_webp != bool(row["webp"]):
        with contextlib.suppress(StoreError):  # a full disk must not keep anyone from reading
            _record_visit(store, token, row["id"], takes_webp)
    return from_row(row)


def is_shared(store: Store, token: str) -> bool:
    """Whether the phone of this session is used by others too."""
    with store.reading() as connection:
        row = connection.execute(
            "SELECT shared FROM session WHERE token = ?", (_hashed(token),)
        ).fetchone()
    return row is not None and bool(row["shared"])


def close_session(store: Store, token: str) -> None:
    """Log this session out; the account's others stay."""
    with store.transaction() as connection:
        connection.execute("DELETE FROM session WHERE token = ?", (_hashed(token),))


def close_old(connection: sqlite3.Connection, now: int) -> None:
    """End the sessions that were not used for their lifetime; `now` is housekeeping's time."""
    connection.execute("DELETE FROM session WHERE seen < ?", (now - LIFETIME_SECONDS,))


def phones_take_webp(store: Store) -> bool:
    """Whether every phone that is logged in takes WebP, and there is one."""
    with store.reading() as connection:
        return bool(connection.execute("SELECT min(webp) FROM session").fetchone()[0])


def _is_to_be_recorded(row: sqlite3.Row) -> bool:
    seen_in_boot: int | None = row["seen_in_boot"]
    if seen_in_boot is not None:
        return boot.seconds() - seen_in_boot > _RECORD_SHARED_EVERY_SECONDS
    return abs(clock.now() - int(row["seen"])) > _RECORD_EVERY_SECONDS


def _record_visit(store: Store, token: str, account: int, takes_webp: bool) -> None:
    with store.transaction() as connection:
        now = clock.now()
        connection.execute(
            "UPDATE session SET seen = ?, webp = ? WHERE token = ?",
            (now, takes_webp, _hashed(token)),
        )
        connection.execute(
            "UPDATE shared_session SET seen = ? WHERE token = ?",
            (int(boot.seconds()), _hashed(token)),
        )
        connection.execute("UPDATE account SET last_seen = ? WHERE id = ?", (now, account))


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
