# SPDX-License-Identifier: Apache-2.0
"""Bundles and vouchers: what is ordered from the SIM card's network, and what that answers."""

import re
from typing import Any

from bottle import HTTPResponse

from mokanda_firmware.bus import records
from mokanda_firmware.bus.statuses import ModemStatus
from mokanda_firmware.mailbox.administration import audit
from mokanda_firmware.modem import networks, shop
from mokanda_firmware.modem.orders import Order
from mokanda_firmware.webmail.languages import N_
from mokanda_firmware.webmail.pages.device.modem_settings import show_page
from mokanda_firmware.webmail.pages.device.overview import ask
from mokanda_firmware.webmail.visit import Refused, Visit, get, post

_TIMEOUT = 75.0  # seconds: a message may take forty-five to be taken
_BAD_VOUCHER = N_("A voucher has a number of 8 to 20 digits.")
_GONE = N_("The SIM card or the list has changed. Look at the page again.")


@get("/device/modem/order", access="keeper")
def show_offer(visit: Visit) -> HTTPResponse:
    """Ask whether an offer is really to be ordered: it costs money."""
    status = ModemStatus.read()
    imsi = status.imsi if status else ""
    offer = shop.of(imsi).find(visit.request.query.get("offer", "")[:12])
    if offer is None:
        return show_page(visit, problem=visit.language.text(_GONE))
    return visit.page(
        "device/modem-order",
        offer=offer,
        key=shop.key_of(offer),
        card=networks.card(imsi),
        seller=networks.name(imsi),
        number=status.next_order if status else 0,
    )


@post("/device/modem/order", access="keeper", rescue=show_page)
def order(visit: Visit) -> HTTPResponse:
    """Order an offer, or answer the menu that came of one."""
    form = visit.form
    return _ordered(visit, offer=form["offer"][:12], choice=form["choice"].strip()[:100])


@post("/device/modem/top-up", access="keeper", rescue=show_page)
def top_up(visit: Visit) -> HTTPResponse:
    """Redeem a voucher by the network's form."""
    voucher = re.sub(r"[\s-]", "", visit.form["voucher"])
    if not networks.VOUCHER.fullmatch(voucher):
        raise Refused(422, _BAD_VOUCHER)
    return _ordered(visit, voucher=voucher)


def _ordered(visit: Visit, **what: str) -> HTTPResponse:
    """Send it under the number that the form carries: a form that comes again orders nothing."""
    form = visit.form
    number, menu = form.number("number") or 0, form.number("menu") or 0
    told: dict[str, Any] = {"number": number, "menu": menu, "card": form["card"][:12], **what}
    reply = ask(visit, "modem", "order", timeout=_TIMEOUT, **told)
    audit.record_act(visit.store, visit.villager, "order")
    return show_page(visit, order=records.load(Order, reply["order"]))
