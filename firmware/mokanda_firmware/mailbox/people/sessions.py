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
# `seen` is written at most this often: each write is one more fsync on an SD card.
_RECORD_EVERY_SECONDS = 3600


def open_session(store: Store, account: int) -> str:
    """Log `account` in; return the token for its cookie."""
    token = secrets.token_urlsafe(32)
    with store.transaction() as connection:
        now = clock.now()
        connection.execute("DELETE FROM session WHERE seen < ?", (now - LIFETIME_SECONDS,))
        connection.execute(
            "INSERT INTO session (token, account, seen) VALUES (?, ?, ?)",
            (_hashed(token), account, now),
        )
        connection.execute("UPDATE account SET last_seen = ? WHERE id = ?", (now, account))
    return token


def account_of(store: Store, token: str, *, webp: bool | None = None) -> Account | None:
    """Return who holds this token; None when it is no session, or the account is suspended.

    `webp` says whether the phone takes such pictures, None when it did not say.
    """
    with store.reading() as connection:
        row = connection.execute(
            "SELECT account.*, session.seen, session.webp FROM session"
            " JOIN account ON account.id = session.account"
            " WHERE token = ? AND seen > ? AND NOT suspended",
            (_hashed(token), clock.now() - LIFETIME_SECONDS),
        ).fetchone()
    if row is None:
        return None
    takes_webp = bool(row["webp"]) if webp is None else webp
    if abs(clock.now() - row["seen"]) > _RECORD_EVERY_SECONDS or takes_webp != bool(row["webp"]):
        with contextlib.suppress(StoreError):  # a full disk must not keep anyone from reading
            _record_visit(store, token, row["id"], takes_webp)
    return from_row(row)


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
