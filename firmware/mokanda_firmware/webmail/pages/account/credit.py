# SPDX-License-Identifier: Apache-2.0
"""One's own credit, and the receipts for what was paid."""

from typing import Any

from bottle import HTTPResponse

from mokanda_firmware.mailbox.costs import ledger
from mokanda_firmware.mailbox.costs.ledger import Entry, Rules
from mokanda_firmware.webmail import prices
from mokanda_firmware.webmail.languages import N_
from mokanda_firmware.webmail.visit import Refused, Visit, get

_KINDS = {
    "paid": N_("Paid in"),
    "returned": N_("Paid back"),
    "corrected": N_("Receipt {number} undone"),
    "spent": N_("Letters, {size}"),
    "left": N_("Left to the village"),
}
_LINES = 30
_NO_RECEIPT = N_("There is no such receipt.")


def account_of(visit: Visit, account: int) -> dict[str, Any]:
    """Return what the pages show of somebody's credit: balances, and the last entries."""
    lines = ledger.entries(visit.store, account, _LINES + 1, visit.number("before"))
    return {
        "rules": Rules.of(visit.store),
        "balances": ledger.balances(visit.store, account),
        "other": prices.of_other_credit(visit, account),
        "used_up": prices.is_credit_used_up(visit, account),
        "entries": lines[:_LINES],
        "older": lines[_LINES - 1].number if len(lines) > _LINES else 0,
        "what": lambda entry: _what(visit, entry),
        "exact": visit.language.exact_money,
    }


@get("/account/credit")
def show_own(visit: Visit) -> HTTPResponse:
    """Show what one has, and what it came from and went to."""
    return visit.page("account/credit", **account_of(visit, visit.villager.id))


@get("/credit/receipt/<entry:int>")
def show_receipt(visit: Visit, entry: int) -> HTTPResponse:
    """Show a receipt on a page to be printed: to its villager, and to keepers."""
    found = ledger.receipt(visit.store, entry)
    if found is None or not (visit.villager.is_keeper or found[0].account == visit.villager.id):
        raise Refused(404, _NO_RECEIPT)
    paid, balance = found
    return visit.page(
        "account/receipt",
        entry=paid,
        balance=balance,
        what=_what(visit, paid),
        domain=visit.domain,
        exact=visit.language.exact_money,
        to=f"/credit/{paid.account}" if visit.villager.is_keeper else "/account/credit",
    )


def _what(visit: Visit, entry: Entry) -> str:
    """Say what an entry is for."""
    text = visit.language.text(_KINDS[entry.kind])
    return text.format(number=entry.corrects, size=visit.language.size(entry.size))
