# SPDX-License-Identifier: Apache-2.0
"""A text message as it lies on the SIM card, and as it is sent (3GPP TS 23.040, 9.2)."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from mokanda_firmware.modem.at import alphabet
from mokanda_firmware.modem.messages import Part

MAX_BYTES: Final = 200  # of a PDU: 12 for the centre's address, 164 of message
_DELIVER, _SUBMIT = 0, 1
_WITH_VALIDITY = 0x10
_HOUR = 11  # of validity: an order is not to be carried out tomorrow
_UNKNOWN_NUMBER = 0x81  # one of the network's own, as it is dialled
_HAS_HEADER = 0x40
_ALPHANUMERIC = 5  # type of number
_INTERNATIONAL = 1
_MAX_SEPTETS = 160
_DIGITS: Final = "0123456789*#abc"


def decode(data: bytes) -> Part:
    """Read a message that was received.

    Raises:
        ValueError: it is none, or damaged.
    """
    try:
        return _decode(data)
    except IndexError as error:
        raise ValueError("the message is cut off") from error


def submit(text: str, number: str) -> bytes:
    """Return a message to be sent, by the card's own centre.

    Raises:
        ValueError: the text is longer than 160 characters or not of GSM's basic alphabet, or that
            is no number.
    """
    septets = alphabet.to_septets(text)
    if len(septets) > _MAX_SEPTETS or not re.fullmatch(r"[0-9]{1,20}", number):
        raise ValueError("no message for one number")
    padded = number + "F" * (len(number) % 2)
    swapped = bytes.fromhex("".join(map("".join, zip(padded[1::2], padded[::2], strict=True))))
    head = bytes([0, _SUBMIT | _WITH_VALIDITY, 0, len(number), _UNKNOWN_NUMBER])
    return head + swapped + bytes([0, 0, _HOUR, len(septets)]) + alphabet.pack(septets)


def _decode(data: bytes) -> Part:
    at = 1 + data[0]  # past the centre's address
    kind = data[at]
    if kind & 3 != _DELIVER:
        raise ValueError("no message that was received")
    digits = data[at + 1]
    end = at + 3 + (digits + 1) // 2
    sender = _address(data[at + 2], data[at + 3 : end], digits)
    scheme = data[end + 1]
    sent = _time(data[end + 2 : end + 9])
    length = data[end + 9]
    content = data[end + 10 :]
    header = content[: content[0] + 1] if kind & _HAS_HEADER else b""
    text = _text(content, len(header), length, alphabet.coding_of(scheme))
    reference, total, number = _place(header[1:])
    return Part(sender, sent, text, reference, total, number)


def _address(kind: int, packed: bytes, digits: int) -> str:
    number_type = kind >> 4 & 7
    if number_type == _ALPHANUMERIC:
        return alphabet.from_septets(alphabet.unpack(packed, digits * 4 // 7)).strip()
    halves = [half for byte in packed for half in (byte & 15, byte >> 4)][:digits]
    number = "".join(_DIGITS[half] for half in halves if half < len(_DIGITS))
    return f"+{number}" if number_type == _INTERNATIONAL else number


def _time(packed: bytes) -> datetime | None:
    """Return the time of the message: seven pairs of swapped digits, the last one the zone."""
    if len(packed) < 7:
        raise IndexError
    year, month, day, hour, minute, second = ((byte & 15) * 10 + (byte >> 4) for byte in packed[:6])
    quarters = (packed[6] & 7) * 10 + (packed[6] >> 4)
    zone = timedelta(minutes=15 * quarters * (-1 if packed[6] & 8 else 1))
    try:
        return datetime(
            2000 + year, month, day, hour, minute, second, tzinfo=timezone(zone)
        ).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _text(content: bytes, header: int, length: int, coding: str) -> str:
    """Return the text behind the header, of which the message tells the length in its own units."""
    if coding == alphabet.SEPTETS:
        skipped = (header * 8 + 6) // 7  # the text begins at a whole septet
        septets = alphabet.unpack(content, length)
        return alphabet.from_septets(septets[skipped:])
    return alphabet.decode(content[header:length], coding)


def _place(elements: bytes) -> tuple[int | None, int, int]:
    """Return reference, total and number of a part, from the elements of its header."""
    at = 0
    while at + 1 < len(elements):
        kind, size = elements[at], elements[at + 1]
        value = elements[at + 2 : at + 2 + size]
        if kind == 0x00 and size == 3:
            reference, total, number = value
        elif kind == 0x08 and size == 4:
            reference, total, number = value[0] << 8 | value[1], value[2], value[3]
        else:
            at += 2 + size
            continue
        return (reference, total, number) if 1 <= number <= total else (None, 1, 1)
    return None, 1, 1
