# SPDX-License-Identifier: Apache-2.0
"""The credit that the keeper sells: who has how much, and how the village's money adds up."""

import re
import secrets

from bottle import HTTPResponse

from mokanda_firmware.mailbox.administration import audit, villagers
from mokanda_firmware.mailbox.costs import ledger, tariff
from mokanda_firmware.mailbox.costs.ledger import (
    FormUsedError,
    MoreThanHeldError,
    NotCorrectableError,
    Rules,
)
from mokanda_firmware.webmail.languages import N_
from mokanda_firmware.webmail.pages.account.credit import account_of
from mokanda_firmware.webmail.visit import Refused, Visit, get, post

_NO_PRICES = N_("First tell under “Times and prices” what data costs.")
_BAD_AMOUNT = N_("An amount looks like this: 5.00, or 12 500. It is at most 1 000 000.")
_OTHER_CURRENCY = N_(
    "Prices are in {currency} now. Look below what was written down, and type the amount anew."
)
_OFF = N_("Credit is not sold here. Switch it on first.")
_MORE_THAN_HELD = N_("This is more than the credit that is left.")
_FORM_USED = N_(
    "This form was used already, for another payment. Look below what was written down, and begin"
    " anew if something is missing."
)
_NOT_CORRECTABLE = N_("This payment cannot be undone, or is undone already.")
_NO_VILLAGER = N_("There is no such villager.")


def _show(visit: Visit, problem: str = "") -> HTTPResponse:
    balances = ledger.all_balances(visit.store)
    return visit.page(
        "people/credit",
        problem=problem,
        rules=Rules.of(visit.store),
        currency=tariff.load(visit.store).currency,
        totals=ledger.totals(visit.store),
        villagers=[
            (one.account, balances.get(one.account.id, {}))
            for one in villagers.all_villagers(visit.store)
        ],
        gone=ledger.gone(visit.store),
        exact=visit.language.exact_money,
    )


@get("/credit", access="keeper")
def show_credit(visit: Visit) -> HTTPResponse:
    """Show the credit of all villagers, and the totals."""
    return _show(visit)


@post("/credit", access="keeper", rescue=_show)
def change_rules(visit: Visit) -> HTTPResponse:
    """Begin to sell credit, or end it; the ledger stays."""
    rules = Rules(bool(visit.form["on"]), bool(visit.form["refuse"]))
    if rules.on and not tariff.load(visit.store).currency:
        raise Refused(409, _NO_PRICES)
    if rules != Rules.of(visit.store):
        said = ", ".join(name for name, holds in rules.to_json().items() if holds)
        values = {ledger.SETTING: rules.to_json()}
        audit.change_settings(visit.store, visit.villager, "credit", said or "-", **values)
    return visit.redirect("/credit", "saved")


def _show_villager(visit: Visit, problem: str = "") -> HTTPResponse:
    number = int(visit.request.url_args["villager"])
    currency = tariff.load(visit.store).currency
    account, gone = villagers.find(visit.store, number), ledger.gone(visit.store)
    if account is None and number not in gone:
        raise Refused(404, _NO_VILLAGER)
    return visit.page(
        "people/villagers-credit",
        problem=problem,
        villager=account,
        name=visit.who_is(account) if account else gone[number].name,
        currency=currency,
        once=secrets.token_hex(8),
        typed=visit.form["amount"] if visit.form["currency"] == currency else "",
        **account_of(visit, number),
    )


@get("/credit/<villager:int>", access="keeper")
def show_villager(visit: Visit, villager: int) -> HTTPResponse:  # noqa: ARG001 - read above
    """Show the credit of one villager, who may be deleted."""
    return _show_villager(visit)


@post("/credit/<villager:int>", access="keeper", rescue=_show_villager)
def pay(visit: Visit, villager: int) -> HTTPResponse:
    """Take in what a villager pays, or pay some of it back; the answer is the receipt."""
    form, store = visit.form, visit.store
    pays_back = bool(form["back"])
    currency, now = form["back"] or form["currency"], tariff.load(store).currency
    if not pays_back and not (now and Rules.of(store).on):
        raise Refused(409, _OFF)
    if not pays_back and currency != now:
        raise Refused(409, _OTHER_CURRENCY, currency=now)
    once = form["once"]
    try:
        amount = tariff.parse_amount(form["amount"])
    except ValueError as error:
        raise Refused(422, _BAD_AMOUNT) from error
    if not re.fullmatch("[0-9a-f]{16}", once):
        raise Refused(422, _FORM_USED)
    signed = -amount if pays_back else amount
    try:
        number = ledger.pay(store, visit.villager.name, villager, signed, currency, once)
    except MoreThanHeldError as error:
        raise Refused(409, _MORE_THAN_HELD) from error
    except FormUsedError as error:
        raise Refused(409, _FORM_USED) from error
    if number is None:
        raise Refused(404, _NO_VILLAGER)
    return visit.redirect(f"/credit/receipt/{number}")


@post("/credit/entries/<entry:int>/undo", access="keeper")
def undo(visit: Visit, entry: int) -> HTTPResponse:
    """Undo a mistaken payment by another entry, which has a receipt too."""
    visit.make_sure()
    try:
        number = ledger.correct(visit.store, visit.villager.name, entry)
    except NotCorrectableError as error:
        raise Refused(409, _NOT_CORRECTABLE) from error
    return visit.redirect(f"/credit/receipt/{number}")
