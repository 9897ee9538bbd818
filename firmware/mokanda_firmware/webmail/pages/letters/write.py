# SPDX-License-Identifier: Apache-2.0
"""Writing a letter: whatever happens on the way, what was written stays."""

import secrets
from collections.abc import Collection
from contextlib import suppress

from bottle import HTTPResponse

from mokanda_firmware.mailbox.administration import villagers
from mokanda_firmware.mailbox.costs import budget
from mokanda_firmware.mailbox.letters import drafts, opened, photos
from mokanda_firmware.mailbox.people import contacts
from mokanda_firmware.mailbox.store.database import StoreError
from mokanda_firmware.webmail import forms, prices
from mokanda_firmware.webmail.languages import N_
from mokanda_firmware.webmail.numbers import number as number_in
from mokanda_firmware.webmail.pages.letters import answering, sending, sheet
from mokanda_firmware.webmail.pages.letters.folders import DAMAGED_DRAFT
from mokanda_firmware.webmail.pages.letters.letter import NO_ANSWER, NO_LETTER, WAITS, open_letter
from mokanda_firmware.webmail.pages.letters.sheet import (
    FIELDS,
    NO_QUOTA,
    OTHER_FILES,
    SOURCE_GONE,
    Sheet,
)
from mokanda_firmware.webmail.recipients import MAX_RECIPIENTS
from mokanda_firmware.webmail.serving import NO_FILES, refusal
from mokanda_firmware.webmail.visit import SECURITY_HEADERS, Refused, Visit, get, post

_NO_DRAFT = N_("There is no such draft.")
_NO_QUOTA = N_(
    "Your room on the device is used up. Please delete letters with large files, and empty the"
    " trash. Your text is here, the new files are not."
)
_MEANT = N_("Did you mean {meant}? If {typed} is right, press Send once more.")
_FILLED_IN = ("to", "cc", "subject", "text")  # by a link of a letter
_MAX_FILLED_IN = 1000  # characters of each
_OTHER_WRITER = N_(
    "Now {name} is logged in on this phone, and the letter would go out in this name. Press the"
    " button again only if that is right."
)
_OTHER_FILES = N_(
    "The files of this letter were changed on another page. Please look at them, and press the"
    " button again."
)
_OF_SHEET = {
    SOURCE_GONE: (404, NO_LETTER),
    NO_QUOTA: (413, _NO_QUOTA),
    OTHER_FILES: (409, _OTHER_FILES),
}


@get("/write")
def start(visit: Visit) -> HTTPResponse:
    """Show a form, with what a link has filled in, or a draft."""
    if not visit.request.query.get("draft"):
        asked = visit.request.query.getunicode
        fields = {name: (asked(name) or "")[:_MAX_FILLED_IN] for name in _FILLED_IN}
        return _show(visit, answering.blank(visit, **fields))
    number = visit.number("draft")
    draft = drafts.load(visit.store, visit.villager.id, number) if number else None
    if draft is None:
        raise Refused(404, _NO_DRAFT)
    problem = visit.language.text(DAMAGED_DRAFT) if draft.is_damaged else ""
    return _show(visit, Sheet.of_draft(draft), problem)


@get("/mail/<number:int>/<way:re:reply|reply-all>")
def reply(visit: Visit, number: int, way: str) -> HTTPResponse:
    """Show a form that answers a letter: to its writer, or to everybody."""
    letter = open_letter(visit, number)
    people = answering.answer(visit, letter, to_all=way == "reply-all")
    if not people.to:
        raise Refused(409, NO_ANSWER)
    return _show(visit, answering.reply(visit, letter, people), left_out=people.left_out)


@get("/mail/<number:int>/forward")
def forward(visit: Visit, number: int) -> HTTPResponse:
    """Show a form that passes a letter on, with a choice of its files."""
    letter = open_letter(visit, number)
    problem = visit.language.text(WAITS) if letter.stub else ""
    return _show(visit, answering.forward(visit, letter), problem)


def _show_again(visit: Visit, problem: str) -> HTTPResponse:
    """Show the form as it was filled in, and keep it as a draft in case the phone goes away."""
    text = visit.language.text
    if visit.form["writer"] not in {"", str(visit.villager.id)}:
        problem = text(_OTHER_WRITER).format(name=visit.who_is(visit.villager))
    if visit.form.passed_over and not visit.form_is_ours:
        problem += f" {text(NO_FILES)}"
    shown = Sheet(sheet.fields_of(visit), visit.form.number("draft"))
    with suppress(StoreError):  # the text comes back all the same
        shown = sheet.before_form(visit)
        written = sheet.of_form(visit)
        if visit.form_is_ours and not written.is_blank:
            shown = sheet.keep(visit, written)
    return _show(visit, shown, problem)


