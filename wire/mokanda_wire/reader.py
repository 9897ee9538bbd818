# SPDX-License-Identifier: Apache-2.0
"""The text of a bundle as items: what mokanda_wire.writer wrote, or a newer one.

What is damaged, or passes a bound, is refused. What is only not known here does no harm to the
rest: from format EXTENSIBLE on it comes out as `Unknown`.
"""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, TypeVar

from mokanda_wire import quoting
from mokanda_wire.formats import EXTENSIBLE
from mokanda_wire.history import Generation, History
from mokanda_wire.items import (
    CONTENT_REQUEST_LETTERS,
    EVENT_LETTERS,
    PROOF_LETTERS,
    Blocked,
    ContentRequest,
    Denial,
    Event,
    File,
    Filter,
    Grant,
    Item,
    ItemsError,
    Mail,
    Report,
    Residents,
    Stub,
    Unknown,
    alias,
    domain_of,
    one_word,
    ticket,
)
from mokanda_wire.message import Attachment, Mailbox, Message

T = TypeVar("T")

_MAX_IN_A_FIELD = 2000  # mailboxes, attachments
_MAX_REPORT = 256 * 1024  # characters
_MAX_FILTER = 64 * 1024  # characters
_MAX_WORD = 20  # characters of a note
_MAX_DIGITS = 15  # of a size in bytes


