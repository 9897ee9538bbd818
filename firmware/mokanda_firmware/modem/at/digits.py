# SPDX-License-Identifier: Apache-2.0
"""The text of a network's answer, which may come as hexadecimal digits.

Sticks hand on in digits what came over the air, packed in seven bits or in UCS-2, and the coding
that they tell may be another's. So the readings are compared by the bits that each of their signs
costs, fewer the more often networks write it, and the one that costs least is the text. A digit
that stands for nothing costs five bits or more, and seven of them carry four signs, so that a text
of whatever signs wins by its length.

What this cannot tell: a number ("350", "1000FC", a voucher of 20 digits) is taken as it stands,
though a packed answer of eleven signs at most may look so. Fewer than twelve signs may be read
wrong where they are unlikely ones, or another coding is told; so may a text of mostly letters that
are neither Latin nor Arabic where UCS-2 is not told.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from mokanda_firmware.modem.at import alphabet
from mokanda_firmware.modem.balance import MAX_TEXT
from mokanda_firmware.modem.messages import visible

# All in capitals or all in small letters; an odd digit is left of an answer that was cut off.
_HEX: Final = re.compile(r"(?:[0-9A-F]{2}){2,}|(?:[0-9a-f]{2}){2,}|[0-9A-F]{20,}|[0-9a-f]{20,}")
_NUMBER_OR_WORD: Final = re.compile(r"[0-9]{1,20}|[0-9]{1,9}FC?|[A-F]{1,12}|[a-f]{1,12}")
# 23.038, 5: the language comes before the text, as two letters and a CR, or as two packed ones.
_LETTERS_FIRST, _OCTETS_FIRST = 0x10, 0x11
_LANGUAGE: Final = re.compile(r"\A[a-z]{2}[\r\n]")

_MOST_DIGITS: Final = 4 * MAX_TEXT

# Bits.
_IN_NUMBER = 2.9
_OFTEN, _CAPITAL, _SIGN, _FOREIGN, _NO_TEXT = 5, 6, 8, 16, 30
_ANOTHER_TOLD = 10  # the coding is not the one that is told
_LEFT_OVER = 30  # what follows the text and is not empty
_CAPITALS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ.,:-/*#'()+%\r")
_SIGNS: Final = frozenset('!?"&@=_;<>$£¥€[]{}\\|~^°…•¡¿')
_KINDS: Final = ("Cf", "Pi", "Pf", "Pd", "Zs")  # the direction of writing, quotes, dashes, blanks
_EUROPE, _AFRICA = "\u0180", "\u0700"  # where letters end that are common there
_LETTERS: Final = ("ARABIC", "COMBINING ", "LATIN SMALL LETTER OPEN", "LATIN CAPITAL LETTER OPEN")


def readable(text: str, scheme: int) -> str:
    """Return the text of an answer: as it stands, or what its hexadecimal digits say."""
    text = text[:_MOST_DIGITS]
    if _HEX.fullmatch(text):
        text = min(_readings(text, scheme))[1]
    if scheme == _LETTERS_FIRST:
        text = _LANGUAGE.sub("", text)
    lines = visible(text).split("\n")
    return "\n".join(filter(None, (" ".join(line.split()) for line in lines)))


def _readings(digits: str, scheme: int) -> Iterator[tuple[float, str]]:
    """Yield what the digits may say, and the bits that it costs."""
    stands = bool(_NUMBER_OR_WORD.fullmatch(digits))
    yield (len(digits) * _IN_NUMBER if stands else _cost(digits)), digits
    data = bytes.fromhex(digits[: len(digits) & ~1])
    another = dict.fromkeys((alphabet.SEPTETS, alphabet.OCTETS, alphabet.UCS2), _ANOTHER_TOLD)
    another[alphabet.coding_of(scheme)] = 0
    if scheme == _OCTETS_FIRST and not stands and _names_language(data):
        data = data[2:]
    wide = alphabet.decode(data[: len(data) & ~1], alphabet.UCS2)
    yield _cost(wide) + another[alphabet.UCS2] + _LEFT_OVER * (len(data) % 2), wide
    if stands:
        return
    packed = alphabet.decode(data, alphabet.SEPTETS)
    spare = data[-1] >> 8 - len(data) % 7
    yield _cost(packed) + another[alphabet.SEPTETS] + _LEFT_OVER * bool(spare), packed
    octets = [data.decode("latin-1")] + [alphabet.from_septets(data)] * data.isascii()
    yield from ((_cost(text) + another[alphabet.OCTETS], text) for text in octets)


def _names_language(data: bytes) -> bool:
    return bool(_LANGUAGE.match(alphabet.decode(data[:2], alphabet.SEPTETS) + "\n"))


def _cost(text: str) -> int:
    return sum(map(_bits, text))


def _bits(sign: str) -> int:
    if sign in " \n" or (sign.isascii() and (sign.isdigit() or sign.islower())):
        return _OFTEN
    if sign in _CAPITALS:
        return _CAPITAL
    category = unicodedata.category(sign)
    is_letter = (sign < _EUROPE and sign.isalpha()) or (
        sign < _AFRICA and unicodedata.name(sign, "").startswith(_LETTERS)
    )
    if is_letter or sign in _SIGNS or category in _KINDS:
        return _SIGN
    return _FOREIGN if category[0] in "LMNPS" and sign != "\ufffd" else _NO_TEXT
