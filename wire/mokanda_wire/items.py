# SPDX-License-Identifier: Apache-2.0
"""The items of a bundle, and how they are written as one text for the codec.

Fields stand in lines, the mailboxes of a field a tab apart (docs/wire.md). Message-IDs do
not travel, see mokanda_wire.history: a mail is referred to by how many numbers ago it had
its own.
"""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from typing import Any, Literal, TypeVar, cast

from mokanda_wire import quoting
from mokanda_wire.history import Generation, History
from mokanda_wire.message import Attachment, Mailbox, Message, clean, one_line

T = TypeVar("T")
EventKind = Literal["sent", "delivered", "bounced", "refused"]
WishKind = Literal["file", "mail", "original"]

_MAX_IN_A_FIELD = 2000  # mailboxes, attachments
_MAX_UNSEEN = 3  # mails in the chain of replies before this one that the other end never saw
_MAX_DIGITS = 15  # of a size in bytes
_FIRST = {"sent": "s", "delivered": "d", "bounced": "b", "refused": "r"}
_WISH = {"file": "f", "mail": "m", "original": "o"}


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail and its SMTP envelope: full addresses, bcc among them and nowhere else.

    `stub` is the ticket of the stub that went ahead of it, if one did. `ticket`, which its
    reader finds in it, is what to call the mail by in a wish.
    """

    recipients: tuple[str, ...]
    message: Message
    stub: str = ""
    ticket: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Stub:
    """Down: a mail that stays at the relay for now; what it is goes ahead.

    `message` has the sender, date, subject and conversation, and nothing more. `size` says in
    about how many bytes the mail would come.
    """

    recipients: tuple[str, ...]
    message: Message
    size: int
    ticket: str = field(default="", compare=False)


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


@dataclass(frozen=True, slots=True)
class Wish:
    """Up: what a villager wants of what the relay keeps; or, `withdrawn`, no longer wants.

    `name` is the digest of a "file" (answered by a Grant), or the ticket of a stub whose "mail"
    is wanted (by that Mail), or of a mail, to have it as it came from the world, its "original"
    (by a Grant). `who` is the local part of the villager who asked, "" for the device itself.
    """

    kind: WishKind
    name: str
    who: str = ""
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Grant:
    """Down: a file that was wished for; with a `ticket`, the original of that mail."""

    digest: str
    size: int
    ticket: str = ""


@dataclass(frozen=True, slots=True)
class Denial:
    """Down: a wish cannot be granted, for a reason in one word: "gone" or "large"."""

    kind: WishKind
    name: str
    reason: str


Item = Mail | Stub | Event | Residents | Report | Wish | Grant | Denial


def files_of(item: Item) -> tuple[str, ...]:
    """The digests of the files whose contents an item may bring along."""
    match item:
        case Mail():
            return tuple(each.digest for each in item.message.attachments if not each.held_back)
        case Grant():
            return (item.digest,)
    return ()


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


def ticket(seed: bytes, index: int) -> str:
    """What both ends call the mail or stub `index` of a bundle by; it does not travel with it."""
    name = sha256(seed + b"mail" + index.to_bytes(4, "big")).digest()[:10]
    return base64.b32encode(name).decode().lower()


class Writer:
    """Writes items, primed with what the other end knows at `generation`."""

    def __init__(self, created: datetime, history: History, generation: Generation) -> None:
        self._parts: list[str] = []
        self._date = created
        self._history = history
        self._generation = generation
        self._numbers: dict[str, int] = {}
        self._new: list[tuple[str, str, str]] = []  # own Message-ID, alias or "", domain
        self._mails = 0

    def pieces(self) -> list[bytes]:
        """What has been written, item by item."""
        return [part.encode() for part in self._parts]

    def ids(self, seed: bytes) -> tuple[tuple[str, str], ...]:
        """For the history: each new mail's own Message-ID, and its alias."""
        return tuple(
            (own, known or alias(seed, index, domain))
            for index, (own, known, domain) in enumerate(self._new)
        )

    def tickets(self, seed: bytes) -> tuple[str, ...]:
        """The tickets of the mails and stubs, in their order."""
        return tuple(ticket(seed, index) for index in range(self._mails))

    def write(self, item: Item, files: Mapping[str, File]) -> None:
        """Add an item; `files` are the bundle's contents by digest."""
        match item:
            case Mail():
                self._mail(item, files)
            case Stub():
                subject = one_line(clean(item.message.subject))
                lines = (*self._head("H", item), subject, str(item.size))
                self._parts.append("\n".join(lines) + "\n")
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
            case Wish():
                first = "w" if item.withdrawn else "W"
                self._parts.append(f"{first}{_wished(item)}\t{_address(item.who)}\n")
            case Grant():
                where = _place(item.digest, item.size, files)
                self._parts.append(f"O{_address(item.ticket)}\t{where}\n")
            case Denial():
                self._parts.append(f"G{_wished(item)}\t{one_line(clean(item.reason))}\n")

    def _head(self, kind: str, item: Mail | Stub) -> list[str]:
        """The lines that a mail and a stub begin with."""
        self._mails += 1
        message = item.message
        return [
            kind + " ".join(map(_address, item.recipients)),
            self._since(message.date),
            _box(message.sender),
            " ".join(self._references(message, _domain(message.sender))),
        ]

    def _mail(self, mail: Mail, files: Mapping[str, File]) -> None:
        message = mail.message
        lines = [
            *self._head("M", mail),
            "\t".join(map(_box, message.to)),
            "\t".join(map(_box, message.cc)),
            one_line(clean(message.subject)),
        ]
        if mail.stub:
            lines.append(f"\x01s{_address(mail.stub)}")
        if message.automatic:
            lines.append("\x01v")
        if message.reply_to:
            lines.append("\x01r" + "\t".join(map(_box, message.reply_to)))
        for each in message.attachments:
            where = "" if each.held_back else _place(each.digest, each.size, files)
            if each.original:
                where += "?" + _named(each.original, each.original_size)
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
        self._mails = 0

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
        if kind == "M":
            return self._mail()
        if kind == "H":
            return self._stub()
        line = self._until("\n")
        if kind == "E":
            event = _kind(line, _FIRST)
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
        if kind in "Ww":
            wish, name, who = _wish(line)
            return Wish(wish, name, who, withdrawn=kind == "w")
        if kind == "O":
            name, where = line.split("\t")
            return Grant(*self._file(where), name)
        if kind == "G":
            return Denial(*_wish(line))
        raise ItemsError(f"there is no kind {kind!r}")

    def _head(self) -> tuple[tuple[str, ...], Message, str]:
        """Read the lines that a mail and a stub begin with; return the ticket too."""
        recipients = _bounded(self._until("\n").split())
        date = self._moment(self._until("\n"))
        sender = _parse_box(self._until("\n"))
        own, *chain = self._ids(self._until("\n"), _domain(sender))
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
        return tuple(recipients), message, ticket(self._seed, self._mails - 1)

    def _stub(self) -> Stub:
        recipients, message, name = self._head()
        message = replace(message, subject=self._until("\n"))
        return Stub(recipients, message, _size(self._until("\n")), name)

    def _mail(self) -> Mail:
        recipients, message, name = self._head()
        to, cc = self._boxes(self._until("\n")), self._boxes(self._until("\n"))
        subject = self._until("\n")
        reply_to: tuple[Mailbox, ...] = ()
        attachments: list[Attachment] = []
        html = stub = ""
        automatic = False
        while self._text.startswith("\x01", self._at):
            self._at += 2
            field = self._text[self._at - 1]
            if field == "s":
                stub = self._until("\n")
            elif field == "v":
                automatic = self._until("\n") == ""
            elif field == "r":
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
        message = replace(
            message,
            to=to,
            cc=cc,
            subject=subject,
            text=text,
            html=html,
            reply_to=reply_to,
            attachments=tuple(attachments),
            automatic=automatic,
        )
        return Mail(recipients, message, stub, name)

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