class Reader:
    """Reads what a Writer wrote in a format; `seed` is of the bundle that it came in."""

    def __init__(
        self,
        created: datetime,
        history: History,
        generation: Generation,
        seed: bytes,
        bundle_format: int,
    ) -> None:
        self._date = created
        self._history = history
        self._first = generation.ids_end
        self._seed = seed
        self._format = bundle_format
        self.ids: list[tuple[str, str]] = []
        self._mails = 0

    def read(
        self,
        text: str,
        files: Sequence[File],
        *,
        max_items: int,
        max_text: int,
        max_parts: int = 200_000,
    ) -> list[Item]:
        """Read all items of the text; `max_text` bounds what quotations grow to.

        Mailboxes, references, attachments and unknown fields are `max_parts` at most, in all.

        Raises:
            ItemsError: the text is none of items, or passes a bound.
        """
        self._text, self._at, self._left, self._files = text, 0, max_text, files
        self._parts_left = max_parts
        items: list[Item] = []
        self._ends = [0]
        try:
            while self._at < len(text):
                if len(items) == max_items:
                    raise ItemsError(f"There are more than {max_items} items.")
                items.append(self._item())
                self._ends.append(self._at)
        except (ValueError, IndexError, OverflowError, RecursionError) as error:
            raise ItemsError(f"Item {len(items) + 1} is damaged: {error}") from error
        return items

    def pieces(self) -> list[bytes]:
        """What has been read, item by item."""
        return [self._text[start:end].encode() for start, end in pairwise(self._ends)]

    def _until(self, end: str) -> str:
        start, self._at = self._at, self._text.index(end, self._at) + 1
        return self._text[start : self._at - 1]

    def _item(self) -> Item:
        kind, self._at = self._text[self._at], self._at + 1
        read = _ITEMS.get(kind)
        if read:
            return read(self)
        start = self._at - 1
        self._until("\0")
        return self._unknown(kind, self._text[start : self._at])

    def _unknown(self, letter: str, text: str) -> Unknown:
        """What is not known here, and goes by this letter: no damage where a format allows it."""
        if self._format < EXTENSIBLE or not (letter.isascii() and letter.isalpha()):
            raise ItemsError(f"there is no kind {letter!r}")
        return Unknown(text, self._format)

    def _event(self) -> Event | Unknown:
        line = self._until("\n")
        letter = line[:1]
        reference, recipient, since, reason = line[1:].split("\t", 4)
        message_id = self._message_id(reference, "mokanda.invalid")
        at = self._moment(since)
        kind = _kind_of(letter, EVENT_LETTERS)
        if kind:
            return Event(message_id, recipient, kind, at, reason)
        words = (f"={one_word(message_id)}", recipient, str(int(at.timestamp())), reason)
        return self._unknown(letter, f"E{letter}" + "\t".join(words) + "\n")

    def _residents(self) -> Residents:
        return Residents(self._count(self._until("\n").split(maxsplit=self._parts_left)))

    def _report(self) -> Report:
        return Report(_fields(self._until("\n"), _MAX_REPORT))

    def _filter(self) -> Filter:
        names, _, fields = self._until("\0").partition("\n")
        return Filter(
            self._count(names.split(maxsplit=self._parts_left)), _fields(fields, _MAX_FILTER)
        )

    def _blocked(self) -> Blocked:
        lines = self._count(self._until("\0").split("\n", self._parts_left))
        pairs = [line.split(" ") for line in lines if line]
        return Blocked({name: _size(count) for name, count in pairs})

    def _content_request(self) -> ContentRequest | Unknown:
        first = self._text[self._at - 1]
        line = self._until("\n")
        what, who = line.split("\t", 2)
        kind = _kind_of(what[:1], CONTENT_REQUEST_LETTERS)
        if not kind:
            return self._unknown(what[:1], f"{first}{line}\n")
        return ContentRequest(kind, _content_name(kind, what), who, withdrawn=first == "w")

    def _grant(self) -> Grant:
        name, where = self._until("\n").split("\t", 2)
        return Grant(*self._file(where), name)

    def _denial(self) -> Denial | Unknown:
        line = self._until("\n")
        what, reason = line.split("\t", 2)
        kind = _kind_of(what[:1], CONTENT_REQUEST_LETTERS)
        if not kind:
            return self._unknown(what[:1], f"G{line}\n")
        return Denial(kind, _content_name(kind, what), reason)

    def _head(self) -> tuple[tuple[str, ...], Message, str]:
        """Read the lines that a mail and a stub begin with; return the ticket too."""
        recipients = self._bounded(self._until("\n").split(maxsplit=_MAX_IN_A_FIELD))
        date = self._moment(self._until("\n"))
        sender = _parse_box(self._until("\n"))
        own, *chain = self._ids(self._until("\n"), domain_of(sender))
        message = Message(
            message_id=own,
            date=date,
            sender=sender,
            to=(),
            cc=(),
            subject="",
            text="",
            in_reply_to=chain[0] if chain else "",
            references=tuple(reversed(chain)),
        )
        self._mails += 1
        return recipients, message, ticket(self._seed, self._mails - 1)

    def _stub(self) -> Stub:
        recipients, message, name = self._head()
        message = message._replace(subject=self._until("\n"))
        size = _size(self._until("\n"))
        if self._format >= EXTENSIBLE and self._text.startswith("P", self._at):
            self._at += 1
            message = message._replace(proof=_kind_of(self._until("\0"), PROOF_LETTERS) or "")
        return Stub(recipients, message, size, name)

    def _lone_proof(self) -> Item:
        raise ItemsError("a proof is of no stub")

    def _mail(self) -> Mail:
        recipients, message, name = self._head()
        to, cc = self._boxes(self._until("\n")), self._boxes(self._until("\n"))
        subject = self._until("\n")
        reply_to: tuple[Mailbox, ...] = ()
        attachments: list[Attachment] = []
        html = stub = note = proof = list_post = ""
        automatic = False
        others = 0
        can_unsubscribe = False
        unknown: list[Unknown] = []
        while self._text.startswith("\x01", self._at):
            self._at += 2
            field = self._text[self._at - 1]
            if field == "s":
                stub = self._until("\n")
            elif field == "v":
                automatic = self._until("\n") == ""
            elif field == "n":
                note = self._until("\n")[:_MAX_WORD]
            elif field == "p":
                proof = _kind_of(self._until("\n"), PROOF_LETTERS) or ""
            elif field == "l":
                list_post = self._until("\n")
            elif field == "m":
                others = _size(self._until("\n"))
            elif field == "u":
                can_unsubscribe = self._until("\n") == ""
            elif field == "r":
                reply_to = self._boxes(self._until("\n"))
            elif field == "a":
                attachments.append(self._attachment(self._until("\n")))
                self._check_field(attachments)
            elif field == "h":
                html = self._until("\0")
                self._until("\n")
            else:
                unknown.append(self._unknown_field(field, name))
                self._check_field(unknown)
        text = quoting.restore(self._until("\0"), self._left)
        self._left -= len(text)
        message = message._replace(
            to=to,
            cc=cc,
            subject=subject,
            text=text,
            html=html,
            reply_to=reply_to,
            attachments=tuple(attachments),
            automatic=automatic,
            note=note,
            proof=proof,
            list_post=list_post,
            others=others,
            can_unsubscribe=can_unsubscribe,
        )
        return Mail(recipients, message, stub, name, tuple(unknown))

    def _unknown_field(self, letter: str, name: str) -> Unknown:
        start = self._at - 2
        if letter.isupper():
            self._until("\0")
        self._until("\n")
        return self._unknown(letter, self._text[start : self._at - 1])._replace(ticket=name)

    def _moment(self, since: str) -> datetime:
        self._date += timedelta(seconds=int(since))
        return self._date

    def _boxes(self, line: str) -> tuple[Mailbox, ...]:
        boxes = self._bounded(line.split("\t", _MAX_IN_A_FIELD)) if line else ()
        return tuple(map(_parse_box, boxes))

    def _ids(self, line: str, domain: str) -> list[str]:
        references = self._bounded(line.split(" ", _MAX_IN_A_FIELD))
        return [self._message_id(reference, domain) for reference in references]

    def _bounded(self, values: Sequence[str]) -> tuple[str, ...]:
        if len(values) > _MAX_IN_A_FIELD:
            raise ItemsError("a field is too long")
        return self._count(values)

    def _check_field(self, values: Sequence[object]) -> None:
        """Count the last of these, which come one by one."""
        if len(values) > _MAX_IN_A_FIELD:
            raise ItemsError("a field is too long")
        self._count(("",))

    def _count(self, values: Sequence[str]) -> tuple[str, ...]:
        self._parts_left -= len(values)
        if self._parts_left < 0:
            raise ItemsError("there are too many parts in all")
        return tuple(values)

    def _message_id(self, reference: str, domain: str) -> str:
        if reference == "+":
            own = alias(self._seed, len(self.ids), domain)
            self.ids.append((own, own))
        elif reference.startswith("="):
            own = self._history.own_of(reference[1:])
            self.ids.append((own, reference[1:]))
        else:
            number = self._first + len(self.ids) - int(reference)
            if number >= self._first:
                own = self.ids[number - self._first][0]
            else:
                own = self._history.message_id_of(number)
        return own

    def _attachment(self, line: str) -> Attachment:
        where, name, media_type, content_id = line.split("\t", 4)
        here, held_back, named = where.partition("?")
        original, original_size = _parse_named(named) if held_back else ("", 0)
        digest, size = self._file(here) if here else (original, original_size)
        if not digest:
            raise ItemsError("an attachment is nowhere")
        return Attachment(name, media_type, digest, size, content_id, original, original_size)

    def _file(self, where: str) -> tuple[str, int]:
        """The digest and size of a file of the bundle, or of one that this end holds."""
        if ":" in where:
            return _parse_named(where)
        if not where.isdecimal() or int(where) >= len(self._files):
            raise ItemsError("a file is not in the bundle")
        file = self._files[int(where)]
        return file.digest, file.size


