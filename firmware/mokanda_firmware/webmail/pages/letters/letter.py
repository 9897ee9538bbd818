# SPDX-License-Identifier: Apache-2.0
"""One letter, and the files that came with it."""

import contextlib
import re
from pathlib import Path
from urllib.parse import quote

import bottle
from bottle import HTTPResponse

from mokanda_firmware.mailbox.letters import drafts, entries, opened
from mokanda_firmware.mailbox.letters.entries import TakenBack
from mokanda_firmware.mailbox.store import content_requests
from mokanda_firmware.mailbox.store.database import StoreError
from mokanda_firmware.webmail import prices
from mokanda_firmware.webmail.languages import N_
from mokanda_firmware.webmail.pictures import picture_type
from mokanda_firmware.webmail.recipients import written
from mokanda_firmware.webmail.visit import SECURITY_HEADERS, Refused, Visit, get, post
from mokanda_firmware.webmail.wording.markup import to_html
from mokanda_firmware.webmail.wording.reasons import explain
from mokanda_wire.bundle import WishKind
from mokanda_wire.message import Attachment, safe_file_name

NO_LETTER = N_("There is no such letter.")
NO_FILE = N_("This file is not on the device.")
_TOO_LATE = N_("This letter is on its way already.")
_ASKED_ALREADY = N_("This has been asked for already, or by somebody else.")
_DENIALS = {
    "gone": N_("The relay no longer has it: it keeps everything for 30 days."),
    "large": N_("It is too large to be sent to the village."),
    "refused": N_("The relay refuses to send it."),
}
# Types that a phone may open by itself; everything else is only ever saved.
_HARMLESS = re.compile(
    r"image/(jpeg|png|gif|webp|bmp)|(audio|video)/[a-z0-9.+-]+|text/(plain|csv|vcard|calendar)"
    r"|application/(pdf|zip|msword|vnd\.[a-z0-9.+-]+)"
)
_STATES = {
    "waiting": N_("waits in the outbox"),
    "relayed": N_("has left the village"),
    "sent": N_("sent"),
    "delivered": N_("delivered"),
    "bounced": N_("could not be delivered"),
    "refused": N_("could not be delivered"),
}


@get("/mail/<number:int>")
def show_letter(visit: Visit, number: int) -> HTTPResponse:
    """Show a letter; opening it makes it read."""
    account = visit.villager.id
    letter = opened.read(visit.store, account, number)
    if letter is None:
        raise Refused(404, NO_LETTER)
    if letter.unread:
        with contextlib.suppress(StoreError):  # a full disk must not keep anyone from reading
            entries.mark_read(visit.store, account, number)
    others = opened.conversation(visit.store, account, number)
    return visit.page(
        "letters/letter",
        letter=letter,
        message=letter.message,
        states=_STATES,
        explain=lambda reason: explain(reason, visit.language),
        conversation=others if len(others) > 1 else [],
        fare=prices.fares(visit).get(number) if letter.folder == "outbox" else None,
        body=to_html(letter.message.text),
        pictures=_pictures(visit, letter),
        show_pictures="pictures" in visit.request.query,
        denials=_DENIALS,
        price=lambda size: prices.of_fetching(visit, size),
        day_too_small=lambda size: prices.day_too_small(visit, size),
        to_all=len(letter.message.to) + len(letter.message.cc) > 1,
    )


