# SPDX-License-Identifier: Apache-2.0
"""A mail as people read it."""

import base64
import hashlib
import secrets
from datetime import UTC, datetime
from typing import Any, NamedTuple

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9000, 1, 1, tzinfo=UTC)  # no zone or pause takes it out of what a datetime can be
# What a relay notes of a mail.
CUT = "cut"
UNREAD = "unread"
ENCRYPTED = "encrypted"
DISPLAYED = "displayed"
DELETED = "deleted"
NOTES = (CUT, UNREAD, ENCRYPTED, DISPLAYED, DELETED)
# What a relay knows of whether a mail is of whom it names as its writer.
PASSED = "passed"
FAILED = "failed"


class Mailbox(NamedTuple):
    """A person or list: the address, and the name shown for it."""

    address: str
    name: str = ""


class Attachment(NamedTuple):
    """A file of a mail; its content is kept elsewhere under `digest`, its SHA-256 in hex.

    `size` is in bytes; `content_id`, without <>, is set on images that the HTML refers to.
    Where a relay sent less than it got, `original` is the digest of the file as it was, and
    `original_size` its size: the content is then a smaller picture (JPEG or WebP) or voice (Ogg
    Opus), whatever the media type of the original is; or, if `digest` is the same, was held back.
    """

    name: str
    media_type: str
    digest: str
    size: int
    content_id: str = ""
    original: str = ""
    original_size: int = 0

    @property
    def held_back(self) -> bool:
        """Whether it travels without its content, which can be asked for."""
        return self.digest == self.original


class Message(NamedTuple):
    """A mail as its reader sees it.

    `message_id`, `in_reply_to` and `references` are without <>; `date` is aware, in UTC
    and whole seconds; lines of `text` and `html` end in LF. When there is `html`, `text`
    says the same without markup. No person has written an `automatic` mail to its reader alone:
    it is of a list, a robot or a note of absence, and must not be answered by one (RFC 3834).

    `note` is a word by which a relay says what it has made of a mail, "" for nothing: CUT of a long
    text, whose whole is the first attachment; UNREAD of a mail that it could not read, which is
    that attachment; ENCRYPTED of one that only its reader's own key could open; DISPLAYED or
    DELETED of a receipt without words of its own, which says what became of a letter (RFC 8098).
    The last line of `text` then says the same, for readers without the word.

    `proof` is PASSED where the domain of `sender` has vouched for the mail (SPF, DKIM), FAILED
    where it seems to be somebody else's, "" where nothing is known. `list_post` is the address of
    the mailing list that the mail is of, to which an answer for all goes (RFC 2369), "" for none.
    `others` is how many more people than those in `to` and `cc` it went to. Its reader
    `can_unsubscribe` from what it is of, by the relay.
    """

    message_id: str
    date: datetime
    sender: Mailbox
    to: tuple[Mailbox, ...]
    cc: tuple[Mailbox, ...]
    subject: str
    text: str
    html: str = ""
    reply_to: tuple[Mailbox, ...] = ()
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    automatic: bool = False
    note: str = ""
    proof: str = ""
    list_post: str = ""
    others: int = 0
    can_unsubscribe: bool = False

    @property
    def words(self) -> str:
        """The text without the line that says what `note` does."""
        return self.text.rpartition("\n")[0] if self.note in NOTES else self.text

    def by_names(self) -> dict[str, Any]:
        """All that it says, by the names of the fields, with a dictionary for each record in it."""
        return {name: _by_names(value) for name, value in self._asdict().items()}


def _by_names(value: Any) -> Any:  # noqa: ANN401 - a record, several, or anything else
    if isinstance(value, Mailbox | Attachment):
        return value._asdict()
    return tuple(map(_by_names, value)) if isinstance(value, tuple) else value


def new_message_id(domain: str) -> str:
    """Make a Message-ID (without <>) that nobody else makes."""
    return f"{base64.b32encode(secrets.token_bytes(10)).decode().lower()}@{domain}"


def digest_of(content: bytes) -> str:
    """Name an attachment's content: its SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()
