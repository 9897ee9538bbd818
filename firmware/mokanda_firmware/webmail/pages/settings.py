# SPDX-License-Identifier: Apache-2.0
"""One's own account: name, password, contacts."""

from bottle import HTTPResponse

from mokanda_firmware.mailbox import accounts, contacts, export, quotas
from mokanda_firmware.mailbox.accounts import Account
from mokanda_firmware.webmail.languages import N_
from mokanda_firmware.webmail.pages.account import MAX_NAME, check_new_password
from mokanda_firmware.webmail.visit import SECURITY_HEADERS, Refused, Visit, get, post

_WRONG = N_("This is not your password.")
_NO_NAME = N_("Please tell your name.")


def _show(visit: Visit, problem: str = "") -> HTTPResponse:
    return visit.page(
        "account",
        problem=problem,
        min_password=accounts.MIN_PASSWORD,
        domain=visit.domain,
        room=quotas.room(visit.store, visit.villager.id),
    )


@get("/account")
def show_account(visit: Visit) -> HTTPResponse:
    """Show one's own account."""
    return _show(visit)


@post("/account/name", rescue=_show)
def change_name(visit: Visit) -> HTTPResponse:
    """Change the name that stands on one's letters."""
    name = " ".join(visit.form["display_name"].split())[:MAX_NAME]
    if not name:
        raise Refused(422, _NO_NAME)
    accounts.set_display_name(visit.store, visit.villager.id, name)
    return visit.redirect("/account", "saved")


@post("/account/password", rescue=_show)
def change_password(visit: Visit) -> HTTPResponse:
    """Change one's password; every other phone is logged out."""
    account = visit.villager
    throttle = visit.site.of_account
    key = (account.name, "change")
    if throttle.wait(key):
        raise Refused(429, _WRONG)
    if accounts.authenticate(visit.store, account.name, visit.form["old"]) is None:
        throttle.fail(key)
        raise Refused(403, _WRONG)
    check_new_password(visit.form["password"], visit.form["again"])
    accounts.set_password(visit.store, account.id, visit.form["password"])
    visit.log_in(account)
    return visit.redirect("/account", "password")


@get("/account/mail.mbox")
def download_mail(visit: Visit) -> HTTPResponse:
    """Give out all of one's letters as one file."""
    return as_mbox(visit, visit.villager)


def as_mbox(visit: Visit, account: Account) -> HTTPResponse:
    """Answer with the mail of an account, as a file to be saved."""
    return HTTPResponse(
        export.mbox(visit.store, account.id),
        200,
        {
            **SECURITY_HEADERS,
            "Content-Type": "application/mbox",
            "Content-Disposition": f'attachment; filename="{account.name}.mbox"',
            "Cache-Control": "no-store",
        },
    )


@get("/people")
def show_people(visit: Visit) -> HTTPResponse:
    """List whom one writes to."""
    return visit.page("people", people=contacts.of_account(visit.store, visit.villager.id))


@post("/people/forget")
def forget(visit: Visit) -> HTTPResponse:
    """Take somebody off the list."""
    contacts.forget(visit.store, visit.villager.id, visit.form["address"])
    return visit.redirect("/people", "forgotten")
