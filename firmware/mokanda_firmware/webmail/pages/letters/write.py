# SPDX-License-Identifier: Apache-2.0
"""Writing a letter: whatever happens on the way, what was written stays."""

import hashlib
import json
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from bottle import HTTPResponse

from mokanda_firmware.mailbox.costs import budget, quotas
from mokanda_firmware.mailbox.letters import drafts, entries, opened, photos
from mokanda_firmware.mailbox.people import contacts
from mokanda_firmware.mailbox.store.database import StoreError
from mokanda_firmware.webmail import forms, prices, recipients
from mokanda_firmware.webmail.languages import N_
from mokanda_firmware.webmail.pages.letters.letter import NO_LETTER
from mokanda_firmware.webmail.recipients import BadRecipient
from mokanda_firmware.webmail.smaller import smaller
from mokanda_firmware.webmail.visit import (
    SECURITY_HEADERS,
    UNNAMED_DOMAIN,
    Refused,
    Visit,
    get,
    post,
)
from mokanda_wire.message import Attachment, Mailbox, Message

# The fields that a draft keeps. `answers` is the entry that is answered; `once` tells a letter from
# another one with the same words, and a form that a phone sends twice from two letters.
FIELDS = ("to", "cc", "bcc", "subject", "text", "answers", "once")
_MAX_SUBJECT = 300
_MAX_RECIPIENTS = 50
_MAX_REFERENCES = 20

_NO_DRAFT = N_("There is no such draft.")
_NO_RECIPIENT = N_("Whom is this letter for? Please write an address after “To”.")
_TOO_MANY = N_("This letter is for too many people: one letter goes to {number} at most.")
_NOT_AN_ADDRESS = N_("“{text}” is not an address. An address looks like this: name@example.org")
_NOBODY = N_("Nobody in the village has this name: {name}")
_NOT_CONNECTED = N_(
    "The village has no connection to the world yet, so letters can only go to people of the"
    " village. Your letter is kept as a draft."
)
_FILES_TOO_LARGE = N_(
    "The files are too large: those of one letter may have {limit} together. Your text is here,"
    " the new files are not."
)
_NO_ROOM = N_("The device has no room for these files. Your text is here, the new files are not.")
_CUT = N_("The connection broke before everything had come. Please add your files again.")
_NO_QUOTA = N_(
    "Your room on the device is used up. Please delete letters with large files, and empty the"
    " trash. Your text is here, the new files are not."
)
_FILE_PROBLEMS = {
    forms.TOO_LARGE: (413, _FILES_TOO_LARGE),
    forms.NO_ROOM: (507, _NO_ROOM),
    forms.NO_QUOTA: (413, _NO_QUOTA),
    forms.CUT: (400, _CUT),
    forms.MALFORMED: (400, _CUT),
}


@dataclass
class Sheet:
    """What stands in the form."""

    fields: dict[str, str]
    draft: int | None = None
    attachments: tuple[Attachment, ...] = ()


@get("/write")
def start(visit: Visit) -> HTTPResponse:
    """Show an empty form, or a draft."""
    number = visit.request.query.get("draft", "")
    if not number:
        to = visit.request.query.getunicode("to", "")[:_MAX_SUBJECT]
        return _form(visit, Sheet({"to": to, "text": _signed(visit, "")}))
    draft = None
    if re.fullmatch("[0-9]{1,15}", number):
        draft = drafts.load(visit.store, visit.villager.id, int(number))
    if draft is None:
        raise Refused(404, _NO_DRAFT)
    return _form(visit, Sheet(draft.fields, draft.id, draft.attachments))


@get("/mail/<number:int>/<way:re:reply|reply-all>")
def reply(visit: Visit, number: int, way: str) -> HTTPResponse:
    """Show a form that answers a letter: to its writer, or to everybody."""
    letter = _letter(visit, number)
    message = letter.message
    others = message.to if letter.origin == "written" else message.reply_to or (message.sender,)
    copies: list[Mailbox] = []
    if way == "reply-all":
        asked = {one.address for one in others} | {f"{visit.villager.name}@{visit.domain}"}
        copies = [one for one in (*message.to, *message.cc) if one.address not in asked]
    return _form(
        visit,
        Sheet(
            {
                "to": recipients.written(others, visit.domain),
                "cc": recipients.written(copies, visit.domain),
                "subject": _prefixed("Re: ", message.subject),
                "text": _signed(visit, _quoting(visit, message)),
                "answers": str(number),
            }
        ),
    )


@get("/mail/<number:int>/forward")
def forward(visit: Visit, number: int) -> HTTPResponse:
    """Show a form that passes a letter on, with a choice of its files."""
    message = _letter(visit, number).message
    fields = {
        "subject": _prefixed("Fwd: ", message.subject),
        "text": _signed(visit, f"\n\n{_head(visit, message)}\n\n{message.text}"),
    }
    return _form(visit, Sheet(fields), forwards=number, offered=message.attachments)


