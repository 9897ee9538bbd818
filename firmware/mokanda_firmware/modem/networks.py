# SPDX-License-Identifier: Apache-2.0
"""What we know of a SIM card's network, which its IMSI names: `networks.toml`, with its sources."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

FILE: Final = Path(__file__).with_name("networks.toml")
VOUCHER: Final = re.compile(r"\d{8,20}", re.ASCII)
_PLACE = "{voucher}"


@dataclass(frozen=True, slots=True)
class Codes:
    """USSD codes, "" for one that is not known; in `top_up` a voucher's number has its place."""

    balance: str = ""
    top_up: str = ""
    bundles: str = ""  # a menu

    def topping_up(self, voucher: str) -> str:
        """Return the code that redeems a voucher.

        Raises:
            ValueError: that is no voucher's number, or the network's code is not known.
        """
        if not self.top_up or not VOUCHER.fullmatch(voucher):
            raise ValueError("no voucher, or no code for one")
        return self.top_up.replace(_PLACE, voucher)


def codes(imsi: str, file: Path = FILE) -> Codes:
    """Return the codes of this SIM card's network, as far as they are known."""
    known = of(imsi, read(file))
    return Codes(known.get("balance", ""), known.get("top_up", ""), known.get("bundles", ""))


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


def numbers(imsi: str) -> tuple[str, str]:
    """Return the network's number as it may be, the longer first.

    After the country's code (MCC) that of the network (MNC) has two or three digits; which, only
    a list of networks tells.
    """
    return imsi[:6], imsi[:5]
