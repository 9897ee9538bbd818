# SPDX-License-Identifier: Apache-2.0
"""From what stands in the form to a letter that is sent: whom it is for, and how it goes."""

import hashlib
import json
from datetime import UTC, datetime
from typing import NamedTuple

from mokanda_firmware.mailbox.letters import entries, opened, photos
from mokanda_firmware.mailbox.people import contacts
from mokanda_firmware.webmail import near_misses, recipients
from mokanda_firmware.webmail.forms import MAX_FILES
from mokanda_firmware.webmail.languages import N_
from mokanda_firmware.webmail.numbers import number
from mokanda_firmware.webmail.pages.letters import answering
from mokanda_firmware.webmail.pages.letters.sheet import Sheet
from mokanda_firmware.webmail.recipients import (
    MAX_RECIPIENTS,
    BadRecipient,
    TooManyRecipients,
)
from mokanda_firmware.webmail.smaller import smaller
from mokanda_firmware.webmail.visit import UNNAMED_DOMAIN, Refused, Visit
from mokanda_wire.message import Attachment, Mailbox, Message

MAX_SUBJECT = 300
LARGE = 50_000  # bytes of files; a letter with more of them is not sent before that was shown
_MAX_REFERENCES = 20

_NO_RECIPIENT = N_("Whom is this letter for? Please write an address after “To”.")
_TOO_MANY = N_("This letter is for too many people: one letter goes to {number} at most.")
NOBODY = N_("Nobody in the village has this name: {name}")
_NOT_CONNECTED = N_(
    "The village has no connection to the world yet, so letters can only go to people of the"
    " village. Your letter is kept as a draft."
)


class Plan(NamedTuple):
    """A letter as it goes: addresses that are `here` get it at once, others by the courier.

    `draft` is what it was kept as until now.
    """

    message: Message
    here: tuple[str, ...]
    outside: tuple[str, ...]
    draft: int | None


def plan(visit: Visit, sheet: Sheet) -> Plan:
    """Plan how a letter goes; raises Refused with what is wrong with whom it is for."""
    to, cc, bcc = (_people(visit, sheet.fields[name]) for name in ("to", "cc", "bcc"))
    addresses = list(dict.fromkeys(one.address for one in (*to, *cc, *bcc)))
    if not addresses:
        raise Refused(422, _NO_RECIPIENT)
    if len(addresses) > MAX_RECIPIENTS:
        raise Refused(422, _TOO_MANY, number=MAX_RECIPIENTS)
    here = tuple(address for address in addresses if visit.is_here(address))
    outside = tuple(address for address in addresses if not visit.is_here(address))
    if outside and visit.domain == UNNAMED_DOMAIN:
        raise Refused(422, _NOT_CONNECTED)
    return Plan(_message(visit, sheet, to, cc), here, outside, sheet.draft)


def with_smaller_photos(visit: Visit, sheet: Sheet) -> Sheet:
    """Make photos smaller whose writer has not been asked yet how large they go."""
    return sheet.with_files(
        *(file if file.digest in sheet.asked else _smaller(visit, file) for file in sheet.files)
    )


def _smaller(visit: Visit, file: Attachment) -> Attachment:
    store, account = visit.store, visit.villager.id
    if photos.is_at_relay(store, file):
        return file
    sizes = photos.sizes(store, account, file)  # of another letter with the same photo
    if sizes is not None:
        return sizes.small
    data = smaller(store.attachments.path(file.digest))
    return photos.keep_smaller(store, account, file, data) if data else file


def weight(visit: Visit, sheet: Sheet) -> int:
    """The bytes of files that go up with a letter, but for photos of which its writer was asked."""
    return sum(
        file.size
        for file in sheet.files
        if file.digest not in sheet.asked and not photos.is_at_relay(visit.store, file)
    )


def doubtful(visit: Visit, planned: Plan, sheet: Sheet) -> dict[str, str]:
    """Return addresses that are probably mistyped, with what was probably meant.

    Not those whose writer has said so already, or knows them; whom one answers has written from
    there.
    """
    if sheet.fields["answers"]:
        return {}
    account, sure = visit.villager.id, visit.form.all("meant")
    meant = {one: near_misses.meant_address(one) for one in planned.outside if one not in sure}
    return {
        one: other
        for one, other in meant.items()
        if other and contacts.find(visit.store, account, one) is None
    }


def was_sent(visit: Visit, sheet: Sheet) -> bool:
    """Whether a form has been sent before: a phone repeats one whose answer it did not get."""
    with visit.store.reading() as connection:
        return entries.was_taken(connection, visit.villager.id, _message_id(visit, sheet))


def send(visit: Visit, planned: Plan) -> None:
    """Hand a letter over; its draft is no more.

    Raises:
        Refused: nobody in the village has one of the names.
        StoreError: or one of its kinds; it has not been handed over.
    """
    nobody = entries.submit(
        visit.store,
        visit.villager.id,
        planned.message,
        planned.here,
        planned.outside,
        planned.draft,
    )
    if nobody:
        raise Refused(422, NOBODY, name=", ".join(one.partition("@")[0] for one in nobody))


def _people(visit: Visit, text: str) -> tuple[Mailbox, ...]:
    try:
        groups = contacts.groups(visit.store, visit.villager.id)
        return tuple(recipients.parse(text, visit.domain, groups))
    except BadRecipient as error:
        raise error.refusal from error
    except TooManyRecipients as error:
        raise Refused(422, _TOO_MANY, number=MAX_RECIPIENTS) from error


def _message(
    visit: Visit, sheet: Sheet, to: tuple[Mailbox, ...], cc: tuple[Mailbox, ...]
) -> Message:
    account, fields = visit.villager, sheet.fields
    answers = number(fields["answers"])
    letter = opened.read(visit.store, account.id, answers) if answers else None
    answered = letter.message if letter else None
    return Message(
        message_id=_message_id(visit, sheet),
        date=datetime.now(UTC).replace(microsecond=0),
        sender=Mailbox(answering.own_address(visit, letter), account.display_name),
        to=to,
        cc=cc,
        subject=" ".join(fields["subject"].split())[:MAX_SUBJECT],
        text=fields["text"],
        in_reply_to=answered.message_id if answered else "",
        references=_references(answered) if answered else (),
        attachments=sheet.files,
    )


def _message_id(visit: Visit, sheet: Sheet) -> str:
    """Tell a letter from all others; the same form sent twice is the same letter.

    By the form alone: its draft, with the files, is no more when it comes again.
    """
    form = visit.form
    files = [
        *(form[name] for name in ("held", "forwards")),
        *(form.numbers(name) for name in ("remove", "forward")),
        *(form[f"photo-{position}"] for position in range(MAX_FILES)),
        *(file.digest for file in form.files),
    ]
    content = [visit.villager.id, {**sheet.fields, "answers": ""}, files]
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return f"{digest[:24]}@{visit.domain}"


def _references(answered: Message) -> tuple[str, ...]:
    """Name letters before an answer: the last, and the first, which names the conversation."""
    first, *others = (*answered.references, answered.message_id)
    return (first, *others[-_MAX_REFERENCES:])
