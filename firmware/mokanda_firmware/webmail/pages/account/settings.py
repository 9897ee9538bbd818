# SPDX-License-Identifier: Apache-2.0
"""One's own account: name, password, room, and what one's letters have cost."""

from typing import Any

from bottle import HTTPResponse

from mokanda_firmware.mailbox.costs import budget, ledger, quotas, usage
from mokanda_firmware.mailbox.letters import export
from mokanda_firmware.mailbox.people import accounts, sessions
from mokanda_firmware.mailbox.people.accounts import Account
from mokanda_firmware.webmail import typed
from mokanda_firmware.webmail.languages import N_
from mokanda_firmware.webmail.own_password import check_own_password
from mokanda_firmware.webmail.pages.account.access import check_new_password
from mokanda_firmware.webmail.pages.device import spending
from mokanda_firmware.webmail.visit import Refused, Visit, get, post, to_save

_DAYS = 30
_WRONG = N_("This is not your password.")
_NO_NAME = N_("Please tell your name.")


def _show(visit: Visit, problem: str = "") -> HTTPResponse:
    return visit.page(
        "account/settings",
        problem=problem,
        min_password=accounts.MIN_PASSWORD,
        domain=visit.domain,
        quota_usage=quotas.usage_of(visit.store, visit.villager.id),
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
        "has_credit": ledger.Rules.of(store).on or bool(ledger.balances(store, account)),
        "budget": None if mine is None else (mine, left.villagers[account]),
    }


@get("/account")
def show_account(visit: Visit) -> HTTPResponse:
    """Show one's own account."""
    return _show(visit)


@post("/account/name", rescue=_show)
def change_name(visit: Visit) -> HTTPResponse:
    """Change the name that stands on one's letters."""
    name = typed.display_name(visit.form["display_name"])
    if not name:
        raise Refused(422, _NO_NAME)
    accounts.set_display_name(visit.store, visit.villager.id, name)
    return visit.redirect("/account", "saved")


@post("/account/password", rescue=_show)
def change_password(visit: Visit) -> HTTPResponse:
    """Change one's password; every other phone is logged out."""
    account = visit.villager
    check_own_password(visit, visit.form["old"], _WRONG)
    check_new_password(visit.form["password"], visit.form["again"])
    shared = sessions.is_shared(visit.store, visit.token)
    accounts.set_password(visit.store, account.id, visit.form["password"])
    visit.log_in(account, shared=shared)
    return visit.redirect("/account", "password")


@get("/account/mail.mbox")
def download_mail(visit: Visit) -> HTTPResponse:
    """Give out all of one's letters as one file."""
    return as_mbox(visit, visit.villager)


def as_mbox(visit: Visit, account: Account) -> HTTPResponse:
    """Answer with the mail of an account, as a file to be saved."""
    mail = export.mbox(visit.store, account.id)
    return to_save(mail, "application/mbox", f"{account.name}.mbox")
