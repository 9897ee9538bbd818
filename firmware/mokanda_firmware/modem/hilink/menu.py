# SPDX-License-Identifier: Apache-2.0
"""Whether an answer to a code is a menu, which HiLink's API does not tell.

It is one if it has a choice 1 and then a choice 2, or a choice and then the way back ("1 Info
conso", "00 Page precedente"). A number alone is no choice: "1 USD = 2800 FC", "1 Go", "1 jour".
Where there is doubt it is none: an amount is read all the same, and a code's form takes a choice.
"""

import re
import unicodedata
from itertools import pairwise
from typing import Final

from mokanda_firmware.modem.balance import UNIT

_LETTER = r"[^\W\d_]"
_CHOICE: Final = re.compile(
    "|".join(
        (
            rf"^[\[(]?(\d\d?|[*#]) ?(?:[.):\]>-]|[-=]>) ?(?:{_LETTER}|(?<= )\d)",  # 1.Solde
            rf"(?:^|(?<= ))(\d\d?) ?[.):=] ?{_LETTER}",  # 1.Solde 2.Forfait, 1=Oui
            rf"^(\d\d?|[*#]) (?={_LETTER})(?!{UNIT}(?![^\W_]))(?!.*=)",  # 1 Solde
        )
    ),
    re.MULTILINE | re.IGNORECASE,
)
_BACK: Final = frozenset({"0", "9", "98", "99", "*", "#"})


def is_menu(text: str) -> bool:
    """Whether the network waits for a choice."""
    plain = "".join(str(unicodedata.decimal(each, each)) for each in text)
    found = (next(filter(None, each.groups())) for each in _CHOICE.finditer(plain))
    choices = [each.lstrip("0") or "0" for each in found]
    return any(
        (first, then) == ("1", "2") or (then in _BACK and first not in _BACK)
        for first, then in pairwise(choices)
    )
