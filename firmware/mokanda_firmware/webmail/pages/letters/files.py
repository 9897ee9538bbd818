# SPDX-License-Identifier: Apache-2.0
"""The files that came with a letter, given out so that they can do nothing to this site."""

import re
from pathlib import Path
from urllib.parse import quote

import bottle
from bottle import HTTPResponse

from mokanda_firmware.mailbox.letters import opened
from mokanda_firmware.webmail.pages.letters.letter import NO_FILE
from mokanda_firmware.webmail.pictures import picture_type
from mokanda_firmware.webmail.visit import SECURITY_HEADERS, Refused, Visit, get
from mokanda_wire.message import Attachment
from mokanda_wire.text import safe_file_name

# Types that a phone may open by itself; everything else is only ever saved.
_HARMLESS = re.compile(
    r"image/(jpeg|png|gif|webp|bmp)|(audio|video)/[a-z0-9.+-]+|text/(plain|csv|(x-)?v?(card|calendar))"
    r"|application/(pdf|zip|msword|vnd\.[a-z0-9.+-]+)"
)


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
