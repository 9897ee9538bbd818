# SPDX-License-Identifier: Apache-2.0
"""One's own account: name, password, and what is done for one."""

from datetime import UTC, datetime
from typing import Any

from bottle import HTTPResponse

from mokanda_firmware.mailbox.costs import budget, quotas, usage
from mokanda_firmware.mailbox.letters import export
from mokanda_firmware.mailbox.people import accounts, aliases, vacation
from mokanda_firmware.mailbox.people.accounts import Account
from mokanda_firmware.mailbox.store import clock
from mokanda_firmware.webmail.languages import N_
from mokanda_firmware.webmail.pages.account.access import (
    BAD_NAME,
    MAX_NAME,
    TAKEN,
    check_new_password,
)
from mokanda_firmware.webmail.pages.device import spending
from mokanda_firmware.webmail.pages.letters.search import start_of_day
from mokanda_firmware.webmail.visit import Refused, Visit, get, post, to_save
from mokanda_wire.address import AddressError, check_local_part

_MAX_SIGNATURE = 500
_MAX_ABSENCE = 2000
_TOO_MANY = N_("You have {number} other names already. Remove one first.")
_DAYS = 30
_WRONG = N_("This is not your password.")
_NO_NAME = N_("Please tell your name.")


def _show(visit: Visit, problem: str = "") -> HTTPResponse:
    return visit.page(
        "account/settings",
        problem=problem,
        min_password=accounts.MIN_PASSWORD,
        domain=visit.domain,
        room=quotas.room(visit.store, visit.villager.id),
        **_spent(visit),
    )


def _spent(visit: Visit) -> dict[str, Any]:
    """What one's letters have cost, and how much data is left for them today."""
    store, account = visit.store, visit.villager.id
    shares = usage.month_of_villagers(store, usage.this_month(store))
    left = budget.left(store)
    mine = left.whole_days.get(account)
    return {
        "month": shares.get(account, usage.Used()),
        "days": usage.days(store, _DAYS, account),
        "money": spending.money(visit),
        "budget": None if mine is None else (mine, left.villagers[account]),
    }


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
    mail = export.mbox(visit.store, account.id)
    return to_save(mail, "application/mbox", f"{account.name}.mbox")


def _habits(visit: Visit, problem: str = "") -> HTTPResponse:
    number = visit.villager.id
    note = vacation.note(visit.store, number)
    until = "" if note.until is None else f"{datetime.fromtimestamp(note.until - 1, UTC):%Y-%m-%d}"
    return visit.page(
        "account/habits",
        problem=problem,
        absence=note.text,
        until=until,
        over=note.until is not None and note.until <= clock.now(),
        aliases=aliases.of_account(visit.store, number),
        alias=visit.form["alias"] if problem else "",
        most=aliases.MAX_ALIASES,
        domain=visit.domain,
    )


@get("/account/habits")
def show_habits(visit: Visit) -> HTTPResponse:
    """Show signature, note of absence and aliases."""
    return _habits(visit)


@post("/account/signature", rescue=_habits)
def change_signature(visit: Visit) -> HTTPResponse:
    """Change what stands below one's letters."""
    signature = visit.form["signature"].strip("\n")[:_MAX_SIGNATURE]
    accounts.set_signature(visit.store, visit.villager.id, signature)
    return visit.redirect("/account/habits", "saved")


@post("/account/absence", rescue=_habits)
def change_absence(visit: Visit) -> HTTPResponse:
    """Change what is answered to letters while one is away."""
    text = visit.form["absence"].strip()[:_MAX_ABSENCE]
    until = start_of_day(visit.form["until"], days=1)
    vacation.set_note(visit.store, visit.villager.id, vacation.Note(text, until))
    return visit.redirect("/account/habits", "absent" if text else "saved")


@post("/account/aliases", rescue=_habits)
def add_alias(visit: Visit) -> HTTPResponse:
    """Answer to another name too."""
    try:
        aliases.add(visit.store, visit.villager.id, check_local_part(visit.form["alias"]))
    except AddressError as error:
        raise Refused(422, BAD_NAME) from error
    except accounts.NameTaken as error:
        raise Refused(409, TAKEN) from error
    except aliases.TooMany as error:
        raise Refused(422, _TOO_MANY, number=aliases.MAX_ALIASES) from error
    return visit.redirect("/account/habits", "saved")


@post("/account/aliases/remove")
def remove_alias(visit: Visit) -> HTTPResponse:
    """Answer to a name no more."""
    aliases.remove(visit.store, visit.villager.id, visit.form["alias"])
    return visit.redirect("/account/habits", "saved")
