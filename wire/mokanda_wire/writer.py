# SPDX-License-Identifier: Apache-2.0
"""Items as the text of a bundle.

Fields stand in lines, the mailboxes of a field a tab apart (docs/wire.md). Message-IDs do
not travel, see mokanda_wire.history: a mail is referred to by how many numbers ago it had
its own.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from mokanda_wire import quoting
from mokanda_wire.formats import EXTENSIBLE
from mokanda_wire.history import Generation, History
from mokanda_wire.items import (
    CONTENT_REQUEST_LETTERS,
    EVENT_LETTERS,
    FIRST_KINDS,
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
from mokanda_wire.message import Mailbox, Message
from mokanda_wire.text import clean, one_line

_MAX_UNSEEN = 3  # mails in the chain of replies before this one that the other end never saw


class Writer:
    """Writes items in a format, primed with what the other end knows at `generation`."""

    def __init__(
        self, created: datetime, history: History, generation: Generation, bundle_format: int
    ) -> None:
        self._parts: list[str] = []
        self._date = created
        self._history = history
        self._generation = generation
        self._format = bundle_format
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
        """Add an item; `files` are the bundle's contents by digest.

        Raises:
            ItemsError: the format has no such item.
        """
        match item:
            case Mail():
                self._mail(item, files)
            case Stub():
                subject = one_line(clean(item.message.subject))
                lines = (*self._head("H", item), subject, str(item.size))
                proof = PROOF_LETTERS.get(item.message.proof)
                # Readers that do not know of it take it for an item of its own, and pass over it.
                proven = f"P{proof}\0" if proof and self._format >= EXTENSIBLE else ""
                self._parts.append("\n".join(lines) + "\n" + proven)
            case Event():
                reference = self._reference(item.message_id, "")
                fields = (reference, one_word(item.recipient), self._since(item.at))
                line = "\t".join((*fields, one_line(clean(item.reason))))
                self._parts.append(f"E{EVENT_LETTERS[item.kind]}{line}\n")
            case Residents():
                self._parts.append(f"R{' '.join(map(one_word, item.names))}\n")
            case Report():
                self._parts.append(f"S{_json(item.fields)}\n")
            case Filter():
                self._check_extensible()
                names = " ".join(map(one_word, item.names))
                self._parts.append(f"F{names}\n{_json(item.fields)}\0")
            case Blocked():
                self._check_extensible()
                counts = (f"{one_word(name)} {count}" for name, count in item.counts.items())
                self._parts.append("B" + "\n".join(counts) + "\0")
            case ContentRequest():
                if item.kind not in FIRST_KINDS:
                    self._check_extensible()
                first = "w" if item.withdrawn else "W"
                self._parts.append(f"{first}{_content_name(item)}\t{one_word(item.who)}\n")
            case Grant():
                where = _place(item.digest, item.size, files)
                self._parts.append(f"O{one_word(item.ticket)}\t{where}\n")
            case Denial():
                self._parts.append(f"G{_content_name(item)}\t{one_line(clean(item.reason))}\n")
            case Unknown():
                self._check_extensible()
                self._parts.append(item.text)

    def _head(self, kind: str, item: Mail | Stub) -> list[str]:
        """The lines that a mail and a stub begin with."""
        self._mails += 1
        message = item.message
        return [
            kind + " ".join(map(one_word, item.recipients)),
            self._since(message.date),
            _box(message.sender),
            " ".join(self._references(message, domain_of(message.sender))),
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
            lines.append(f"\x01s{one_word(mail.stub)}")
        if message.automatic:
            lines.append("\x01v")
        if message.note and self._format >= EXTENSIBLE:  # the text says it, too
            lines.append(f"\x01n{one_word(message.note)}")
        if self._format >= EXTENSIBLE:
            lines += _origin(message)
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
        if mail.unknown:
            self._check_extensible()
            lines += [each.text for each in mail.unknown]
        self._parts.append("\n".join(lines) + "\n" + quoting.strip(message.text) + "\0")

    def _check_extensible(self) -> None:
        if self._format < EXTENSIBLE:
            raise ItemsError(f"a reader of format {self._format} does not pass over this")

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


def _origin(message: Message) -> Iterator[str]:
    """What the relay knows of a mail's people; a list that is among them needs no word."""
    if message.proof in PROOF_LETTERS:
        yield f"\x01p{PROOF_LETTERS[message.proof]}"
    people = (message.sender, *message.to, *message.cc, *message.reply_to)
    if message.list_post and message.list_post not in (each.address for each in people):
        yield f"\x01l{one_word(message.list_post)}"
    if message.others:
        yield f"\x01m{message.others}"
    if message.can_unsubscribe:
        yield "\x01u"


def _chain(message: Message) -> list[str]:
    """The mails before this one, the one that it replies to last."""
    chain = [each for each in message.references if each != message.in_reply_to]
    chain.append(message.in_reply_to)
    return [each for each in chain if each and each != message.message_id]


def _place(digest: str, size: int, files: Mapping[str, File]) -> str:
    """Where a file is: its place in the bundle, or its name if the reader holds it."""
    file = files.get(digest)
    return str(file.place) if file else _named(digest, size)


def _named(digest: str, size: int) -> str:
    return f"{_base64(digest)}:{size}"


def _base64(digest: str) -> str:
    return base64.b64encode(bytes.fromhex(digest)).decode()


def _content_name(item: ContentRequest | Denial) -> str:
    name = _base64(item.name) if item.kind == "file" else one_word(item.name)
    return CONTENT_REQUEST_LETTERS[item.kind] + name


def _json(fields: Mapping[str, Any]) -> str:
    return clean(json.dumps(fields, ensure_ascii=False, separators=(",", ":")))


def _box(box: Mailbox) -> str:
    address, name = one_word(box.address), one_line(clean(box.name))
    return f"{name} <{address}>" if name else address
