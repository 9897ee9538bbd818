# SPDX-License-Identifier: Apache-2.0
"""The noticeboard: for everybody to read, also for who has no account."""

from bottle import HTTPResponse

from mokanda_firmware.mailbox.administration import audit
from mokanda_firmware.mailbox.people import noticeboard
from mokanda_firmware.webmail.languages import N_
from mokanda_firmware.webmail.visit import Refused, Visit, get, post
from mokanda_firmware.webmail.wording.markup import to_html
from mokanda_wire.text import one_line, without_invisible

_PAGE_LENGTH = 10
_MAX_TITLE = 200
_MAX_TEXT = 20_000
_MAX_RECORDED = 40
_EMPTY = N_("A notice has a title and a text.")
_GONE = N_("This notice is not on the board any more.")


def _show(visit: Visit, problem: str = "") -> HTTPResponse:
    found = noticeboard.notices(visit.store, visit.number("before"), _PAGE_LENGTH + 1)
    return visit.page(
        "people/noticeboard",
        problem=problem,
        notices=found[:_PAGE_LENGTH],
        older=found[_PAGE_LENGTH - 1].id if len(found) > _PAGE_LENGTH else None,
        title=visit.form["title"],
        text=visit.form["text"],
        to_html=to_html,
    )


@get("/news", access="everyone")
def show_news(visit: Visit) -> HTTPResponse:
    """Show what is on the noticeboard."""
    return _show(visit)


@post("/news", access="helper", text_limit=10 * _MAX_TEXT, rescue=_show)
def put_up(visit: Visit) -> HTTPResponse:
    """Put a notice on the board."""
    title = one_line(without_invisible(visit.form["title"]))[:_MAX_TITLE]
    text = visit.form["text"].strip()[:_MAX_TEXT]
    if not title or not text:
        raise Refused(422, _EMPTY)
    noticeboard.put_up(visit.store, visit.villager, title, text)
    return visit.redirect("/news", "put-up")


@post("/news/<notice:int>/delete", access="helper", rescue=_show)
def take_down(visit: Visit, notice: int) -> HTTPResponse:
    """Take a notice off the board."""
    title = noticeboard.take_down(visit.store, visit.villager, notice)
    if title is None:
        raise Refused(404, _GONE)
    audit.record_act(visit.store, visit.villager, "notice", title[:_MAX_RECORDED])
    return visit.redirect("/news", "taken-down")
