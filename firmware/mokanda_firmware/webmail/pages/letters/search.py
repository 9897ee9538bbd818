# SPDX-License-Identifier: Apache-2.0
"""Finding letters again."""

import html

from bottle import HTTPResponse

from mokanda_firmware.mailbox.letters import folders
from mokanda_firmware.mailbox.letters.folders import MARK, UNMARK, Page, Query
from mokanda_firmware.webmail.forms import NO_DAY, start_of_day
from mokanda_firmware.webmail.languages import zone_of
from mokanda_firmware.webmail.pages.letters.folders import TITLES, colour, initial
from mokanda_firmware.webmail.visit import Visit, get

_FIELDS = ("q", "people", "subject", "since", "until", "starred")


@get("/search")
def search(visit: Visit) -> HTTPResponse:
    """Show the form, and what it found."""
    fields = {name: visit.request.query.getunicode(name, "")[:200] for name in _FIELDS}
    asked = any(fields.values())
    zone = zone_of(visit.zone)
    query = Query(
        fields["q"],
        fields["people"],
        fields["subject"],
        start_of_day(fields["since"], zone=zone),
        start_of_day(fields["until"], days=1, zone=zone),
        starred=bool(fields["starred"]),
    )
    days = ((fields["since"], query.since), (fields["until"], query.until))
    problem = any(typed.strip() and read is None for typed, read in days)
    page = Page()
    if asked and not problem:
        page = folders.search(visit.store, visit.villager.id, query, before=visit.number("before"))
    return visit.page(
        "letters/search",
        problem=visit.language.text(NO_DAY) if problem else "",
        fields=fields,
        asked=asked and not problem,
        page=page,
        titles=TITLES,
        initial=initial,
        colour=colour,
        marked=marked,
    )


def marked(text: str) -> str:
    """Return the HTML of a text whose found words are marked."""
    return html.escape(text).replace(MARK, "<mark>").replace(UNMARK, "</mark>")
