# SPDX-License-Identifier: Apache-2.0
"""The items of a bundle, and how they are written as one text for the codec.

Fields stand in lines, the mailboxes of a field a tab apart (docs/wire.md). Message-IDs do
not travel, see mokanda_wire.history: a mail is referred to by how many numbers ago it had
its own.
"""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from typing import Any, Literal, TypeVar, cast

from mokanda_wire import quoting
from mokanda_wire.history import Generation, History
from mokanda_wire.message import Attachment, Mailbox, Message, clean, one_line

T = TypeVar("T")
EventKind = Literal["sent", "delivered", "bounced", "refused"]

_MAX_IN_A_FIELD = 2000  # mailboxes, attachments
_MAX_UNSEEN = 3  # mails in the chain of replies before this one that the other end never saw
_FIRST = {"sent": "s", "delivered": "d", "bounced": "b", "refused": "r"}


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail and its SMTP envelope: full addresses, bcc among them and nowhere else."""

    recipients: tuple[str, ...]
    message: Message


@dataclass(frozen=True, slots=True)
class Event:
    """What became of a mail for one of its recipients; `at` is aware, in whole seconds."""

    message_id: str
    recipient: str
    kind: EventKind
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Residents:
    """Up: the local parts of every account of the device."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """Up: how the device is (version, signal, errors, storage ...); plain JSON values."""

    fields: dict[str, Any]


Item = Mail | Event | Residents | Report


@dataclass(frozen=True, slots=True)
class File:
    """A content that the bundle carries: where in its table, and how many bytes."""

    index: int
    digest: str
    size: int


class ItemsError(ValueError):
    """The text is not one of items."""


def alias(seed: bytes, index: int, domain: str) -> str:
    """The Message-ID that a bundle's reader gives to the new mail `index` of that bundle."""
    name = sha256(seed + index.to_bytes(4, "big")).digest()[:10]
    return f"{base64.b32encode(name).decode().lower()}@{domain}"


class Writer:
    """Writes items, primed with what the other end knows at `generation`."""

    def __init__(self, created: datetime, history: History, generation: Generation) -> None:
        self._parts: list[str] = []
        self._date = created
        self._history = history
        self._generation = generation
        self._numbers: dict[str, int] = {}
        self._new: list[tuple[str, str, str]] = []  # own Message-ID, alias or "", domain

    def pieces(self) -> list[bytes]:
        """What has been written, item by item."""
        return [part.encode() for part in self._parts]

    def ids(self, seed: bytes) -> tuple[tuple[str, str], ...]:
        """For the history: each new mail's own Message-ID, and its alias."""
        return tuple(
            (own, known or alias(seed, index, domain))
            for index, (own, known, domain) in enumerate(self._new)
        )

    def write(self, item: Item, files: Mapping[str, File]) -> None:
        """Add an item; `files` are the bundle's contents by digest."""
        match item:
            case Mail():
                self._mail(item, files)
            case Event():
                reference = self._reference(item.message_id, "")
                fields = (reference, _address(item.recipient), self._since(item.at))
                line = "\t".join((*fields, one_line(clean(item.reason))))
                self._parts.append(f"E{_FIRST[item.kind]}{line}\n")
            case Residents():
                self._parts.append(f"R{' '.join(map(_address, item.names))}\n")
            case Report():
                fields_text = json.dumps(item.fields, ensure_ascii=False, separators=(",", ":"))
                self._parts.append(f"S{clean(fields_text)}\n")

    def _mail(self, mail: Mail, files: Mapping[str, File]) -> None:
        message = mail.message
        domain = _domain(message.sender)
        lines = [
            "M" + " ".join(map(_address, mail.recipients)),
            self._since(message.date),
            _box(message.sender),
            " ".join(self._references(message, domain)),
            "\t".join(map(_box, message.to)),
            "\t".join(map(_box, message.cc)),
            one_line(clean(message.subject)),
        ]
        if message.reply_to:
            lines.append("\x01r" + "\t".join(map(_box, message.reply_to)))
        for each in message.attachments:
            file = files.get(each.digest)
            held = base64.b64encode(bytes.fromhex(each.digest)).decode()
            where = str(file.index) if file else f"{held}:{each.size}"
            fields = (each.name, each.media_type, each.content_id)
            lines.append("\x01a" + "\t".join((where, *(one_line(clean(text)) for text in fields))))
        if message.html:
            lines.append("\x01h" + clean(message.html) + "\0")
        self._parts.append("\n".join(lines) + "\n" + quoting.strip(message.text) + "\0")

    def _since(self, moment: datetime) -> str:
        """Seconds since the last moment that was written."""
        seconds = round((moment - self._date).total_seconds())
        self._date += timedelta(seconds=seconds)
        return str(seconds)

    def _references(self, message: Message, domain: str) -> Iterable[str]:
        """Refer to the mail itself and to the nearest one before it that both ends know."""
        yield self._reference(message.message_id, domain)
        for parent in _chain(message)[: -_MAX_UNSEEN - 1 : -1]:
            reference = self._reference(parent, domain)
            yield reference
            if reference != "+":
                return

    def _reference(self, own: str, domain: str) -> str:
        number = self._numbers.get(own)
        if number is None:
            number = self._history.number_of(own, self._generation)
        after = self._generation.ids_end + len(self._new)
        if number is not None:
            return str(after - number)
        known = self._history.alias_of(own)
        if known is None and not domain:  # an event of a mail that no log has
            known = own
        self._numbers[own] = after
        self._new.append((own, known or "", domain))
        return f"={one_line(clean(known)).replace(' ', '')}" if known else "+"


