# SPDX-License-Identifier: Apache-2.0
"""One letter: to read, to print, to take back, and what of it the relay has kept back."""

import contextlib

from bottle import HTTPResponse

from mokanda_firmware.mailbox.letters import drafts, entries, opened
from mokanda_firmware.mailbox.letters.entries import TakenBack
from mokanda_firmware.mailbox.letters.opened import Letter
from mokanda_firmware.mailbox.people import contacts, unwanted
from mokanda_firmware.mailbox.store import content_requests
from mokanda_firmware.mailbox.store.database import StoreError
from mokanda_firmware.webmail import prices
from mokanda_firmware.webmail.languages import N_
from mokanda_firmware.webmail.pages.letters import answering, parts
from mokanda_firmware.webmail.pictures import picture_type
from mokanda_firmware.webmail.recipients import written
from mokanda_firmware.webmail.visit import Refused, Visit, get, post
from mokanda_firmware.webmail.wording.lookalikes import mixes_scripts
from mokanda_firmware.webmail.wording.markup import to_html
from mokanda_firmware.webmail.wording.origin import forged, imitating
from mokanda_firmware.webmail.wording.reasons import explain
from mokanda_wire.items import DONE, GONE, LARGE, UNDONE, WRITTEN, ContentRequestKind
from mokanda_wire.message import CUT, DELETED, DISPLAYED, ENCRYPTED, UNREAD, Mailbox

NO_LETTER = N_("There is no such letter.")
NO_ANSWER = N_("This letter cannot be answered: no answer would reach who has written it.")
WAITS = N_(
    "This letter waits at the relay. It comes when the village can afford it, or when you ask for"
    " it."
)
NO_FILE = N_("This file is not on the device.")
_TOO_LATE = N_("This letter is on its way already.")
_ASKED_ALREADY = N_("This has been asked for already, or by somebody else.")
_DENIALS = {
    GONE: N_("The relay no longer has it: it keeps everything for 30 days."),
    LARGE: N_("It is too large to be sent to the village."),
    "refused": N_("The relay refuses to send it."),
    DONE: N_("You are unsubscribed. It may take some days."),
    WRITTEN: N_("A letter was sent that unsubscribes you. It may take some days."),
    UNDONE: N_("Unsubscribing did not work. You can block the writer."),
}
_NOTES = {
    ENCRYPTED: N_("This letter is encrypted. It can be read only with its reader's own key."),
    DISPLAYED: N_("Your letter was opened."),
    DELETED: N_("Your letter was deleted."),
}
_MAX_ANSWERED = 5  # people who get the answers to a letter, that are shown
_STATES = {
    "waiting": N_("waits in the outbox"),
    "relayed": N_("has left the village"),
    "sent": N_("sent"),
    "delivered": N_("delivered"),
    "bounced": N_("could not be delivered"),
    "refused": N_("could not be delivered"),
}


def open_letter(visit: Visit, number: int) -> Letter:
    """Open an entry of the reader; raises Refused when there is none."""
    letter = opened.read(visit.store, visit.villager.id, number)
    if letter is None:
        raise Refused(404, NO_LETTER)
    return letter


@get("/mail/<number:int>")
def show_letter(visit: Visit, number: int) -> HTTPResponse:
    """Show a letter; opening it makes it read."""
    account, letter = visit.villager.id, open_letter(visit, number)
    if letter.unread:
        with contextlib.suppress(StoreError):  # a full disk must not keep anyone from reading
            entries.mark_read(visit.store, account, number)
    others = opened.conversation(visit.store, account, number)
    part = parts.part_of(visit, letter)
    beginning, rest = (part.text, "") if part.begins else parts.folded(part.text)
    to_all = answering.answer(visit, letter, to_all=True)
    answered = _answered(letter)
    # Domains of other scripts are shown as they are encoded (xn--...), which imitates nothing.
    writers = (letter.message.sender, *answered) if letter.from_outside else ()
    return visit.page(
        "letters/letter",
        letter=letter,
        message=letter.message,
        forged=forged(letter.message, visit.domain) if letter.from_outside else "",
        answered=answered,
        imitating=imitating(writers, visit.domain),
        mixes_scripts=any(mixes_scripts(f"{one.name} {one.address}") for one in writers),
        states=_STATES,
        explain=lambda reason: explain(reason, visit.language),
        conversation=others if len(others) > 1 else [],
        estimate=prices.estimates(visit).get(number) if letter.folder == "outbox" else None,
        body=to_html(beginning, visit.language.text("Show what is quoted")),
        rest=to_html(rest),
        is_long=bool(rest) or len(beginning) > parts.SCREEN,
        part=part,
        goes_on=letter.message.note == CUT and any(not file.here for file in letter.files[:1]),
        is_unread=letter.message.note == UNREAD,
        noted=_NOTES.get(letter.message.note, ""),
        pictures=_pictures(visit, letter),
        show_pictures="pictures" in visit.request.query,
        waits=visit.language.text(WAITS),
        denials=_DENIALS,
        price=lambda size: prices.of_fetching(visit, size),
        day_too_small=lambda size: prices.day_too_small(visit, size),
        blockable=blockable(visit, letter),
        no_answer="" if to_all.to else visit.language.text(NO_ANSWER),
        to_all=to_all.cc or to_all.left_out,
    )