_ITEMS: dict[str, Callable[[Reader], Item]] = {
    "M": Reader._mail,
    "H": Reader._stub,
    "P": Reader._lone_proof,
    "E": Reader._event,
    "R": Reader._residents,
    "S": Reader._report,
    "F": Reader._filter,
    "B": Reader._blocked,
    "W": Reader._content_request,
    "w": Reader._content_request,
    "O": Reader._grant,
    "G": Reader._denial,
}


def _fields(text: str, max_size: int) -> dict[str, Any]:
    if len(text) > max_size:
        raise ItemsError("a map of fields is too long")
    fields = json.loads(text)
    if not isinstance(fields, dict):
        raise ItemsError("these fields are no map")
    return fields


def _parse_named(text: str) -> tuple[str, int]:
    digest, _, size = text.partition(":")
    return _hex(digest), _size(size)


def _hex(text: str) -> str:
    digest = base64.b64decode(text, validate=True)
    if len(digest) != 32:
        raise ItemsError("a digest is of another size")
    return digest.hex()


def _size(text: str) -> int:
    if not text.isdecimal() or len(text) > _MAX_DIGITS:
        raise ItemsError("a size is no number")
    return int(text)


def _content_name(kind: str, what: str) -> str:
    """The name of what is asked for, without the letter before it."""
    return _hex(what[1:]) if kind == "file" else what[1:]


def _kind_of(letter: str, letters: Mapping[T, str]) -> T | None:
    return next((kind for kind, each in letters.items() if each == letter), None)


def _parse_box(text: str) -> Mailbox:
    name, bracket, address = text.rpartition(" <")
    if bracket and address.endswith(">"):
        return Mailbox(address[:-1], name)
    return Mailbox(text)
