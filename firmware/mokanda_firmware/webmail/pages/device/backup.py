# SPDX-License-Identifier: Apache-2.0
"""Backups on a memory stick: the page over the daemon that makes and restores them.

A device that has no accounts yet may be restored by whoever sets it up.
"""

from bottle import HTTPResponse

from mokanda_firmware.backup import MIN_PASSPHRASE
from mokanda_firmware.backup.view import View
from mokanda_firmware.bus import records
from mokanda_firmware.bus.states import BackupState
from mokanda_firmware.mailbox.administration import audit
from mokanda_firmware.webmail.languages import N_
from mokanda_firmware.webmail.pages.device.overview import ask
from mokanda_firmware.webmail.visit import Refused, Visit, get, post

_NOT_SAME = N_("The two passphrases are not the same.")
_NONE_CHOSEN = N_("Please choose a backup first.")
_TIMEOUT_SECONDS = 60.0  # seconds; a slow stick, and a service that has to start first
_LOOK_AGAIN = 5  # seconds after which a page is asked for again while there is work


def _show(visit: Visit, problem: str = "") -> HTTPResponse:
    view: View | None = None
    try:
        view = _ask(visit, "look")
    except Refused as error:
        problem = problem or error.sentence(visit.language)
    busy = view is not None and view.state in (BackupState.WORKING, BackupState.RESTARTING)
    response = visit.page(
        "device/backup",
        problem=problem,
        view=view,
        said=lambda sentence: sentence.translated(visit.language.text),
        shortest=MIN_PASSPHRASE,
        is_keeper=visit.account is not None,
    )
    if busy:
        response.set_header("Refresh", str(_LOOK_AGAIN))
    return response


@get("/backup", access="newcomer")
def show_backup(visit: Visit) -> HTTPResponse:
    """Show the stick, what is on it, and what is being done."""
    return _show(visit)


@post("/backup/make", access="keeper", rescue=_show)
def make(visit: Visit) -> HTTPResponse:
    """Begin a backup."""
    if visit.form["passphrase"] != visit.form["again"]:
        raise Refused(422, _NOT_SAME)
    _ask(visit, "make", passphrase=visit.form["passphrase"])
    audit.record_act(visit.store, visit.villager, "backup")
    return visit.redirect("/backup")


@post("/backup/check", access="newcomer", rescue=_show)
def check(visit: Visit) -> HTTPResponse:
    """Look what is in a backup."""
    if not visit.form["name"]:
        raise Refused(422, _NONE_CHOSEN)
    _ask(visit, "check", name=visit.form["name"], passphrase=visit.form["passphrase"])
    return visit.redirect("/backup")


@post("/backup/restore", access="newcomer", rescue=_show)
def restore(visit: Visit) -> HTTPResponse:
    """Have the device restored from the backup that was looked at."""
    visit.make_sure()
    _ask(visit, "restore", who=visit.account.name if visit.account else "")
    return visit.redirect("/backup")


@post("/backup/cancel", access="newcomer", rescue=_show)
def cancel(visit: Visit) -> HTTPResponse:
    """Leave all as it is."""
    _ask(visit, "cancel")
    return visit.redirect("/backup")


@post("/backup/go-back", access="keeper", rescue=_show)
def go_back(visit: Visit) -> HTTPResponse:
    """Have the data back that the last restore has replaced."""
    visit.make_sure()
    _ask(visit, "go-back")
    return visit.redirect("/backup")


@post("/backup/forget", access="keeper", rescue=_show)
def forget(visit: Visit) -> HTTPResponse:
    """Delete the data that the last restore has replaced."""
    _ask(visit, "forget")
    return visit.redirect("/backup", "deleted")


def _ask(visit: Visit, verb: str, **arguments: str) -> View:
    return records.load(View, ask(visit, "backup", verb, _TIMEOUT_SECONDS, **arguments))
