# SPDX-License-Identifier: Apache-2.0
"""The recovery code: written down once, and used when the password is forgotten."""

from bottle import HTTPResponse

from mokanda_firmware.mailbox.people import accounts
from mokanda_firmware.webmail import typed
from mokanda_firmware.webmail.languages import N_
from mokanda_firmware.webmail.own_password import check_own_password
from mokanda_firmware.webmail.pages.account.access import (
    SUSPENDED,
    check_new_password,
    show_code,
    throttled,
    wait_sentence,
)
from mokanda_firmware.webmail.visit import Refused, Visit, get, post

_WRONG = N_("This name and code do not belong together.")
_WRONG_PASSWORD = N_("This is not your password.")


def _form(visit: Visit, problem: str = "", status: int = 200) -> HTTPResponse:
    return visit.page(
        "account/forgotten",
        status,
        problem=problem,
        name=visit.form["name"],
        code=visit.form["code"],
        min_password=accounts.MIN_PASSWORD,
    )


@get("/forgotten", access="everyone")
def ask(visit: Visit) -> HTTPResponse:
    """Show the form for who has forgotten the password."""
    return _form(visit)


@post("/forgotten", access="everyone", rescue=_form)
def recover(visit: Visit) -> HTTPResponse:
    """Let somebody in by the recovery code, with a new password and a new code."""
    name = typed.villager(visit.form["name"])
    with throttled(visit, name) as seconds:
        if seconds:
            return _form(visit, wait_sentence(visit, seconds), status=429)
        check_new_password(visit.form["password"], visit.form["again"])
        account = accounts.recover(visit.store, name, visit.form["code"], visit.form["password"])
        if account is None:
            raise Refused(403, _WRONG)
    if account.suspended:
        raise Refused(403, SUSPENDED)
    visit.log_in(account)
    return show_code(visit, visit.language.text("Your password is changed"))


@post("/account/recovery")
def new_code(visit: Visit) -> HTTPResponse:
    """Show a new recovery code to who knows the password; the old one is no good any more."""
    check_own_password(visit, visit.form["old"], _WRONG_PASSWORD)
    return show_code(visit, visit.language.text("Your new recovery code"))
