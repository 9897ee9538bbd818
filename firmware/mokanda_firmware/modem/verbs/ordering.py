# SPDX-License-Identifier: Apache-2.0
"""What the pages want ordered or noted: only what the table, the keeper or a menu knows is sent."""

import re
from typing import Final

from mokanda_firmware.bus.requests import Request, RequestError
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.modem import networks, shop
from mokanda_firmware.modem.keeping import refusal_if_not_kept
from mokanda_firmware.modem.networks import Form, Offer

_MAX_VOUCHER = 20
_MAX_TYPED = 100  # of a choice; what is too long for one is told so
_NETWORK: Final = re.compile(r"\d{5,6}", re.ASCII)
MAX_CHOICE: Final = 20
_CHOICE: Final = re.compile(rf"[0-9*#]{{1,{MAX_CHOICE}}}", re.ASCII)
_BAD_CHOICE: Final = Sentence(
    "A choice from a menu has digits, * and # only, {most} at most.", most=MAX_CHOICE
)
_GONE: Final = Sentence("The SIM card or the list has changed. Look at the page again.")
_OTHER_CARD: Final = Sentence(
    "The SIM card in the modem is not the one for which this page was opened, so that nothing was"
    " sent. Look at the page again."
)


def check_card(request: Request, imsi: str) -> None:
    """Raise RequestError where the page was opened for another card than is in the modem."""
    if imsi and request.text("card", 12) != networks.card(imsi):
        raise RequestError(_OTHER_CARD)


def wanted(request: Request, imsi: str) -> tuple[str, Form]:
    """Return what is ordered: its name, and what is to be sent for it.

    Raises:
        RequestError: it is nothing that this card's network is known to sell.
    """
    check_card(request, imsi)
    known = shop.of(imsi)
    if request.count("menu"):
        choice = request.text("choice", _MAX_TYPED)
        if not _CHOICE.fullmatch(choice):
            raise RequestError(_BAD_CHOICE)
        return choice, Form(choice)
    if voucher := request.text("voucher", _MAX_VOUCHER):
        if known.top_up is None or not networks.VOUCHER.fullmatch(voucher):
            raise RequestError(_GONE)
        return f"…{voucher[-4:]}", known.top_up.filled(voucher)
    offer = known.find(request.text("offer", 12))
    if offer is None:
        raise RequestError(_GONE)
    return offer.name or offer.form.send, offer.form


def change_shop(request: Request) -> None:
    """Note an offer or remove one, or note how to top up.

    Raises:
        RequestError, SettingsError: it cannot be noted.
    """
    network = request.text("network", 6)
    if not _NETWORK.fullmatch(network):
        raise RequestError(_GONE)
    own = shop.own_of(network)
    form = Form(request.text("send", shop.MAX_SEND), request.text("to", shop.MAX_TO))
    match request.text("what", 10):
        case "top-up":
            own = shop.Shop(shop.top_up_form(form.send, form.to), own.offers)
        case "offer":
            key = request.text("offer", 12)
            old = own.find(key)
            if key and old is None:
                raise RequestError(_GONE)
            own = own.with_offer(_offer(request, form), old)
        case "remove" if old := own.find(request.text("offer", 12)):
            own = own.without(old)
        case _:
            raise RequestError(_GONE)
    with refusal_if_not_kept():
        shop.keep(network, own)
    request.reply()


def _offer(request: Request, form: Form) -> Offer:
    return Offer(
        request.text("name", shop.MAX_NAME),
        form,
        request.text("price", shop.MAX_PRICE),
        request.text("volume", shop.MAX_PRICE),
    )
