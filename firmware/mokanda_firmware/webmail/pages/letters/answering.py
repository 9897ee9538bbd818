# SPDX-License-Identifier: Apache-2.0
"""What stands in the form of a letter at first: nothing, an answer, or a letter passed on."""

import re

from mokanda_firmware.mailbox.letters.opened import Letter
from mokanda_firmware.webmail import recipients
from mokanda_firmware.webmail.pages.letters.sheet import Sheet
from mokanda_firmware.webmail.visit import Visit
from mokanda_wire.message import Mailbox, Message

_MAX_QUOTED = 4000  # characters of a letter that an answer quotes
_MAX_PASSED_ON = 100_000  # of one that is passed on, or looked at for an answer


def blank(visit: Visit, to: str) -> Sheet:
    """Begin a new letter."""
    return Sheet({"to": to, "text": _signed(visit, "")})


def reply(visit: Visit, letter: Letter, *, to_all: bool) -> Sheet:
    """Begin an answer to a letter, for its writer alone or for everybody."""
    message = letter.message
    others = message.to if letter.origin == "written" else message.reply_to or (message.sender,)
    copies: list[Mailbox] = []
    if to_all:
        asked = {one.address for one in others} | {f"{visit.villager.name}@{visit.domain}"}
        copies = [one for one in (*message.to, *message.cc) if one.address not in asked]
    return Sheet(
        {
            "to": recipients.written(others, visit.domain),
            "cc": recipients.written(copies, visit.domain),
            "subject": _prefixed("Re: ", message.subject),
            "text": _signed(visit, _quoted(visit, message)),
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
        "subject": _prefixed("Fwd: ", message.subject),
        "text": _signed(visit, f"\n\n{_head(visit, message)}\n\n{words}"),
    }
    return Sheet(fields).passing_on(letter.entry, message.attachments)


def _signed(visit: Visit, text: str) -> str:
    signature = visit.villager.signature
    return f"{text}\n\n-- \n{signature}" if signature else text


def _prefixed(prefix: str, subject: str) -> str:
    return subject if subject.lower().startswith(prefix.lower().strip()) else prefix + subject


def _quoted(visit: Visit, message: Message) -> str:
    """Quote the words of a letter, without what it quotes itself: every byte costs money."""
    own = re.split(r"^-- $", message.words[:_MAX_PASSED_ON], maxsplit=1, flags=re.MULTILINE)[0]
    lines = [line for line in own.strip().split("\n") if not line.startswith(">")]
    words = "\n".join(lines)
    if len(words) > _MAX_QUOTED:
        lines = [*words[:_MAX_QUOTED].split("\n"), "[…]"]
    attribution = visit.language.text("{name} wrote:").format(name=visit.who(message.sender))
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
