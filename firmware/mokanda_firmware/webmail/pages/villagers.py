# SPDX-License-Identifier: Apache-2.0
"""The accounts of the village, for the keeper and those who help."""

from bottle import HTTPResponse

from mokanda_firmware.mailbox import keeping
from mokanda_firmware.mailbox.accounts import Account
from mokanda_firmware.mailbox.keeping import NotAllowed
from mokanda_firmware.webmail.languages import N_
from mokanda_firmware.webmail.visit import Refused, Visit, get, post

ROLES = {
    "villager": N_("villager"),
    "helper": N_("helper: may suspend villagers and give new passwords"),
    "keeper": N_("keeper: may do everything"),
}
ACTIONS = {
    "suspend": N_("suspended"),
    "unsuspend": N_("let in again"),
    "reset-password": N_("new password"),
    "make-villager": N_("made a villager"),
    "make-helper": N_("made a helper"),
    "make-keeper": N_("made a keeper"),
}
_NO_VILLAGER = N_("There is no such villager.")
_NOT_ALLOWED = N_("You may not do this to this account.")


@get("/villagers", access="helper")
def show_villagers(visit: Visit) -> HTTPResponse:
    """List every account."""
    return visit.page(
        "villagers",
        villagers=keeping.villagers(visit.store),
        acts=keeping.acts(visit.store) if visit.villager.is_keeper else [],
        actions=ACTIONS,
    )


@get("/villagers/<villager:int>", access="helper")
def show_villager(visit: Visit, villager: int) -> HTTPResponse:
    """Show one account and what can be done to it."""
    return _page(visit, _find(visit, villager))


@post("/villagers/<villager:int>/suspend", access="helper")
def suspend(visit: Visit, villager: int) -> HTTPResponse:
    """Keep an account out, or let it in again."""
    suspended = visit.form["suspended"] == "1"
    try:
        keeping.suspend(visit.store, visit.villager, villager, suspended=suspended)
    except NotAllowed as error:
        raise Refused(403, _NOT_ALLOWED) from error
    return visit.redirect(f"/villagers/{villager}", "suspended" if suspended else "unsuspended")


@post("/villagers/<villager:int>/password", access="helper")
def reset_password(visit: Visit, villager: int) -> HTTPResponse:
    """Give an account a new password and show it, this once."""
    try:
        password = keeping.reset_password(visit.store, visit.villager, villager)
    except NotAllowed as error:
        raise Refused(403, _NOT_ALLOWED) from error
    return _page(visit, _find(visit, villager), password)


@post("/villagers/<villager:int>/role", access="keeper")
def set_role(visit: Visit, villager: int) -> HTTPResponse:
    """Make an account a villager, helper or keeper."""
    try:
        keeping.set_role(visit.store, visit.villager, villager, visit.form["role"])
    except NotAllowed as error:
        raise Refused(403, _NOT_ALLOWED) from error
    return visit.redirect(f"/villagers/{villager}", "role")


def _find(visit: Visit, villager: int) -> Account:
    account = keeping.find(visit.store, villager)
    if account is None:
        raise Refused(404, _NO_VILLAGER)
    return account


def _page(visit: Visit, account: Account, password: str = "") -> HTTPResponse:
    return visit.page(
        "villager",
        villager=account,
        password=password,
        roles=ROLES,
        may_change=keeping.may_change(visit.villager, account),
        domain=visit.domain,
    )
