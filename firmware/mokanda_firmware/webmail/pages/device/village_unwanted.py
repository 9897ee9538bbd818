# SPDX-License-Identifier: Apache-2.0
"""Letters that the village does not want to pay for: who is blocked, advertising, strangers."""

from bottle import HTTPResponse

from mokanda_firmware.mailbox.administration import audit
from mokanda_firmware.mailbox.people import unwanted
from mokanda_firmware.webmail.blocking import block_typed, unblock
from mokanda_firmware.webmail.languages import N_
from mokanda_firmware.webmail.visit import Refused, Visit, get, post

_MAX_SCORE = 100.0
_NO_SCORE = N_("A score is a number from 1 to 100.")


def _show(visit: Visit, problem: str = "") -> HTTPResponse:
    with visit.store.reading() as connection:
        blocked = unwanted.blocked(connection, None)
    return visit.page(
        "device/unwanted",
        problem=problem,
        blocked=blocked,
        writer=visit.form["writer"] if problem else "",
        wishes=unwanted.wishes(visit.store),
        day=unwanted.DAY,
    )


@get("/device/unwanted", access="keeper")
def show_unwanted(visit: Visit) -> HTTPResponse:
    """Show what the village does not want."""
    return _show(visit)


@post("/device/unwanted", access="keeper", rescue=_show)
def change_unwanted(visit: Visit) -> HTTPResponse:
    """Change what comes of advertising, and when strangers' letters come."""
    spam, by_night = _score(visit.form["spam"]), bool(visit.form["strangers"])
    if unwanted.Wishes(spam, by_night) != unwanted.wishes(visit.store):
        said = f"{'-' if spam is None else f'{spam:g}'} / {'+' if by_night else '-'}"
        values = {unwanted.SPAM: spam, unwanted.STRANGERS: by_night}
        audit.change_settings(visit.store, visit.villager, "unwanted", said, **values)
    return visit.redirect("/device/unwanted", "saved")


@post("/device/unwanted/block", access="keeper", rescue=_show)
def block_one(visit: Visit) -> HTTPResponse:
    """Block an address or a domain for everybody."""
    block_typed(visit, None)
    return visit.redirect("/device/unwanted", "blocked")


@post("/device/unwanted/unblock", access="keeper")
def unblock_one(visit: Visit) -> HTTPResponse:
    """Block one no more."""
    unblock(visit, None)
    return visit.redirect("/device/unwanted", "unblocked")


def _score(text: str) -> float | None:
    if not text.strip():
        return None
    try:
        score = float(text.strip().replace(",", "."))
    except ValueError as error:
        raise Refused(422, _NO_SCORE) from error
    if not 1 <= score <= _MAX_SCORE:
        raise Refused(422, _NO_SCORE)
    return score
