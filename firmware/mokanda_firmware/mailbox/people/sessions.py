# SPDX-License-Identifier: Apache-2.0
"""Who is logged in: sessions kept in the store, so that a power cut logs nobody out."""

import contextlib
import hashlib
import secrets

from mokanda_firmware.mailbox.people.accounts import Account, from_row
from mokanda_firmware.mailbox.store import clock
from mokanda_firmware.mailbox.store.database import Store, StoreError

# Long, for a board that starts after a power cut with the date its image was made.
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
        connection.execute("DELETE FROM session WHERE seen < ?", (now - LIFETIME_SECONDS,))
        connection.execute(
            "INSERT INTO session (token, account, seen, shared) VALUES (?, ?, ?, ?)",
            (_hashed(token), account, now, shared),
        )
        connection.execute("UPDATE account SET last_seen = ? WHERE id = ?", (now, account))
    return token


def account_of(store: Store, token: str, *, webp: bool | None = None) -> Account | None:
    """Return who holds this token; None when it is no session, or the account is suspended.

    `webp` says whether the phone takes such pictures, None when it did not say.
    """
    with store.reading() as connection:
        row = connection.execute(
            "SELECT account.*, session.seen, session.webp, session.shared FROM session"
            " JOIN account ON account.id = session.account"
            " WHERE token = ? AND seen > ? - CASE WHEN shared THEN ? ELSE ? END AND NOT suspended",
            (_hashed(token), clock.now(), SHARED_SECONDS, LIFETIME_SECONDS),
        ).fetchone()
    if row is None:
        return None
    takes_webp = bool(row["webp"]) if webp is None else webp
    often = _RECORD_SHARED_EVERY_SECONDS if row["shared"] else _RECORD_EVERY_SECONDS
    if abs(clock.now() - row["seen"]) > often or takes_webp != bool(row["webp"]):
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


def phones_take_webp(store: Store) -> bool:
    """Whether every phone that is logged in takes WebP, and there is one."""
    with store.reading() as connection:
        return bool(connection.execute("SELECT min(webp) FROM session").fetchone()[0])


def _record_visit(store: Store, token: str, account: int, takes_webp: bool) -> None:
    with store.transaction() as connection:
        now = clock.now()
        connection.execute(
            "UPDATE session SET seen = ?, webp = ? WHERE token = ?",
            (now, takes_webp, _hashed(token)),
        )
        connection.execute("UPDATE account SET last_seen = ? WHERE id = ?", (now, account))


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