def blockable(visit: Visit, letter: Letter) -> list[str]:
    """Say what can be blocked of the writer of a letter: the address, the domain, or nothing."""
    address = letter.message.sender.address
    is_stranger = letter.origin == "received" and not visit.is_here(address)
    return unwanted.offered(address) if is_stranger else []


@get("/mail/<number:int>/print")
def show_for_printing(visit: Visit, number: int) -> HTTPResponse:
    """Show a letter, or the part of it that was on the page, with its pictures alone."""
    letter = open_letter(visit, number)
    return visit.page(
        "letters/print",
        letter=letter,
        message=letter.message,
        body=to_html(parts.part_of(visit, letter).text),
        pictures=_pictures(visit, letter),
    )


@post("/mail/<number:int>/take-back")
def take_back(visit: Visit, number: int) -> HTTPResponse:
    """Stop a letter that still waits in the outbox: it becomes a draft again."""
    account = visit.villager.id
    with visit.store.transaction() as connection:
        taken = entries.take_back(connection, account, number)
        if taken is None:
            raise Refused(409, _TOO_LATE)
        fields = _as_written(visit, taken)
        draft = drafts.save(connection, account, None, fields, taken.message.attachments)
    prices.notify_courier()
    return visit.redirect("/write", "taken-back", draft=draft)


@post("/mail/<number:int>/fetch")
def fetch(visit: Visit, number: int) -> HTTPResponse:
    """Ask the relay for what it has kept back, or (by the button `not`) no longer ask."""
    account = visit.villager.id
    kind, name = _wanted(visit, number)
    taken_back = bool(visit.form["not"])
    with visit.store.transaction() as connection:
        if not taken_back:
            content_requests.ask(connection, kind, name, account)
        elif not content_requests.withdraw(connection, kind, name, account):
            raise Refused(409, _ASKED_ALREADY)
    return visit.redirect(f"/mail/{number}", "not-asked" if taken_back else "asked")


def _wanted(visit: Visit, number: int) -> tuple[ContentRequestKind, str]:
    """Say what a form asks for: a file of this letter, the letter behind its stub, or all of it."""
    letter = open_letter(visit, number)
    position = visit.form.number("file")
    if position is not None and position < len(letter.files):
        return "file", letter.files[position].whole.digest
    if visit.form["what"] == "mail" and letter.stub:
        return "mail", letter.stub.ticket
    if visit.form["what"] == "original" and letter.original:
        return "original", letter.original.ticket
    raise Refused(404, NO_FILE)


def _answered(letter: Letter) -> list[Mailbox]:
    """Return who gets the answers to a letter from outside, where that is not its writer."""
    writer = letter.message.sender.address.lower()
    others = [one for one in letter.message.reply_to if one.address.lower() != writer]
    return others[:_MAX_ANSWERED] if letter.from_outside else []


def _pictures(visit: Visit, letter: Letter) -> list[int]:
    """Return the positions of the attachments that are pictures and here."""
    here = [(at, file.here.digest) for at, file in enumerate(letter.files) if file.here]
    return [at for at, digest in here if picture_type(visit.store.attachments.path(digest))]


def _as_written(visit: Visit, taken: TakenBack) -> dict[str, str]:
    """Return the fields of the form that a letter was written in."""
    message, waiting = taken.message, set(taken.recipients)
    groups = contacts.groups(visit.store, visit.villager.id)
    to = [one for one in message.to if one.address in waiting]
    cc = [one for one in message.cc if one.address in waiting]
    return {
        "to": written(to, visit.domain, groups),
        "cc": written(cc, visit.domain, groups),
        "bcc": ", ".join(sorted(waiting - {one.address for one in (*to, *cc)})),
        "subject": message.subject,
        "text": message.text,
        "answers": str(taken.answers or ""),
    }