@post("/write", takes_files=True, text_limit=forms.LONG, rescue=_show_again)
def submit(visit: Visit) -> HTTPResponse:
    """Send a letter, or keep it as a draft with its files."""
    written = sheet.of_form(visit)
    was_sent = bool(visit.form["send"]) and sending.was_sent(visit, written)
    if written.problem and not was_sent:
        if written.problem in _OF_SHEET:
            raise Refused(*_OF_SHEET[written.problem])
        raise refusal(visit, written.problem)
    if not visit.form["send"]:
        kept = sheet.keep(visit, written)
        return visit.redirect("/write", "draft" if visit.form["save"] else "", draft=kept.draft)
    plan = sending.plan(visit, written)
    if plan.outside and not was_sent:
        smaller = sending.with_smaller_photos(visit, written)
        if smaller != written:  # its writer is asked how large they go
            return visit.redirect("/write", "photos", draft=sheet.keep(visit, smaller).draft)
        weight = sending.weight(visit, written)
        if weight > sending.LARGE and weight != visit.form.number("shown"):
            return visit.redirect("/write", "large", draft=sheet.keep(visit, written).draft)
    if not was_sent and (doubted := sending.doubtful(visit, plan, written)):
        return _ask_whether_meant(visit, sheet.keep(visit, written), doubted)
    sending.send(visit, plan)
    if not plan.outside:
        return visit.redirect("/sent", "delivered")
    prices.notify_courier()
    used_up = prices.is_credit_used_up(visit, visit.villager.id)
    return visit.redirect("/outbox", "no-credit" if used_up else "waiting")


def _ask_whether_meant(visit: Visit, kept: Sheet, doubted: dict[str, str]) -> HTTPResponse:
    """Ask once about addresses that are probably mistyped, by what was probably meant."""
    problem = visit.language.text(_MEANT).format(
        meant=", ".join(doubted.values()), typed=", ".join(doubted)
    )
    page = _show(visit, kept, problem, meant=[*visit.form.all("meant"), *doubted])
    page.status = 422
    return page


@post("/write/keep", text_limit=forms.LONG)
def keep(visit: Visit) -> HTTPResponse:
    """Keep what is being written as a draft, and answer with its number to the page's script."""
    return HTTPResponse(
        str(sheet.keep(visit, sheet.of_form(visit)).draft),
        200,
        {
            **SECURITY_HEADERS,
            "Content-Type": "text/plain; charset=utf-8",
            "Cache-Control": "no-store",
        },
    )


def _show(
    visit: Visit,
    written: Sheet,
    problem: str = "",
    meant: Collection[str] = (),
    left_out: int = 0,
) -> HTTPResponse:
    fields = {name: written.fields.get(name, "") for name in FIELDS}
    fields["once"] = fields["once"] or secrets.token_hex(8)
    account = visit.villager.id
    return visit.page(
        "letters/write",
        script=True,
        problem=problem,
        meant=meant,
        left_out=left_out,
        most=MAX_RECIPIENTS,
        written_as=_written_as(visit, fields["answers"]),
        fields=fields,
        sheet=written,
        sizes=[photos.sizes(visit.store, account, file) for file in written.files],
        groups=contacts.groups(visit.store, account),
        people=contacts.people(visit.store, account, visit.domain),
        limit=visit.site.upload_limit,
        left=_left_today(visit),
        other=prices.of_other_credit(visit, account),
        used_up=prices.is_credit_used_up(visit, account),
        keepers=villagers.keepers(visit.store),
        weight=sending.weight(visit, written),
        price=lambda size: prices.of_fetching(visit, size),
    )


def _written_as(visit: Visit, answers: str) -> str:
    """Return the address that an answer goes out as, "" where that is the writer's first one."""
    entry = number_in(answers)
    letter = opened.read(visit.store, visit.villager.id, entry) if entry else None
    address = answering.own_address(visit, letter)
    return "" if address == answering.own_address(visit, None) else address


def _left_today(visit: Visit) -> int | None:
    """Return how much of today's data the writer may use; None where there is no limit."""
    left = budget.left(visit.store)
    bounds = (left.village, left.villagers.get(visit.villager.id))
    return min((max(0, bound) for bound in bounds if bound is not None), default=None)
