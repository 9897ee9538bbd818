# SPDX-License-Identifier: Apache-2.0
"""Heads of mails: a thousand recipients cost a village what twenty do."""

from __future__ import annotations

from mokanda_wire.message import Mailbox, Message

MAX_PEOPLE = 20  # of To and Cc together that are named
_MAX_REPLY_TO = 5
_MAX_NAME = 100  # characters
_MAX_SUBJECT = 300


def bounded(message: Message) -> Message:
    """Name the first recipients, and count the others; cut what is long."""
    to = message.to[:MAX_PEOPLE]
    cc = message.cc[: MAX_PEOPLE - len(to)]
    return message._replace(
        sender=_short(message.sender),
        to=tuple(map(_short, to)),
        cc=tuple(map(_short, cc)),
        reply_to=tuple(map(_short, message.reply_to[:_MAX_REPLY_TO])),
        others=len(message.to) + len(message.cc) - len(to) - len(cc),
        subject=_cut(message.subject, _MAX_SUBJECT),
    )


def _short(box: Mailbox) -> Mailbox:
    return Mailbox(box.address, _cut(box.name, _MAX_NAME))


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
