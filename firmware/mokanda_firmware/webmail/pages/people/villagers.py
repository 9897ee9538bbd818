# SPDX-License-Identifier: Apache-2.0
"""The accounts of the village, for the keeper and those who help."""

from collections.abc import Iterator
from contextlib import contextmanager

from bottle import HTTPResponse

from mokanda_firmware.mailbox.administration import audit, villagers
from mokanda_firmware.mailbox.administration.villagers import NotAllowed
from mokanda_firmware.mailbox.costs import ledger, quotas, usage
from mokanda_firmware.mailbox.people import accounts, registration, reserved_names
from mokanda_firmware.mailbox.people.accounts import Account
from mokanda_firmware.webmail.languages import N_
from mokanda_firmware.webmail.pages.account.access import TAKEN, new_names
from mokanda_firmware.webmail.pages.account.settings import as_mbox
from mokanda_firmware.webmail.pages.device import spending
from mokanda_firmware.webmail.visit import Refused, Visit, get, post

ROLES = {
    "villager": N_("villager"),
    "helper": N_("helper: may add and suspend villagers, and give new passwords"),
    "keeper": N_("keeper: may do everything"),
}
ACTIONS = {
    "backup": N_("backup begun"),
    "restore": N_("restored from a backup"),
    "budget": N_("data for a day changed"),
    "budget-of": N_("given other data for a day"),
    "village": N_("name of the village changed"),
    "wifi": N_("Wi-Fi changed"),
    "modem": N_("modem changed"),
    "unlock": N_("SIM card unlocked"),
    "network": N_("mobile network asked"),
    "order": N_("ordered from the mobile network"),
    "shop": N_("list of bundles changed"),
    "claim": N_("claim file put in"),
    "plan": N_("times of the mail runs changed"),
    "unwanted": N_("unwanted letters changed"),
    "sync": N_("mail run started"),
    "sync-all": N_("mail run started beyond the data for the day"),
    "tariff": N_("prices changed"),
    "credit": N_("villagers' credit changed"),
    "add": N_("given an account"),
    "delete": N_("deleted"),
    "empty-trash": N_("everybody's trash emptied"),
    "release-name": N_("name given free"),
    "rule": N_("who gets an account changed"),
    "room": N_("room for everybody changed"),
    "update": N_("update started"),
    "check": N_("looked for an update"),
    "notice": N_("notice taken down"),
    "card-code": N_("given a recovery code by the card"),
    "export": N_("mail taken out as a file"),
    "quota": N_("given other room"),
    "suspend": N_("suspended"),
    "unsuspend": N_("let in again"),
    "reset-password": N_("new password"),
    "make-villager": N_("made a villager"),
    "make-helper": N_("made a helper"),
    "make-keeper": N_("made a keeper"),
}
WAYS = {
    "open": N_("everybody may register"),
    "code": N_("who knows the code of the village may register"),
    "closed": N_("only whom the keeper adds"),
}
# Bytes; 0 is no end.
_QUOTAS = (20_000_000, 50_000_000, 100_000_000, 200_000_000, 500_000_000, 1_000_000_000, 0)
_RESERVED = N_(
    "This name belonged to somebody who was deleted, so it rests: mail for them would reach its new"
    " owner. A keeper can give it free on the page of the villagers."
)
_NO_VILLAGER = N_("There is no such villager.")
_NOT_ALLOWED = N_("You may not do this to this account.")


@get("/villagers", access="helper")
def show_villagers(visit: Visit) -> HTTPResponse:
    """List every account."""
    return visit.page(
        "people/villagers",
        villagers=villagers.all_villagers(visit.store),
        acts=audit.acts(visit.store) if visit.villager.is_keeper else [],
        actions=ACTIONS,
        rule=registration.rule(visit.store),
        ways=WAYS,
        quota=quotas.default_quota(visit.store),
        quotas=_QUOTAS,
        shares=usage.month_of_villagers(visit.store, usage.this_month(visit.store)),
        money=spending.money(visit),
        reserved_names=reserved_names.all_reserved(visit.store) if visit.villager.is_keeper else [],
    )


@post("/villagers/rule", access="keeper")
def set_rule(visit: Visit) -> HTTPResponse:
    """Change who may register, and how much room everybody has."""
    way = visit.form["way"]
    before = registration.rule(visit.store).way
    if way in WAYS and (way != before or visit.form["new_code"]):
        rule = {registration.SETTING: registration.new_rule(way)}
        audit.change_settings(visit.store, visit.villager, "rule", way, **rule)
    quota = visit.form.number("quota")
    if quota in _QUOTAS and quota != quotas.default_quota(visit.store):
        in_short = f"{quota // 1_000_000} MB" if quota else "-"
        values = {quotas.SETTING: quota}
        audit.change_settings(visit.store, visit.villager, "room", in_short, **values)
    return visit.redirect("/villagers", "saved")