class Reader:
    """Reads what a Writer wrote; `seed` is of the bundle that it came in."""

    def __init__(
        self, created: datetime, history: History, generation: Generation, seed: bytes
    ) -> None:
        self._date = created
        self._history = history
        self._first = generation.ids_end
        self._seed = seed
        self.ids: list[tuple[str, str]] = []

    def read(
        self, text: str, files: Sequence[File], *, max_items: int, max_text: int
    ) -> list[Item]:
        """Read all items of the text; `max_text` bounds what quotations grow to.

        Raises:
            ItemsError: the text is none of items, or passes a bound.
        """
        self._text, self._at, self._left, self._files = text, 0, max_text, files
        items: list[Item] = []
        self._ends = [0]
        try:
            while self._at < len(text):
                if len(items) == max_items:
                    raise ItemsError(f"There are more than {max_items} items.")
                items.append(self._item())
                self._ends.append(self._at)
        except (ValueError, OverflowError, RecursionError) as error:
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
        if kind == "M":
            return self._mail()
        line = self._until("\n")
        if kind == "E":
            event = next(kind for kind, first in _FIRST.items() if line.startswith(first))
            reference, recipient, since, reason = line[1:].split("\t")
            message_id = self._message_id(reference, "mokanda.invalid")
            at = self._moment(since)
            return Event(message_id, recipient, cast(EventKind, event), at, reason)
        if kind == "R":
            return Residents(tuple(line.split()))
        if kind == "S":
            fields = json.loads(line)
            if not isinstance(fields, dict):
                raise ItemsError("a report is no map")
            return Report(fields)
        raise ItemsError(f"there is no kind {kind!r}")

    def _mail(self) -> Mail:
        recipients = _bounded(self._until("\n").split())
        date = self._moment(self._until("\n"))
        sender = _parse_box(self._until("\n"))
        own, *chain = self._ids(self._until("\n"), _domain(sender))
        to, cc = self._boxes(self._until("\n")), self._boxes(self._until("\n"))
        subject = self._until("\n")
        reply_to: tuple[Mailbox, ...] = ()
        attachments: list[Attachment] = []
        html = ""
        while self._text.startswith("\x01", self._at):
            self._at += 2
            field = self._text[self._at - 1]
            if field == "r":
                reply_to = self._boxes(self._until("\n"))
            elif field == "a":
                attachments = [*attachments, self._attachment(self._until("\n"))]
                _bounded(attachments)
            elif field == "h":
                html = self._until("\0")
                self._until("\n")
            else:
                raise ItemsError(f"there is no field {field!r}")
        text = quoting.restore(self._until("\0"), self._left)
        self._left -= len(text)
        message = Message(
            message_id=own,
            date=date,
            sender=sender,
            to=to,
            cc=cc,
            subject=subject,
            text=text,
            html=html,
            reply_to=reply_to,
            in_reply_to=chain[0] if chain else "",
            references=tuple(reversed(chain)),
            attachments=tuple(attachments),
        )
        return Mail(tuple(recipients), message)

    def _moment(self, since: str) -> datetime:
        self._date += timedelta(seconds=int(since))
        return self._date

    def _boxes(self, line: str) -> tuple[Mailbox, ...]:
        return tuple(map(_parse_box, _bounded(line.split("\t")))) if line else ()

    def _ids(self, line: str, domain: str) -> list[str]:
        return [self._message_id(reference, domain) for reference in _bounded(line.split(" "))]

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
        where, name, media_type, content_id = line.split("\t")
        held, colon, size = where.partition(":")
        if colon:
            digest = base64.b64decode(held, validate=True).hex()
            if len(digest) != 64:
                raise ItemsError("a digest is of another size")
            return Attachment(name, media_type, digest, int(size), content_id)
        if not where.isdecimal() or int(where) >= len(self._files):
            raise ItemsError("an attachment is not in the bundle")
        file = self._files[int(where)]
        return Attachment(name, media_type, file.digest, file.size, content_id)


def _chain(message: Message) -> list[str]:
    """The mails before this one, the one that it replies to last."""
    chain = [each for each in message.references if each != message.in_reply_to]
    chain.append(message.in_reply_to)
    return [each for each in chain if each and each != message.message_id]


def _bounded(values: Sequence[T]) -> Sequence[T]:
    if len(values) > _MAX_IN_A_FIELD:
        raise ItemsError("a field is too long")
    return values


def _address(address: str) -> str:
    return "".join(clean(address).split())


def _domain(box: Mailbox) -> str:
    return _address(box.address).rpartition("@")[2] or "mokanda.invalid"


def _box(box: Mailbox) -> str:
    address, name = _address(box.address), one_line(clean(box.name))
    return f"{name} <{address}>" if name else address


def _parse_box(text: str) -> Mailbox:
    name, bracket, address = text.rpartition(" <")
    if bracket and address.endswith(">"):
        return Mailbox(address[:-1], name)
    return Mailbox(text)
