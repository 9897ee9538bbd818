# SPDX-License-Identifier: Apache-2.0
"""The folders, twenty letters a page."""

import zlib
from collections.abc import Sequence

from bottle import HTTPResponse

from mokanda_firmware import status
from mokanda_firmware.mailbox import entries
from mokanda_firmware.webmail.languages import N_
from mokanda_firmware.webmail.statuses import seconds
from mokanda_firmware.webmail.visit import Visit, get
from mokanda_wire.message import Mailbox

_TITLES = {"inbox": N_("Inbox"), "outbox": N_("Outbox"), "sent": N_("Sent")}
_EMPTY = {
    "inbox": N_("There are no letters here yet."),
    "outbox": N_("Nothing waits here. Letters to people outside the village wait in this folder."),
    "sent": N_("You have not sent any letters yet."),
}


@get("/<folder:re:inbox|outbox|sent>")
def show_folder(visit: Visit, folder: str) -> HTTPResponse:
    """List a folder, the latest letter first."""
    page = entries.page(
        visit.store,
        visit.villager.id,
        folder,
        before=_number(visit, "before"),
        after=_number(visit, "after"),
    )
    return visit.page(
        "folder",
        folder=folder,
        title=visit.language.text(_TITLES[folder]),
        empty=visit.language.text(_EMPTY[folder]),
        page=page,
        initial=_initial,
        colour=_colour,
        next_run=_next_run(visit) if folder == "outbox" else "",
    )


def _number(visit: Visit, name: str) -> int | None:
    value = visit.request.query.get(name, "")
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 16 else None


def _next_run(visit: Visit) -> str:
    """Say when the letters that wait will leave."""
    at = seconds(status.read("courier").get("next_sync"))
    if at is None:
        return visit.language.text("They leave with the next mail run.")
    return visit.language.text("They leave with the next mail run: {time}.").format(
        time=visit.language.date_and_time(at, visit.zone)
    )


def _initial(people: Sequence[Mailbox]) -> str:
    """Return the letter in the circle beside a line."""
    name = (people[0].name or people[0].address) if people else ""
    return next((letter.upper() for letter in name if letter.isalnum()), "?")


def _colour(people: Sequence[Mailbox]) -> int:
    """Give everybody one of six colours, always the same one."""
    return zlib.crc32(people[0].address.encode()) % 6 if people else 0