@post("/villagers/names", access="keeper")
def release_name(visit: Visit) -> HTTPResponse:
    """Let somebody else have the name of who was deleted."""
    visit.make_sure()
    with _allowed():
        villagers.release_name(visit.store, visit.villager, visit.form["name"])
    return visit.redirect("/villagers", "saved")


def _new_page(visit: Visit, problem: str = "") -> HTTPResponse:
    return visit.page(
        "people/new-villager",
        problem=problem,
        name=visit.form["name"],
        display_name=visit.form["display_name"],
    )


@get("/villagers/new", access="helper")
def ask_for_new(visit: Visit) -> HTTPResponse:
    """Show the form for an account that is given to somebody."""
    return _new_page(visit)


@post("/villagers/new", access="helper", rescue=_new_page)
def add(visit: Visit) -> HTTPResponse:
    """Make an account for somebody and show its password, this once."""
    name, display_name = new_names(visit)
    try:
        account, password = villagers.add(
            visit.store, visit.villager, name, display_name, visit.language.code
        )
    except accounts.NameReserved as error:
        raise Refused(409, _RESERVED) from error
    except accounts.NameTaken as error:
        raise Refused(409, TAKEN) from error
    return _page(visit, account, password)


@get("/villagers/<villager:int>", access="helper")
def show_villager(visit: Visit, villager: int) -> HTTPResponse:
    """Show one account and what can be done to it."""
    return _page(visit, _find(visit, villager))


@post("/villagers/<villager:int>/suspend", access="helper")
def suspend(visit: Visit, villager: int) -> HTTPResponse:
    """Keep an account out, or let it in again."""
    suspended = visit.form["suspended"] == "1"
    with _allowed():
        villagers.suspend(visit.store, visit.villager, villager, suspended=suspended)
    return visit.redirect(f"/villagers/{villager}", "suspended" if suspended else "unsuspended")


@post("/villagers/<villager:int>/password", access="helper")
def reset_password(visit: Visit, villager: int) -> HTTPResponse:
    """Give an account a new password and show it, this once."""
    with _allowed():
        password = villagers.reset_password(visit.store, visit.villager, villager)
    return _page(visit, _find(visit, villager), password)


@post("/villagers/<villager:int>/role", access="keeper")
def set_role(visit: Visit, villager: int) -> HTTPResponse:
    """Make an account a villager, helper or keeper."""
    with _allowed():
        villagers.set_role(visit.store, visit.villager, villager, visit.form["role"])
    return visit.redirect(f"/villagers/{villager}", "role")


@post("/villagers/<villager:int>/quota", access="keeper")
def set_quota(visit: Visit, villager: int) -> HTTPResponse:
    """Give an account room of its own, or as much as everybody has."""
    quota = visit.form.number("quota")
    own = quota if quota in _QUOTAS else None
    with _allowed():
        villagers.set_quota(visit.store, visit.villager, villager, own)
    return visit.redirect(f"/villagers/{villager}", "saved")


@post("/villagers/<villager:int>/budget", access="keeper")
def set_budget(visit: Visit, villager: int) -> HTTPResponse:
    """Give a villager data for a day of their own, or as everybody has."""
    size = spending.amount(visit, "budget", spending.VILLAGER)
    with _allowed():
        villagers.set_budget(visit.store, visit.villager, villager, size)
    return visit.redirect(f"/villagers/{villager}", "saved")


@post("/villagers/<villager:int>/export", access="keeper")
def export(visit: Visit, villager: int) -> HTTPResponse:
    """Give out the mail of an account as one file; it is written down that this was done."""
    with _allowed():
        account = villagers.record_export(visit.store, visit.villager, villager)
    return as_mbox(visit, account)


@post("/villagers/<villager:int>/delete", access="keeper")
def delete(visit: Visit, villager: int) -> HTTPResponse:
    """Delete an account and its mail for good."""
    visit.make_sure()
    with _allowed():
        villagers.delete(visit.store, visit.villager, villager)
    return visit.redirect("/villagers", "villager-deleted")


@contextmanager
def _allowed() -> Iterator[None]:
    """Refuse what may not be done to an account."""
    try:
        yield
    except NotAllowed as error:
        raise Refused(403, _NOT_ALLOWED) from error


def _find(visit: Visit, villager: int) -> Account:
    account = villagers.find(visit.store, villager)
    if account is None:
        raise Refused(404, _NO_VILLAGER)
    return account


def _page(visit: Visit, account: Account, password: str = "") -> HTTPResponse:
    return visit.page(
        "people/villager",
        villager=account,
        password=password,
        roles=ROLES,
        may_change=villagers.may_change(visit.villager, account),
        domain=visit.domain,
        quota_usage=quotas.usage_of(visit.store, account.id),
        credit=ledger.balances(visit.store, account.id),
        exact=visit.language.exact_money,
        month=usage.month_of_villagers(visit.store, usage.this_month(visit.store)).get(account.id),
        money=spending.money(visit),
        budget=account.budget,
        budgets=spending.VILLAGER,
        quotas=_QUOTAS,
    )
