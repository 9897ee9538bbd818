# SPDX-License-Identifier: Apache-2.0
"""Automatic replies: who writes to somebody who is away gets one, once a week (RFC 3834)."""

import hashlib
import re
import sqlite3
from datetime import UTC, datetime
from typing import NamedTuple

from mokanda_firmware.mailbox.people import aliases
from mokanda_firmware.mailbox.store import clock, subjects
from mokanda_firmware.mailbox.store.database import Store
from mokanda_wire.address import AddressError, parse_address
from mokanda_wire.message import Mailbox, Message

_AGAIN_SECONDS = 7 * 24 * 3600
# Addresses that no person reads, whatever their mails say of themselves.
_ROBOT = re.compile(
    r"mailer-daemon|postmaster|no-?reply|do-?not-?reply|listserv|majordomo|owner-.*"
    r"|.*-(request|owner|no-?reply)|(.*[+=-])?bounces?([+=-].*)?"
)


class AutoReply(NamedTuple):
    """What is answered, and until when (seconds since 1970; None is until it is taken away)."""

    text: str = ""
    until: int | None = None


def auto_reply(store: Store, account: int) -> AutoReply:
    """Return the account's reply; its text is "" when there is none."""
    with store.reading() as connection:
        row = connection.execute(
            "SELECT absence, absent_until FROM account WHERE id = ?", (account,)
        ).fetchone()
    return AutoReply(row["absence"], row["absent_until"])


def set_auto_reply(store: Store, account: int, new: AutoReply) -> None:
    """Replace the account's reply; everybody gets it anew."""
    with store.transaction() as connection:
        connection.execute(
            "UPDATE account SET absence = ?, absent_until = ? WHERE id = ?",
            (new.text, new.until, account),
        )
        connection.execute("DELETE FROM absence_reply WHERE account = ?", (account,))


def reply_to(
    connection: sqlite3.Connection, account: int, message: Message, domain: str
) -> Message | None:
    """Return the reply to a mail that the account gets, None when none is to be sent.

    Lists, robots, other automatic replies and one's own mail get none, nor does who got one within
    the last week, nor a mail that does not name the account, of this `domain`, among its people.
    """
    row = connection.execute("SELECT * FROM account WHERE id = ?", (account,)).fetchone()
    now = clock.now()
    if not row["absence"] or (row["absent_until"] is not None and now >= row["absent_until"]):
        return None
    is_named = any(
        one.address.lower().endswith(f"@{domain}")
        and aliases.reader_of(connection, one.address) == account
        for one in (*message.to, *message.cc)
    )
    to = _writer(message, domain)
    if message.automatic or not is_named or to is None:
        return None
    is_here = to.address.endswith(f"@{domain}")
    if is_here and aliases.reader_of(connection, to.address) == account:
        return None
    if not _mark_replied(connection, account, to.address, now):
        return None
    key = f"{account} {message.message_id} {to.address}"
    return Message(
        message_id=f"{hashlib.sha256(key.encode()).hexdigest()[:24]}@{domain}",
        date=datetime.fromtimestamp(now, UTC),
        sender=Mailbox(f"{row['name']}@{domain}", row["display_name"]),
        to=(to,),
        cc=(),
        subject=f"Re: {subjects.bare(message.subject)}"[:300],
        text=row["absence"],
        in_reply_to=message.message_id,
        references=(message.message_id,),
        automatic=True,
    )


def _writer(message: Message, domain: str) -> Mailbox | None:
    """Return the person who wrote a mail, None when it is none or cannot be answered."""
    local = message.sender.address.rpartition("@")[0].lower()
    try:
        address = parse_address(message.sender.address)
    except AddressError:
        return None
    is_nobody = address.endswith(".invalid") and not address.endswith(f"@{domain}")  # RFC 2606
    if is_nobody or _ROBOT.fullmatch(local):
        return None
    return Mailbox(address, message.sender.name)


def _mark_replied(connection: sqlite3.Connection, account: int, address: str, now: int) -> bool:
    """Record that the writer gets a reply now; False if that was so lately."""
    last = connection.execute(
        "SELECT at FROM absence_reply WHERE account = ? AND address = ?", (account, address)
    ).fetchone()
    # A clock that went back must not keep anybody from a reply for long.
    if last is not None and abs(now - last["at"]) < _AGAIN_SECONDS:
        return False
    connection.execute(
        "INSERT INTO absence_reply (account, address, at) VALUES (?, ?, ?)"
        " ON CONFLICT DO UPDATE SET at = excluded.at",
        (account, address, now),
    )
    return True
