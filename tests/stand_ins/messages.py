# SPDX-License-Identifier: Apache-2.0
"""Text messages as a network delivers them to a SIM card (3GPP TS 23.040, SMS-DELIVER)."""

from datetime import UTC, datetime

from tests.stand_ins import septets

SENT = datetime(2026, 11, 29, 18, 30, tzinfo=UTC)


def delivered(
    text: str, sender: str = "+243810000000", *, part: tuple[int, int, int] | None = None
) -> str:
    """Return the PDU in hexadecimal digits: ASCII in seven bits, anything else in UCS-2.

    `part` is the reference, how many there are, and which one this is.
    """
    header = bytes([5, 0, 3, *part]) if part else b""
    if text.isascii():
        scheme = 0
        skipped = (len(header) * 8 + 6) // 7
        fill = skipped * 7 - len(header) * 8
        codes = septets.codes_of(text)
        bits = int.from_bytes(septets.pack(codes), "little") << fill
        size = (skipped * 7 + len(codes) * 7 + 7) // 8 - len(header)
        content = header + bits.to_bytes(size, "little")
        length = skipped + len(codes)
    else:
        scheme = 8
        content = header + text.encode("utf-16-be")
        length = len(content)
    first = 0x44 if part else 0x04
    pdu = bytes([0, first]) + _address(sender) + bytes([0, scheme]) + _time(SENT)
    return (pdu + bytes([length]) + content).hex().upper()


def _address(sender: str) -> bytes:
    if not sender.lstrip("+").isdigit():
        packed = septets.pack(septets.codes_of(sender))
        return bytes([(len(sender) * 7 + 3) // 4, 0xD0]) + packed
    digits = sender.lstrip("+")
    kind = 0x91 if sender.startswith("+") else 0x81
    padded = digits + "F" * (len(digits) % 2)
    swapped = "".join(padded[at + 1] + padded[at] for at in range(0, len(padded), 2))
    return bytes([len(digits), kind]) + bytes.fromhex(swapped)


def _time(sent: datetime) -> bytes:
    return bytes.fromhex("".join(f"{value:02}"[::-1] for value in (
        sent.year % 100, sent.month, sent.day, sent.hour, sent.minute, sent.second, 0,
    )))  # fmt: skip
