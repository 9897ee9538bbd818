# SPDX-License-Identifier: Apache-2.0
"""Accounts and mails for the tests of the store."""

import hashlib
from datetime import UTC, datetime

from mokanda_firmware.mailbox.store.database import Store
from mokanda_wire.bundle import Bundle, Decoded, Item
from mokanda_wire.history import Record
from mokanda_wire.message import Attachment, Mailbox, Message

DOMAIN = "boende.example"
NOTHING = Record(b"", ()).dump()  # what a bundle adds to the history


def add_account(store: Store, name: str) -> int:
    """Add an account without the cost of a password."""
    with store.transaction() as connection:
        number = connection.execute(
            "INSERT INTO account (name, display_name, password, created) VALUES (?, ?, '', 0)",
            (name, name.title()),
        ).lastrowid
    assert number is not None
    return number


def letter(
    message_id: str = "1@boende.example",
    *,
    sender: str = "awa@boende.example",
    to: str = "ben@boende.example",
    subject: str = "Mbote",
    text: str = "Ndenge nini?",
    **others: object,
) -> Message:
    """Make a mail."""
    return Message(
        message_id=message_id,
        date=datetime(2026, 3, 1, 12, tzinfo=UTC),
        sender=Mailbox(sender),
        to=(Mailbox(to),),
        cc=(),
        subject=subject,
        text=text,
        **others,  # type: ignore[arg-type]
    )


def attached(content: bytes, name: str = "photo.jpg") -> Attachment:
    """Describe `content` as an attachment."""
    return Attachment(name, "image/jpeg", hashlib.sha256(content).hexdigest(), len(content))


def bundle_down(
    sequence: int,
    *items: Item,
    contents: dict[str, bytes] | None = None,
    costs: tuple[int, ...] = (),
) -> Decoded:
    """Make a bundle from the relay, as it was read."""
    created = datetime(2026, 3, 1, tzinfo=UTC)
    bundle = Bundle("boende", "down", sequence, created, items, contents or {})
    return Decoded(bundle, NOTHING, costs)


def folders(store: Store) -> list[tuple[str, str, str]]:
    """Return who has what where: (account, Message-ID, folder) in order."""
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT name, message_id, folder FROM entry"
            " JOIN account ON account.id = entry.account"
            " JOIN message ON message.id = entry.message ORDER BY name, entry.id"
        )
        return [tuple(row) for row in rows]
