# SPDX-License-Identifier: Apache-2.0
"""The keeper's own list of what the SIM card's network sells, and how it is topped up."""

from typing import Any, Final

from bottle import HTTPResponse

from mokanda_firmware.bus.statuses import ModemStatus
from mokanda_firmware.mailbox.administration import audit
from mokanda_firmware.modem import networks, shop
from mokanda_firmware.modem.networks import Form, Offer
from mokanda_firmware.modem.settings import SettingsError
from mokanda_firmware.webmail.languages import N_
from mokanda_firmware.webmail.pages.device.overview import ask
from mokanda_firmware.webmail.visit import Refused, Visit, get, post

_MOST: Final = {
    "name": shop.MAX_NAME,
    "price": shop.MAX_PRICE,
    "volume": shop.MAX_PRICE,
    "send": shop.MAX_SEND,
    "to": shop.MAX_TO,
}
_NO_CARD = N_("The list belongs to the network of a SIM card, and there is none now.")


def _show(visit: Visit, problem: str = "", wrong: SettingsError | None = None) -> HTTPResponse:
    status = ModemStatus.read()
    imsi = status.imsi if status else ""
    own = shop.own_of(networks.number(imsi))
    forms = {shop.key_of(each): _fields(each) for each in own.offers}
    forms |= {"": dict.fromkeys(_MOST, ""), "top-up": {"send": "", "to": ""}}
    if own.top_up is not None:
        forms["top-up"] = {"send": shop.typed(own.top_up), "to": own.top_up.to}
    sent = "top-up" if visit.form["what"] == "top-up" else visit.form["offer"]
    if problem or wrong is not None:  # as it was filled in
        forms[sent] = {name: visit.form[name] for name in forms.get(sent, {})}
    said = {wrong.field: wrong.sentence.translated(visit.language.text)} if wrong else {}
    page = visit.page(
        "device/modem-shop",
        problem=problem,
        network=networks.number(imsi),
        seller=networks.name(imsi),
        forms=forms,
        wrong=lambda key: said if key == sent else {},
        most=_MOST,
    )
    page.status = 422 if wrong else page.status
    return page


def _fields(offer: Offer) -> dict[str, str]:
    return {
        "name": offer.name,
        "price": offer.price,
        "volume": offer.volume,
        "send": offer.form.send,
        "to": offer.form.to,
    }


@get("/device/modem/shop", access="keeper")
def show_shop(visit: Visit) -> HTTPResponse:
    """Show the keeper's own list, to be changed."""
    return _show(visit)


@post("/device/modem/shop", access="keeper", rescue=_show)
def change_shop(visit: Visit) -> HTTPResponse:
    """Note an offer, change or remove one, or note how to top up."""
    form = visit.form
    what, network = form["what"], form["network"]
    values = {name: " ".join(form[name].split()) for name in _MOST if name in form}
    if not network:
        raise Refused(422, _NO_CARD)
    if form["remove"]:
        what, values = "remove", {}
    try:
        _check(what, values, network)
    except SettingsError as error:
        return _show(visit, wrong=error)
    key = form["offer"][:12]
    told: dict[str, Any] = {"network": network[:6], "what": what, "offer": key, **values}
    ask(visit, "modem", "sell", **told)
    audit.record_act(visit.store, visit.villager, "shop", values.get("name", ""))
    return visit.redirect("/device/modem/shop", "saved")


def _check(what: str, values: dict[str, str], network: str) -> None:
    """See whether it can be noted, by the field. Raises SettingsError."""
    name, price, volume, send, to = (values.get(each, "") for each in _MOST)
    if what == "top-up":
        shop.top_up_form(send, to)
    elif what == "offer":
        own = shop.own_of(network)
        offer = Offer(name, Form(send, to), price, volume)
        shop.Shop(offers=own.offers[:-1]).with_offer(offer)
