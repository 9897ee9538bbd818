# SPDX-License-Identifier: Apache-2.0
"""Wiping the device, for its keeper."""

from bottle import HTTPResponse

from mokanda_firmware.mailbox.people import accounts
from mokanda_firmware.webmail.languages import N_
from mokanda_firmware.webmail.own_password import check_own_password
from mokanda_firmware.webmail.pages.device.overview import ask
from mokanda_firmware.webmail.visit import Visit, get, post

_WRONG = N_("This is not your password.")


def _show(visit: Visit, problem: str = "") -> HTTPResponse:
    return visit.page("device/wipe", problem=problem, villagers=accounts.count(visit.store))


@get("/device/wipe", access="keeper")
def show_wipe(visit: Visit) -> HTTPResponse:
    """Tell what a wipe takes."""
    return _show(visit)


@post("/device/wipe", access="keeper", rescue=_show)
def wipe(visit: Visit) -> HTTPResponse:
    """Have the device wipe itself and start anew, once the keeper has given the password again."""
    visit.make_sure()
    check_own_password(visit, visit.form["password"], _WRONG)
    page = visit.page("device/wiped", bare=True)
    ask(visit, "setup", "wipe")
    return page
