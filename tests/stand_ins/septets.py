# SPDX-License-Identifier: Apache-2.0
"""The alphabet of seven bits as networks and strict sticks have it (3GPP TS 23.038)."""

from typing import Final

_ESCAPE = "\x1b"
_ROWS: Final = (
    "@£$¥èéùìòÇ\nØø\rÅå",
    "Δ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ",
    " !\"#¤%&'()*+,-./",
    "0123456789:;<=>?",
    "¡ABCDEFGHIJKLMNO",
    "PQRSTUVWXYZÄÖÑÜ§",
    "¿abcdefghijklmno",
    "pqrstuvwxyzäöñüà",
)
_BASIC: Final = "".join(_ROWS)
_BEHIND_ESCAPE: Final = {
    "^": 0x14, "{": 0x28, "}": 0x29, "\\": 0x2F,
    "[": 0x3C, "~": 0x3D, "]": 0x3E, "|": 0x40, "€": 0x65,
}  # fmt: skip


def codes_of(text: str) -> bytes:
    """Return the codes of a text, one to a byte; raises ValueError for what has none."""
    codes = bytearray()
    for sign in text:
        if sign in _BEHIND_ESCAPE:
            codes += bytes([_BASIC.index(_ESCAPE), _BEHIND_ESCAPE[sign]])
        else:
            codes.append(_BASIC.index(sign))
    return bytes(codes)


def pack(codes: bytes) -> bytes:
    """Put codes together, as in text messages."""
    bits = sum(code << (7 * index) for index, code in enumerate(codes))
    return bits.to_bytes((7 * len(codes) + 7) // 8, "little")


def pack_ussd(text: str) -> bytes:
    """Pack a text for USSD: with a CR where it would seem to end with an @."""
    codes = codes_of(text)
    return pack(codes + b"\r" if len(codes) % 8 == 7 else codes)


def unpack_ussd(packed: bytes) -> str:
    """Return a text without signs behind an escape; raises ValueError for what is none."""
    count = 8 * len(packed) // 7
    bits = int.from_bytes(packed, "little")
    if bits >> 7 * count:
        raise ValueError("the bits to spare are not nothing")
    text = "".join(_BASIC[bits >> 7 * index & 0x7F] for index in range(count))
    return text.removesuffix("\r") if len(packed) % 7 == 0 else text