def _chain(message: Message) -> list[str]:
    """The mails before this one, the one that it replies to last."""
    chain = [each for each in message.references if each != message.in_reply_to]
    chain.append(message.in_reply_to)
    return [each for each in chain if each and each != message.message_id]


def _place(digest: str, size: int, files: Mapping[str, File]) -> str:
    """Where a file is: its place in the bundle, or its name if the reader holds it."""
    file = files.get(digest)
    return str(file.index) if file else _named(digest, size)


def _named(digest: str, size: int) -> str:
    return f"{_base64(digest)}:{size}"


def _parse_named(text: str) -> tuple[str, int]:
    digest, _, size = text.partition(":")
    return _hex(digest), _size(size)


def _base64(digest: str) -> str:
    return base64.b64encode(bytes.fromhex(digest)).decode()


def _hex(text: str) -> str:
    digest = base64.b64decode(text, validate=True)
    if len(digest) != 32:
        raise ItemsError("a digest is of another size")
    return digest.hex()


def _size(text: str) -> int:
    if not text.isdecimal() or len(text) > _MAX_DIGITS:
        raise ItemsError("a size is no number")
    return int(text)


def _wished(item: Wish | Denial) -> str:
    name = _base64(item.name) if item.kind == "file" else _address(item.name)
    return _WISH[item.kind] + name


def _wish(line: str) -> tuple[WishKind, str, str]:
    """Read what is wished for, and the field behind it."""
    what, last = line.split("\t")
    kind = _kind(what, _WISH)
    name = _hex(what[1:]) if kind == "file" else what[1:]
    return cast(WishKind, kind), name, last


def _kind(line: str, kinds: Mapping[str, str]) -> str:
    for kind, first in kinds.items():
        if line.startswith(first):
            return kind
    raise ItemsError(f"there is no kind {line[:1]!r}")


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
