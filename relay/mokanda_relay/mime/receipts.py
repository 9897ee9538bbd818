# SPDX-License-Identifier: Apache-2.0
"""Receipts: what became of a mail at its reader's (message disposition notifications, RFC 8098)."""

from email.message import Message as Part
from typing import NamedTuple

from mokanda_relay.mime.headers import Headers, parts_of
from mokanda_wire.message import DELETED, DISPLAYED

MEDIA_TYPE = "message/disposition-notification"

_SAID = {DISPLAYED: "[Your letter was opened.]", DELETED: "[Your letter was deleted.]"}


class Receipt(NamedTuple):
    """DISPLAYED or DELETED, the same in words, and which mail, by its Message-ID ("": unknown)."""

    kind: str
    words: str
    message_id: str


def is_one(part: Part) -> bool:
    """Whether a part is a receipt."""
    return part.get_content_type() == MEDIA_TYPE


def read(part: Part) -> Receipt | None:
    """Read the part of a mail that is a receipt; None where it says neither."""
    for headers in map(Headers, parts_of(part)):
        kind = headers.text("disposition").rpartition(";")[2].partition("/")[0].strip().lower()
        ids = headers.message_ids("original-message-id")
        if kind in _SAID:
            return Receipt(kind, _SAID[kind], ids[0] if ids else "")
    return None