def _give_back(visit: Visit, problem: str) -> HTTPResponse:
    """Show the form as it was filled in, and keep it as a draft in case the phone goes away."""
    try:
        sheet = _sheet(visit)
        if visit.form_is_ours and any(sheet.fields[name] for name in FIELDS if name != "once"):
            sheet.draft = _keep(visit, sheet)
    except StoreError:
        sheet = Sheet(_fields(visit), visit.form.number("draft"))
    return _form(visit, sheet, problem)


@post("/write", takes_files=True, rescue=_give_back)
def take(visit: Visit) -> HTTPResponse:
    """Send a letter, or keep it as a draft with its files."""
    sheet = _sheet(visit)
    if visit.form.problem:
        status, text = _FILE_PROBLEMS[visit.form.problem]
        raise Refused(status, text, limit=visit.language.size(visit.site.upload_limit))
    if not visit.form["send"]:
        note = "draft" if visit.form["save"] else ""
        return visit.redirect("/write", note, draft=_keep(visit, sheet))
    leaves = _send(visit, sheet)
    if leaves is None:
        return visit.redirect("/write", "photos", draft=sheet.draft)
    if leaves:
        prices.tell_courier()
    return visit.redirect("/outbox", "waiting") if leaves else visit.redirect("/sent", "delivered")


@post("/write/keep")
def keep(visit: Visit) -> HTTPResponse:
    """Keep what is being written as a draft and tell its number; the page's script asks this."""
    if visit.form.problem:
        raise Refused(413, _CUT)
    return HTTPResponse(
        str(_keep(visit, _sheet(visit))),
        200,
        {
            **SECURITY_HEADERS,
            "Content-Type": "text/plain; charset=utf-8",
            "Cache-Control": "no-store",
        },
    )


def _form(
    visit: Visit,
    sheet: Sheet,
    problem: str = "",
    *,
    forwards: int | None = None,
    offered: tuple[Attachment, ...] = (),
) -> HTTPResponse:
    fields = {name: sheet.fields.get(name, "") for name in FIELDS}
    fields["once"] = fields["once"] or secrets.token_hex(8)
    return visit.page(
        "letters/write",
        script=True,
        problem=problem,
        fields=fields,
        draft=sheet.draft or "",
        attachments=sheet.attachments,
        sizes=[photos.sizes(visit.store, visit.villager.id, each) for each in sheet.attachments],
        forwards=forwards or "",
        offered=offered,
        groups=contacts.groups(visit.store, visit.villager.id),
        people=contacts.people(visit.store, visit.villager.id, visit.domain),
        limit=visit.site.upload_limit,
        left=_left_today(visit),
        price=lambda size: prices.of_fetching(visit, size),
    )


def _left_today(visit: Visit) -> int | None:
    """Return how much of today's data the writer may use; None where there is no limit."""
    left = budget.left(visit.store)
    bounds = (left.village, left.villagers.get(visit.villager.id))
    return min((max(0, bound) for bound in bounds if bound is not None), default=None)


def _letter(visit: Visit, number: int) -> opened.Letter:
    letter = opened.read(visit.store, visit.villager.id, number)
    if letter is None:
        raise Refused(404, NO_LETTER)
    return letter


def _fields(visit: Visit) -> dict[str, str]:
    """Return what stands in the form; the people that were ticked join those written to."""
    fields = {name: visit.form[name] for name in FIELDS}
    ticked = recipients.written((Mailbox(one) for one in visit.form.all("also")), visit.domain)
    fields["to"] = ", ".join(part for part in (fields["to"].strip(" ,"), ticked) if part)
    return fields


def _sheet(visit: Visit) -> Sheet:
    """Put together what came with the form and what its draft has kept."""
    number = visit.form.number("draft")
    draft = drafts.load(visit.store, visit.villager.id, number) if number else None
    removed = set(visit.form.all("remove"))
    kept = tuple(
        _as_chosen(visit, position, attachment)
        for position, attachment in enumerate(draft.attachments if draft else ())
        if str(position) not in removed
    )
    new = () if visit.form.problem else tuple(visit.form.files)
    forwarded = visit.form.number("forwards")
    if forwarded:  # its draft, if there is one by now, was kept with what was chosen then
        source = opened.read(visit.store, visit.villager.id, forwarded)
        if source is None and draft is None:
            raise Refused(404, NO_LETTER)
        offered = source.message.attachments if source else ()
        chosen = set(visit.form.all("forward"))
        passed_on = tuple(part for at, part in enumerate(offered) if str(at) in chosen)
        digests = {part.digest for part in offered}
        kept = passed_on + tuple(part for part in kept if part.digest not in digests)
    if sum(attachment.size for attachment in kept + new) > visit.site.upload_limit:
        visit.form.problem = forms.TOO_LARGE
        new = ()
    left = quotas.room(visit.store, visit.villager.id).left if new else None
    if left is not None and sum(attachment.size for attachment in new) > left:
        visit.form.problem = forms.NO_QUOTA
        new = ()
    return Sheet(_fields(visit), draft.id if draft else None, kept + new)


