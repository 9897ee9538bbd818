# SPDX-License-Identifier: Apache-2.0
"""The alphabets of messages and USSD (3GPP TS 23.038): seven bits by GSM's own table, or UCS-2."""

from typing import Final

_ESCAPE = 0x1B
# 23.038, 6.2.1: the default alphabet; what ESC leads to follows below.
_BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED: Final = {
    0x0A: "\n", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\",
    0x3C: "[", 0x3D: "~", 0x3E: "]", 0x40: "|", 0x65: "€",
}  # fmt: skip
_CODES: Final = {character: code for code, character in enumerate(_BASIC) if code != _ESCAPE}
UCS2 = "ucs2"
SEPTETS = "septets"
OCTETS = "octets"


def coding_of(scheme: int) -> str:
    """Return the alphabet that a data coding scheme names: SEPTETS, OCTETS or UCS2.

    As 23.038 has it in 4 for messages and in 5 for USSD, which agree in what networks use.
    """
    group, low = scheme >> 4, scheme & 0x0F
    if group == 1:  # a language indication comes first; for USSD alone
        return UCS2 if low == 1 else SEPTETS
    if group in (4, 5, 6, 7):
        return (SEPTETS, OCTETS, UCS2, SEPTETS)[low >> 2]
    if group == 0:
        return UCS2 if low == 8 else OCTETS if low == 4 else SEPTETS
    if group == 14:
        return UCS2
    if group == 15:
        return OCTETS if low & 4 else SEPTETS
    return SEPTETS


def from_septets(codes: bytes) -> str:
    """Return the text of codes of seven bits, one to a byte."""
    text = []
    escaped = False
    for code in codes:
        code &= 0x7F
        if escaped:
            text.append(_EXTENDED.get(code, _BASIC[code]))
            escaped = False
        elif code == _ESCAPE:
            escaped = True
        else:
            text.append(_BASIC[code])
    return "".join(text)


def to_septets(text: str) -> bytes:
    """Return the codes of a text of the basic table. Raises ValueError for any other character."""
    try:
        return bytes(_CODES[character] for character in text)
    except KeyError as error:
        raise ValueError(f"{error} is not in GSM's alphabet") from error


def padded(septets: bytes) -> bytes:
    """Return the codes of USSD with the CR behind them that keeps spare bits from being an @.

    23.038, 6.1.2.3.1: one that the text itself ends with is doubled where it would be taken for it.
    """
    is_taken_for_it = len(septets) % 8 == 0 and septets.endswith(b"\r")
    return septets + b"\r" if len(septets) % 8 == 7 or is_taken_for_it else septets


def pack(septets: bytes) -> bytes:
    """Put codes of seven bits together: eight of them into seven bytes (23.038, 6.1.2)."""
    bits = sum(code << (7 * index) for index, code in enumerate(septets))
    return bits.to_bytes((7 * len(septets) + 7) // 8, "little")


def unpack(packed: bytes, count: int | None = None, skip: int = 0) -> bytes:
    """Take codes of seven bits from each other: `count` of them, after `skip` bits.

    Without a count, as many as there are; the last one is none if it is the padding of USSD, a
    carriage return (23.038, 6.1.2.3.1).
    """
    bits = int.from_bytes(packed, "little") >> skip
    there = (8 * len(packed) - skip) // 7
    codes = bytes(bits >> (7 * index) & 0x7F for index in range(min(there, count or there)))
    if count is None and len(packed) % 7 == 0 and codes.endswith((b"\r", b"\0")):
        return codes[:-1]
    return codes


def decode(data: bytes, coding: str) -> str:
    """Return the text of bytes as they travel, whatever they are."""
    if coding == UCS2:
        return data.decode("utf-16-be", "replace")
    if coding == OCTETS:
        return data.decode("latin-1")
    return from_septets(unpack(data))
