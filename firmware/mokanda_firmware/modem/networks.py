# SPDX-License-Identifier: Apache-2.0
"""What we know of a SIM card's network, which its IMSI names: `networks.toml`, with its sources."""

import hashlib
import re
import tomllib
from pathlib import Path
from typing import Any, Final, NamedTuple

FILE: Final = Path(__file__).with_name("networks.toml")
VOUCHER: Final = re.compile(r"\d{8,20}", re.ASCII)
PLACE: Final = "{voucher}"
_CODE: Final = re.compile(r"[*#][0-9*#]{1,38}#", re.ASCII)
_TEXT: Final = re.compile(r"[A-Za-z0-9 *#.,+-]{1,100}", re.ASCII)
_SHORT_NUMBER: Final = re.compile(r"\d{2,6}", re.ASCII)


class Form(NamedTuple):
    """What is sent to order something: a USSD code, or a text `to` a short number.

    In one that tops up, a voucher's number has its place.
    """

    send: str
    to: str = ""

    def filled(self, voucher: str) -> "Form":
        """Return it with the number of a voucher. Raises ValueError: that is none."""
        if not VOUCHER.fullmatch(voucher):
            raise ValueError("no voucher")
        return self._replace(send=self.send.replace(PLACE, voucher))

    def can_be_sent(self) -> bool:
        """Whether it is a code, or a text of plain characters to a number of two to six digits."""
        shape = _TEXT if self.to else _CODE
        return bool(shape.fullmatch(self.send) and _SHORT_NUMBER.fullmatch(self.to or "00"))


class Offer(NamedTuple):
    """Something that a network sells, or a menu of what it does; price and volume in its words."""

    name: str
    form: Form
    price: str = ""
    volume: str = ""


class Codes(NamedTuple):
    """What a network understands; "", None or nothing where that is not known."""

    balance: str = ""  # USSD
    top_up: Form | None = None
    bundles: str = ""  # USSD: a menu
    offers: tuple[Offer, ...] = ()


def codes(imsi: str, file: Path = FILE) -> Codes:
    """Return the codes of this SIM card's network, as far as they are known."""
    known = of(imsi, read(file))
    top_up = known.get("top_up")
    return Codes(
        known.get("balance", ""),
        Form(top_up["send"], top_up.get("to", "")) if top_up else None,
        known.get("bundles", ""),
        tuple(
            Offer(
                each["name"],
                Form(each["send"], each.get("to", "")),
                each.get("price", ""),
                each.get("volume", ""),
            )
            for each in known.get("offers", ())
        ),
    )


def name(imsi: str, file: Path = FILE) -> str:
    """Return how this SIM card's network is called, "" where it is not known."""
    return str(of(imsi, read(file)).get("name", ""))


def read(file: Path = FILE) -> dict[str, Any]:
    """Return the whole table: `default`, an access point, and `network`."""
    with file.open("rb") as stream:
        return tomllib.load(stream)


def of(imsi: str, table: dict[str, Any]) -> dict[str, Any]:
    """Return what the table has for this SIM card's network, {} for nothing."""
    return next((table["network"][each] for each in numbers(imsi) if each in table["network"]), {})


def card(imsi: str) -> str:
    """Return what tells this SIM card from others in the keeper's forms, "" without one."""
    return hashlib.sha256(imsi.encode()).hexdigest()[:12] if imsi else ""


def number(imsi: str, file: Path = FILE) -> str:
    """Return the number of this SIM card's network, "" without a card."""
    table = read(file)["network"]
    return next((each for each in numbers(imsi) if each in table), imsi[:5])


def numbers(imsi: str) -> tuple[str, str]:
    """Return the network's number as it may be, the longer first.

    After the country's code (MCC) that of the network (MNC) has two or three digits; which, only
    a list of networks tells.
    """
    return imsi[:6], imsi[:5]
