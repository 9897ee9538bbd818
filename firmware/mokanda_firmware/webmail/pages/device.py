# SPDX-License-Identifier: Apache-2.0
"""How the device is, and what its keeper may have it do."""

from bottle import HTTPResponse

from mokanda_firmware import status
from mokanda_firmware.mailbox import keeping
from mokanda_firmware.sentences import translated
from mokanda_firmware.status import RequestError, RequestUnavailable
from mokanda_firmware.webmail import prices, statuses
from mokanda_firmware.webmail.languages import N_
from mokanda_firmware.webmail.visit import Refused, Visit, get, post

_SILENT = N_("This part of the device does not answer now. Please try again in a minute.")


def _show(visit: Visit, problem: str = "") -> HTTPResponse:
    is_keeper = visit.villager.is_keeper
    return visit.page(
        "device",
        problem=problem,
        cards=statuses.cards(visit.language, visit.zone),
        price=prices.of_run_now(visit) if is_keeper else "",
        price_of_all=prices.of_all_now(visit) if is_keeper else "",
    )


@get("/device")
def show_device(visit: Visit) -> HTTPResponse:
    """Show what the daemons say of themselves."""
    return _show(visit)


@post("/device/sync", access="keeper", rescue=_show)
def sync_now(visit: Visit) -> HTTPResponse:
    """Have the courier go now; if asked for, beyond what may be spent today."""
    beyond = visit.form["beyond"] == "1"
    _request(visit, "courier", "sync", beyond=beyond)
    keeping.note(visit.store, visit.villager, "sync-all" if beyond else "sync")
    return visit.redirect("/device", "sync")


@post("/device/update", access="keeper", rescue=_show)
def update_now(visit: Visit) -> HTTPResponse:
    """Have the update installed that is there."""
    _request(visit, "updates", "install")
    keeping.note(visit.store, visit.villager, "update")
    return visit.redirect("/device", "update")


@post("/device/check", access="keeper", rescue=_show)
def look_for_update(visit: Visit) -> HTTPResponse:
    """Ask whether there is an update."""
    _request(visit, "updates", "check")
    return visit.redirect("/device", "check")


def _request(visit: Visit, daemon: str, verb: str, **arguments: bool) -> None:
    try:
        status.request(daemon, verb, **arguments)
    except RequestUnavailable as error:
        raise Refused(503, _SILENT) from error
    except RequestError as error:
        sentence = translated(str(error), visit.language.text)
        raise Refused(409, "{sentence}", sentence=sentence) from error
