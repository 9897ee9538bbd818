# SPDX-License-Identifier: Apache-2.0
"""What can be ordered from a SIM card's network: what the keeper has noted, and the table's.

The keeper's own is kept for each network, by its number (MCC and MNC).
"""

import hashlib
import json
from typing import Final, NamedTuple, Self

from mokanda_firmware import paths
from mokanda_firmware.bus import records
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.modem import networks
from mokanda_firmware.modem.networks import PLACE, Form, Offer
from mokanda_firmware.modem.settings import SettingsError
from mokanda_wire import durable

MAX_NAME: Final = 40  # characters
MAX_PRICE: Final = 20  # of a price or a volume
MAX_SEND: Final = 100
MAX_TO: Final = 6
MOST_OFFERS: Final = 20  # of the keeper's, for a network
_MOST_NETWORKS = 20
_MAX_BYTES = 200_000  # of what is kept
_BY_HAND: Final = "VOUCHER"  # how a keeper writes where a voucher's number goes
_BAD_CODE: Final = Sentence("A code begins with * or #, ends with #, and has digits between.")
_BAD_TEXT: Final = Sentence("A message has letters without accents, digits, blanks and * # . , + -")
_BAD_NUMBER: Final = Sentence("Messages go to short numbers of two to six digits only.")
_UNSEEN: Final = Sentence(
    "There is a character in it that cannot be seen. Please type it, do not paste it."
)
_NO_PLACE: Final = Sentence("Please write VOUCHER where the number of the voucher goes, once.")


class Shop(NamedTuple):
    """What one network sells, and how it is topped up."""

    top_up: Form | None = None
    offers: tuple[Offer, ...] = ()

    def find(self, key: str) -> Offer | None:
        """Return the offer that the page knows by this key."""
        return next((each for each in self.offers if key_of(each) == key), None)

    def numbers(self) -> set[str]:
        """Return the short numbers that its messages go to."""
        forms = [each.form for each in self.offers] + ([self.top_up] if self.top_up else [])
        return {each.to for each in forms} - {""}

    def with_offer(self, offer: Offer, instead_of: Offer | None = None) -> Self:
        """Return it with an offer more, or another one in a place. Raises SettingsError."""
        _check(offer)
        if instead_of is not None:
            offers = [offer if each == instead_of else each for each in self.offers]
        else:
            offers = [*self.offers, offer]
        if len(offers) > MOST_OFFERS:
            raise SettingsError(
                "name", Sentence("There is room for {most} bundles.", most=MOST_OFFERS)
            )
        return self._replace(offers=tuple(dict.fromkeys(offers)))

    def without(self, offer: Offer) -> Self:
        """Return it without an offer."""
        return self._replace(offers=tuple(each for each in self.offers if each != offer))


def key_of(offer: Offer) -> str:
    """Return what names an offer, and no other: whoever changes it changes that."""
    content = json.dumps(records.dump(offer))
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def top_up_form(send: str, to: str) -> Form | None:
    """Return the form that the keeper has typed, None for none. Raises SettingsError."""
    if not send and not to:
        return None
    if send.upper().count(_BY_HAND) != 1:
        raise SettingsError("send", _NO_PLACE)
    at = send.upper().index(_BY_HAND)
    form = Form(send[:at] + PLACE + send[at + len(_BY_HAND) :], to)
    _check_form(form.filled("1" * 20))
    return form


def typed(form: Form) -> str:
    """Return a form for vouchers as the keeper types it."""
    return form.send.replace(PLACE, _BY_HAND)


def _check(offer: Offer) -> None:
    for field, text, most in (
        ("name", offer.name, MAX_NAME),
        ("price", offer.price, MAX_PRICE),
        ("volume", offer.volume, MAX_PRICE),
    ):
        if len(text) > most:
            raise SettingsError(field, Sentence("At most {most} characters.", most=most))
        if not text.isprintable():
            raise SettingsError(field, _UNSEEN)
    if not offer.name:
        raise SettingsError("name", Sentence("Please give it a name."))
    _check_form(offer.form)


def _check_form(form: Form) -> None:
    if form.to and not Form("0", form.to).can_be_sent():
        raise SettingsError("to", _BAD_NUMBER)
    if not form.can_be_sent():
        raise SettingsError("send", _BAD_TEXT if form.to else _BAD_CODE)


def of(imsi: str) -> Shop:
    """Return all that can be ordered with this SIM card: the keeper's own first."""
    own, codes = own_of(networks.number(imsi)), networks.codes(imsi)
    menu = (Offer("", Form(codes.bundles)),) if codes.bundles else ()
    return Shop(own.top_up or codes.top_up, (*own.offers, *codes.offers, *menu))


def own_of(network: str) -> Shop:
    """Return what the keeper has noted of a network."""
    return _read().get(network, Shop())


def keep(network: str, shop: Shop) -> None:
    """Note it instead. Raises OSError; SettingsError: there are too many networks."""
    shops = _read()
    shops.pop(network, None)
    if shop != Shop():
        shops[network] = shop
    if len(shops) > _MOST_NETWORKS:
        raise SettingsError(
            "name", Sentence("There is room for {most} networks.", most=_MOST_NETWORKS)
        )
    content = {number: records.dump(each) for number, each in shops.items()}
    durable.write(paths.shop(), json.dumps(content).encode())


def _read() -> dict[str, Shop]:
    """Return what is kept; what is damaged, or could not be sent, was not noted."""
    content = records.read_json(paths.shop(), _MAX_BYTES)
    shops = {}
    for network, kept in content.items() if isinstance(content, dict) else ():
        try:
            shop = records.load(Shop, kept)
            for offer in shop.offers[:MOST_OFFERS]:
                _check(offer)
            if shop.top_up is not None:
                _check_form(shop.top_up.filled("1" * 20))
        except (ValueError, RecursionError, SettingsError):
            continue
        shops[network] = shop
    return shops