@get("/mail/<number:int>/print")
def show_for_printing(visit: Visit, number: int) -> HTTPResponse:
    """Show a letter with its pictures and nothing around it."""
    letter = opened.read(visit.store, visit.villager.id, number)
    if letter is None:
        raise Refused(404, NO_LETTER)
    return visit.page(
        "letters/print",
        letter=letter,
        message=letter.message,
        body=to_html(letter.message.text),
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
        fields = _as_written(taken, visit.domain)
        draft = drafts.save(connection, account, None, fields, taken.message.attachments)
    prices.tell_courier()
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


def _wanted(visit: Visit, number: int) -> tuple[WishKind, str]:
    """Say what a form asks for: a file of this letter, the letter behind its stub, or all of it."""
    letter = opened.read(visit.store, visit.villager.id, number)
    if letter is None:
        raise Refused(404, NO_LETTER)
    position = visit.form.number("file")
    if position is not None and position < len(letter.files):
        return "file", letter.files[position].whole.digest
    if visit.form["what"] == "mail" and letter.stub:
        return "mail", letter.stub.ticket
    if visit.form["what"] == "original" and letter.original:
        return "original", letter.original.ticket
    raise Refused(404, NO_FILE)


@get("/mail/<number:int>/original")
def download_original(visit: Visit, number: int) -> HTTPResponse:
    """Give out a mail as it came from the world."""
    letter = opened.read(visit.store, visit.villager.id, number)
    if letter is None or not letter.original_digest:
        raise Refused(404, NO_FILE)
    name = f"{safe_file_name(letter.message.subject) or 'mail'}.eml"
    return _give_out(visit, Attachment(name, "message/rfc822", letter.original_digest, 0))


@get("/mail/<number:int>/file/<position:int>")
def download(visit: Visit, number: int, position: int) -> HTTPResponse:
    """Give out a file to be saved: it never becomes a page of this site."""
    file = opened.file(visit.store, visit.villager.id, number, position)
    if file is None or file.here is None:
        raise Refused(404, NO_FILE)
    return _give_out(visit, file.here)


def _give_out(visit: Visit, attachment: Attachment) -> HTTPResponse:
    harmless = _HARMLESS.fullmatch(attachment.media_type)
    response = _file(
        visit.store.attachments.path(attachment.digest),
        attachment.media_type if harmless else "application/octet-stream",
    )
    response.set_header("Content-Disposition", _as_file(attachment.name))
    return response


@get("/mail/<number:int>/picture/<position:int>")
def show_picture(visit: Visit, number: int, position: int) -> HTTPResponse:
    """Give out an attachment that is a picture, for the page of its letter."""
    file = opened.file(visit.store, visit.villager.id, number, position)
    path = visit.store.attachments.path(file.here.digest) if file and file.here else None
    kind = picture_type(path) if path else ""
    if path is None or not kind:
        raise Refused(404, NO_FILE)
    return _file(path, kind)


def _pictures(visit: Visit, letter: opened.Letter) -> list[int]:
    """Return the positions of the attachments that are pictures and here."""
    here = [(at, file.here.digest) for at, file in enumerate(letter.files) if file.here]
    return [at for at, digest in here if picture_type(visit.store.attachments.path(digest))]


def _file(path: Path, media_type: str) -> HTTPResponse:
    """Answer with a file of the store, under headers that let it do nothing."""
    response = bottle.static_file(path.name, str(path.parent), mimetype=media_type, charset="")
    if response.status_code in {403, 404}:
        raise Refused(404, NO_FILE)
    for name, value in SECURITY_HEADERS.items():
        response.set_header(name, value)
    response.set_header("Content-Security-Policy", "default-src 'none'; sandbox")
    # A smaller picture may be replaced by the original under the same address.
    response.set_header("Cache-Control", "private, no-cache")
    return response


def _as_file(name: str) -> str:
    """Name a download (RFC 6266), for old browsers in ASCII too."""
    plain = re.sub(r"[^A-Za-z0-9._ -]", "_", name).strip(" .") or "file"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _as_written(taken: TakenBack, domain: str) -> dict[str, str]:
    """Return the fields of the form that a letter was written in."""
    message, waiting = taken.message, set(taken.recipients)
    to = [one for one in message.to if one.address in waiting]
    cc = [one for one in message.cc if one.address in waiting]
    return {
        "to": written(to, domain),
        "cc": written(cc, domain),
        "bcc": ", ".join(sorted(waiting - {one.address for one in (*to, *cc)})),
        "subject": message.subject,
        "text": message.text,
    }
