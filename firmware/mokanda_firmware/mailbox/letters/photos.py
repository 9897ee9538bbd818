# SPDX-License-Identifier: Apache-2.0
"""Photos of letters not yet sent, in two sizes: their writer chooses, until they have left."""

import sqlite3
from typing import Literal, NamedTuple

from mokanda_firmware.mailbox.store import at_relay
from mokanda_firmware.mailbox.store.database import Store
from mokanda_wire.message import Attachment

Choice = Literal["small", "whole"]


class Sizes(NamedTuple):
    """A photo made smaller, and as it was; `chosen` is what its letter has now."""

    small: Attachment
    whole: Attachment
    chosen: Choice


def sizes(store: Store, account: int, part: Attachment) -> Sizes | None:
    """Return both sizes of a photo that the account has made smaller; None for other files."""
    with store.reading() as connection:
        row = connection.execute(
            "SELECT * FROM smaller_photo WHERE account = :account"
            " AND (digest = :digest OR whole = :digest) LIMIT 1",
            {"account": account, "digest": part.digest},
        ).fetchone()
    if row is None:
        return None
    small = part._replace(digest=row["digest"], size=row["size"])
    whole = part._replace(digest=row["whole"], size=row["whole_size"])
    try:
        return Sizes(
            _in_its_form(store, small),
            _in_its_form(store, whole),
            "small" if part.digest == row["digest"] else "whole",
        )
    except FileNotFoundError:
        return None


def is_at_relay(store: Store, part: Attachment) -> bool:
    """Whether the relay holds a file as it is, so that only its name has to go up."""
    with store.reading() as connection:
        return at_relay.holds(connection, part.original or part.digest)


def keep_smaller(store: Store, account: int, whole: Attachment, data: bytes) -> Attachment:
    """Keep a photo made smaller beside the one that it was made of; return it.

    Raises:
        StoreFull: there is no room.
    """
    with store.incoming_attachment() as incoming:
        incoming.write(data)
        kept = whole._replace(digest=incoming.keep(), size=len(data))
    small = _in_its_form(store, kept)
    with store.transaction() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO smaller_photo (account, digest, size, whole, whole_size)"
            " VALUES (?, ?, ?, ?, ?)",
            (account, small.digest, small.size, whole.digest, whole.size),
        )
    return small


def _in_its_form(store: Store, part: Attachment) -> Attachment:
    """Rename a photo where its two sizes differ in form, as a PNG may become a JPEG."""
    formed = store.attachments.in_its_form(part)
    return part if part.media_type == formed.media_type else formed


def forget_sent(connection: sqlite3.Connection) -> None:
    """Forget the sizes of photos whose letters are no drafts and do not wait any more."""
    connection.execute(
        "DELETE FROM smaller_photo WHERE NOT EXISTS ("
        " SELECT 1 FROM draft_attachment JOIN draft ON draft.id = draft"
        " WHERE draft.account = smaller_photo.account"
        " AND draft_attachment.digest IN (smaller_photo.digest, smaller_photo.whole))"
        " AND NOT EXISTS ("
        " SELECT 1 FROM attachment JOIN outgoing ON outgoing.message = attachment.message"
        " WHERE outgoing.state = 'waiting'"
        " AND attachment.digest IN (smaller_photo.digest, smaller_photo.whole))"
    )
