# SPDX-License-Identifier: Apache-2.0
"""The items of a bundle: all that travels between a device and its relay but requests.

mokanda_wire.writer writes them as one text for the codec, mokanda_wire.reader reads it.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal, NamedTuple

from mokanda_wire.message import FAILED, PASSED, Mailbox, Message
from mokanda_wire.text import clean

EventKind = Literal["sent", "delivered", "bounced", "refused"]
ContentRequestKind = Literal["file", "mail", "original", "blocked", "unsubscribe"]

# What a denial says: the relay no longer has it; it is larger than any bundle carries; it is done;
# a mail was written that does it; it cannot be done.
GONE, LARGE, DONE, WRITTEN, UNDONE = "gone", "large", "done", "written", "undone"

# By what letters kinds go in the text.
EVENT_LETTERS: dict[EventKind, str] = {
    "sent": "s",
    "delivered": "d",
    "bounced": "b",
    "refused": "r",
}
CONTENT_REQUEST_LETTERS: dict[ContentRequestKind, str] = {
    "file": "f",
    "mail": "m",
    "original": "o",
    "blocked": "b",
    "unsubscribe": "u",
}
PROOF_LETTERS = {PASSED: "p", FAILED: "f"}


class Unknown(NamedTuple):
    """What a newer version of the other end sent, and this one does not know (yet).

    `text` is the item as it would stand in a bundle of that `format` which is not primed and was
    made at the EPOCH. It may also be a field of a mail, whose `ticket` is then given, without the
    end of its last line.
    """

    text: str
    format: int
    ticket: str = ""

    @property
    def kind(self) -> str:
        """What to call its kind by, for people: the letters that it goes by."""
        return self.text[: 2 if self.text[0] in "\x01EWwG" else 1].replace("\x01", "field ")


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail and its SMTP envelope: full addresses, bcc among them and nowhere else.

    `stub` is the ticket of the stub that went ahead of it, if one did. `ticket`, which its
    reader finds in it, is what to call the mail by in a content request. `unknown` are the fields
    that its reader does not know.
    """

    recipients: tuple[str, ...]
    message: Message
    stub: str = ""
    ticket: str = field(default="", compare=False)
    unknown: tuple[Unknown, ...] = ()


@dataclass(frozen=True, slots=True)
class Stub:
    """Down: a mail that stays at the relay for now; what it is goes ahead.

    `message` has the sender, what is known of who that is (`proof`), the date, subject and
    conversation, and nothing more. `size` says in about how many bytes the mail would come.
    """

    recipients: tuple[str, ...]
    message: Message
    size: int
    ticket: str = field(default="", compare=False)


class Event(NamedTuple):
    """What became of a mail for one of its recipients; `at` is aware, in whole seconds."""

    message_id: str
    recipient: str
    kind: EventKind
    at: datetime
    reason: str = ""


class Residents(NamedTuple):
    """Up: the local parts of every account of the device."""

    names: tuple[str, ...]


class Report(NamedTuple):
    """Up: how the device is (version, signal, errors, storage ...); plain JSON values."""

    fields: dict[str, Any]


class Filter(NamedTuple):
    """Up: what of the mail for these villagers is not to come by itself; without names, for all.

    `names` are all local parts of one villager, `fields` plain JSON values (docs/wire.md). It takes
    the place of the one that was told before.
    """

    names: tuple[str, ...]
    fields: dict[str, Any]


class Blocked(NamedTuple):
    """Down: how many mails of writers that they have blocked the relay keeps, by local part.

    Who is not named has none.
    """

    counts: Mapping[str, int]


class ContentRequest(NamedTuple):
    """Up: what a villager wants of what the relay keeps; or, `withdrawn`, no longer wants.

    `name` is the digest of a "file" (answered by a Grant), or the ticket of a stub whose "mail"
    is wanted (by that Mail), or of a mail, to have it as it came from the world, its "original"
    (by a Grant); or the local part for which stubs are wanted of what is "blocked" (by those, and
    a Denial that says DONE); or the ticket of a mail, to "unsubscribe" from what it is of (a Denial
    says what came of it). `who` is the local part of the villager who asked, "" for the device
    itself.
    """

    kind: ContentRequestKind
    name: str
    who: str = ""
    withdrawn: bool = False


class Grant(NamedTuple):
    """Down: a file that was asked for; with a `ticket`, the original of that mail."""

    digest: str
    size: int
    ticket: str = ""


class Denial(NamedTuple):
    """Down: a content request is answered without a file; `reason` is a word.

    It is GONE or LARGE where it cannot be granted, DONE where there is no more to give. Of
    unsubscribing it says DONE, WRITTEN, UNDONE or GONE.
    """

    kind: ContentRequestKind
    name: str
    reason: str


Item = (
    Mail
    | Stub
    | Event
    | Residents
    | Report
    | Filter
    | Blocked
    | ContentRequest
    | Grant
    | Denial
    | Unknown
)
# Kinds of content requests that readers of every format know.
FIRST_KINDS: tuple[ContentRequestKind, ...] = ("file", "mail", "original")


def files_of(item: Item) -> tuple[str, ...]:
    """The digests of the files whose contents an item may bring along."""
    match item:
        case Mail():
            return tuple(each.digest for each in item.message.attachments if not each.held_back)
        case Grant():
            return (item.digest,)
    return ()


class File(NamedTuple):
    """A content that the bundle carries: where in its table, and how many bytes."""

    place: int
    digest: str
    size: int


class ItemsError(ValueError):
    """The text is not one of items."""


def alias(seed: bytes, index: int, domain: str) -> str:
    """The Message-ID that a bundle's reader gives to the new mail `index` of that bundle."""
    name = sha256(seed + index.to_bytes(4, "big")).digest()[:10]
    return f"{base64.b32encode(name).decode().lower()}@{domain}"


def ticket(seed: bytes, index: int) -> str:
    """What both ends call the mail or stub `index` of a bundle by; it does not travel with it."""
    name = sha256(seed + b"mail" + index.to_bytes(4, "big")).digest()[:10]
    return base64.b32encode(name).decode().lower()


def one_word(text: str) -> str:
    """An address, ticket or Message-ID as it stands in a line: without white space."""
    return "".join(clean(text).split())


def domain_of(sender: Mailbox) -> str:
    """The domain of the names that a reader gives to mails of this sender."""
    return one_word(sender.address).rpartition("@")[2] or "mokanda.invalid"
