# SPDX-License-Identifier: Apache-2.0
"""What stands in the form of a letter at first: nothing, an answer, or a letter passed on."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from mokanda_firmware.mailbox.letters.opened import Letter
from mokanda_firmware.mailbox.people import aliases, contacts
from mokanda_firmware.mailbox.store import subjects
from mokanda_firmware.webmail import recipients
from mokanda_firmware.webmail.pages.letters.sheet import Sheet
from mokanda_firmware.webmail.visit import Visit
from mokanda_wire.address import AddressError, parse_address
from mokanda_wire.message import Mailbox, Message

_MAX_QUOTED = 4000  # characters of a letter that an answer quotes
_MAX_PASSED_ON = 100_000  # of one that is passed on, or looked at for an answer


def blank(visit: Visit, *, to: str, cc: str, subject: str, text: str) -> Sheet:
    """Begin a new letter."""
    text = _signed(visit, text.replace("\r\n", "\n"))
    return Sheet({"to": to, "cc": cc, "subject": subject, "text": text})


class Answer(NamedTuple):
    """Whom an answer goes to; so many who should get it are `left_out`, as not all can."""

    to: tuple[Mailbox, ...]
    cc: tuple[Mailbox, ...] = ()
    left_out: int = 0


def answer(visit: Visit, letter: Letter, *, to_all: bool) -> Answer:
    """Say whom an answer to a letter goes to, its writer alone or everybody; nobody may be left.

    It does not go to oneself, by whatever name, nor to addresses that none can be sent to. Where
    there are more people than a letter goes to, it goes to the writer alone.
    """
    message, own = letter.message, _own_names(visit)
    if letter.origin == "written":
        asked = _reachable(visit, message.to)
    else:
        asked = _reachable(visit, message.reply_to) or _reachable(visit, (message.sender,))
    to = tuple(one for one in asked if _name_here(visit, one) not in own) or asked
    to = to[: recipients.MAX_RECIPIENTS]
    if not to_all:
        return Answer(to)
    known = {one.address.lower() for one in to}
    of_list = (Mailbox(message.list_post),) if message.list_post else ()
    cc = {
        one.address.lower(): one
        for one in _reachable(visit, (*of_list, *message.to, *message.cc))
        if one.address.lower() not in known and _name_here(visit, one) not in own
    }
    if message.others or len(to) + len(cc) > recipients.MAX_RECIPIENTS:
        return Answer(to, left_out=len(cc) + message.others)
    return Answer(to, tuple(cc.values()))


def own_address(visit: Visit, answered: Letter | None) -> str:
    """The address that a letter goes out as: the one that what it answers was written to."""
    own = _own_names(visit)
    named: list[str] = []
    if answered:
        message, written = answered.message, answered.origin == "written"
        people = (message.sender,) if written else (*message.to, *message.cc)
        named = [name for one in people if (name := _name_here(visit, one)) in own]
    name = own[0] if own[0] in named or not named else named[0]
    return f"{name}@{visit.domain}"


def _own_names(visit: Visit) -> list[str]:
    """The names that somebody answers to, that of the account first."""
    with visit.store.reading() as connection:
        return aliases.names_of(connection, visit.villager.id)


def _name_here(visit: Visit, one: Mailbox) -> str:
    """The villager's name in an address, "" where it is none of the village."""
    local = one.address.lower().rpartition("@")[0]
    return local.partition("+")[0] if visit.is_here(one.address) else ""


def _reachable(visit: Visit, people: Iterable[Mailbox]) -> tuple[Mailbox, ...]:
    """Those of the people to whom a letter can be sent."""
    return tuple(one for one in people if visit.is_here(one.address) or _is_address(one.address))


def _is_address(text: str) -> bool:
    try:
        return not parse_address(text).endswith(".invalid")  # RFC 2606: nobody's, ever
    except AddressError:
        return False


def reply(visit: Visit, letter: Letter, people: Answer) -> Sheet:
    """Begin an answer to a letter."""
    message = letter.message
    groups = contacts.groups(visit.store, visit.villager.id)
    return Sheet(
        {
            "to": recipients.written(people.to, visit.domain, groups),
            "cc": recipients.written(people.cc, visit.domain, groups),
            "subject": f"Re: {subjects.bare(message.subject)}",
            "text": _signed(visit, _quoted(visit, letter)),
            "answers": str(letter.entry),
        }
    )


def forward(visit: Visit, letter: Letter) -> Sheet:
    """Begin to pass a letter on, with a choice of its files."""
    message = letter.message
    words = message.words
    if len(words) > _MAX_PASSED_ON:
        words = f"{words[:_MAX_PASSED_ON]}\n[…]"
    fields = {
        "subject": f"Fwd: {subjects.bare(message.subject)}",
        "text": _signed(visit, f"\n\n{_head(visit, message)}\n\n{words}"),
    }
    return Sheet(fields).passing_on(letter.entry, message.attachments)


def _signed(visit: Visit, text: str) -> str:
    signature = visit.villager.signature
    return f"{text}\n\n-- \n{signature}" if signature else text


def _quoted(visit: Visit, letter: Letter) -> str:
    """Quote the words of a letter, without what it quotes itself: every byte costs money."""
    message = letter.message
    own = re.split(r"^-- $", message.words[:_MAX_PASSED_ON], maxsplit=1, flags=re.MULTILINE)[0]
    lines = [line for line in own.strip().split("\n") if not line.startswith(">")]
    words = "\n".join(lines)
    if len(words) > _MAX_QUOTED:
        lines = [*words[:_MAX_QUOTED].split("\n"), "[…]"]
    attribution = visit.language.text("{name} wrote:").format(
        name=visit.who(message.sender, from_outside=letter.from_outside)
    )
    return "\n".join(["", "", attribution, *(f"> {line}".rstrip() for line in lines)])


def _head(visit: Visit, message: Message) -> str:
    """Say above a letter that is passed on whose it is."""
    text = visit.language.text
    date = visit.language.date_and_time(int(message.date.timestamp()), visit.zone)
    to = ", ".join(visit.who(one) for one in message.to)
    sender = message.sender
    name = f"{sender.name} <{sender.address}>" if sender.name else sender.address
    return "\n".join(
        [
            "---",
            f"{text('From')}: {name}",
            f"{text('To')}: {to}",
            f"{text('Date')}: {date}",
            f"{text('Subject')}: {message.subject}",
        ]
    )