def _as_chosen(visit: Visit, position: int, attachment: Attachment) -> Attachment:
    """Take the size of a photo that its writer has chosen."""
    chosen = visit.form[f"photo-{position}"]
    sizes = photos.sizes(visit.store, visit.villager.id, attachment) if chosen else None
    if sizes is None:
        return attachment
    return sizes.whole if chosen == "whole" else sizes.small


def _make_smaller(visit: Visit, sheet: Sheet) -> bool:
    """Make photos smaller whose writer has not been asked yet; tell whether there are any."""
    account = visit.villager.id
    parts = []
    for part in sheet.attachments:
        data = b""
        if photos.is_new(visit.store, account, part):
            data = smaller(visit.store.attachments.path(part.digest))
        parts.append(photos.keep_smaller(visit.store, account, part, data) if data else part)
    asks = sheet.attachments != tuple(parts)
    sheet.attachments = tuple(parts)
    if asks:
        sheet.draft = _keep(visit, sheet)
    return asks


def _keep(visit: Visit, sheet: Sheet) -> int:
    with visit.store.transaction() as connection:
        return drafts.save(
            connection, visit.villager.id, sheet.draft, sheet.fields, sheet.attachments
        )


def _send(visit: Visit, sheet: Sheet) -> bool | None:
    """Hand the letter over; return whether it has to leave the village.

    None if it was not: its writer has to be asked how large its photos go.
    """
    to, cc, bcc = (_recipients(visit, sheet.fields[field]) for field in ("to", "cc", "bcc"))
    addresses = list(dict.fromkeys(mailbox.address for mailbox in (*to, *cc, *bcc)))
    if not addresses:
        raise Refused(422, _NO_RECIPIENT)
    if len(addresses) > _MAX_RECIPIENTS:
        raise Refused(422, _TOO_MANY, number=_MAX_RECIPIENTS)
    here = [address for address in addresses if visit.is_here(address)]
    outside = [address for address in addresses if not visit.is_here(address)]
    if outside and visit.domain == UNNAMED_DOMAIN:
        raise Refused(422, _NOT_CONNECTED)
    if outside and _make_smaller(visit, sheet):
        return None
    message = _message(visit, sheet, to, cc)
    nobody = entries.submit(
        visit.store, visit.villager.id, message, here, outside, draft=sheet.draft
    )
    if nobody:
        raise Refused(422, _NOBODY, name=", ".join(one.partition("@")[0] for one in nobody))
    return bool(outside)


def _recipients(visit: Visit, text: str) -> tuple[Mailbox, ...]:
    try:
        groups = contacts.groups(visit.store, visit.villager.id)
        return tuple(recipients.parse(text, visit.domain, groups))
    except BadRecipient as error:
        raise Refused(422, _NOT_AN_ADDRESS, text=error.text) from error


def _message(
    visit: Visit, sheet: Sheet, to: tuple[Mailbox, ...], cc: tuple[Mailbox, ...]
) -> Message:
    account, fields = visit.villager, sheet.fields
    digests = [attachment.digest for attachment in sheet.attachments]
    content = json.dumps([account.id, {**fields, "answers": ""}, digests], sort_keys=True)
    answered = None
    if re.fullmatch("[0-9]{1,15}", fields["answers"]):
        answered = opened.read(visit.store, account.id, int(fields["answers"]))
    references: tuple[str, ...] = ()
    if answered:
        references = (*answered.message.references, answered.message.message_id)
        # The first one names the conversation.
        references = references[:1] + references[1:][-_MAX_REFERENCES:]
    return Message(
        message_id=f"{hashlib.sha256(content.encode()).hexdigest()[:24]}@{visit.domain}",
        date=datetime.now(UTC).replace(microsecond=0),
        sender=Mailbox(f"{account.name}@{visit.domain}", account.display_name),
        to=to,
        cc=cc,
        subject=" ".join(fields["subject"].split())[:_MAX_SUBJECT],
        text=fields["text"],
        in_reply_to=answered.message.message_id if answered else "",
        references=references,
        attachments=sheet.attachments,
    )


def _signed(visit: Visit, text: str) -> str:
    signature = visit.villager.signature
    return f"{text}\n\n-- \n{signature}" if signature else text


def _prefixed(prefix: str, subject: str) -> str:
    return subject if subject.lower().startswith(prefix.lower().strip()) else prefix + subject


def _quoting(visit: Visit, message: Message) -> str:
    """Quote the words of a letter, without what it quotes itself: every byte costs money."""
    own = re.split(r"^-- $", message.text, maxsplit=1, flags=re.MULTILINE)[0]
    lines = [line for line in own.strip().split("\n") if not line.startswith(">")]
    said = visit.language.text("{name} wrote:").format(name=visit.who(message.sender))
    return "\n".join(["", "", said, *(f"> {line}".rstrip() for line in lines)])


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
