# SPDX-License-Identifier: Apache-2.0
"""One letter, and the files that came with it."""

import contextlib
import re
from urllib.parse import quote

import bottle
from bottle import HTTPResponse

from mokanda_firmware.mailbox import entries
from mokanda_firmware.mailbox.store import StoreError
from mokanda_firmware.webmail.languages import N_
from mokanda_firmware.webmail.visit import SECURITY_HEADERS, Refused, Visit, get

NO_LETTER = N_("There is no such letter.")
NO_FILE = N_("This file is not on the device.")
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
    letter = entries.read(visit.store, account, number)
    if letter is None:
        raise Refused(404, NO_LETTER)
    if letter.unread:
        with contextlib.suppress(StoreError):  # a full disk must not keep anyone from reading
            entries.mark_read(visit.store, account, number)
    return visit.page("letter", letter=letter, message=letter.message, states=_STATES)


@get("/mail/<number:int>/file/<position:int>")
def download(visit: Visit, number: int, position: int) -> HTTPResponse:
    """Give out an attachment to be saved: it never becomes a page of this site."""
    attachment = entries.attachment(visit.store, visit.villager.id, number, position)
    if attachment is None:
        raise Refused(404, NO_FILE)
    path = visit.store.attachments.path(attachment.digest)
    harmless = _HARMLESS.fullmatch(attachment.media_type)
    response = bottle.static_file(
        path.name,
        root=str(path.parent),
        mimetype=attachment.media_type if harmless else "application/octet-stream",
        charset="",
    )
    if response.status_code in {403, 404}:
        raise Refused(404, NO_FILE)
    for name, value in SECURITY_HEADERS.items():
        response.set_header(name, value)
    response.set_header("Content-Security-Policy", "default-src 'none'; sandbox")
    response.set_header("Cache-Control", "private, max-age=86400, immutable")
    response.set_header("Content-Disposition", _as_file(attachment.name))
    return response


def _as_file(name: str) -> str:
    """Name a download (RFC 6266), for old browsers in ASCII too."""
    plain = re.sub(r"[^A-Za-z0-9._ -]", "_", name).strip(" .") or "file"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
