# SPDX-License-Identifier: Apache-2.0
"""The heads of OpenPGP packets (RFC 9580, 4.2): what a message consists of, before it is opened."""

from collections.abc import Iterator

PUBLIC_KEY, SUBKEY, USER_ID, SIGNATURE, ONE_PASS, LITERAL = 6, 14, 13, 2, 4, 11
A_KEY = frozenset((PUBLIC_KEY, SUBKEY, USER_ID, SIGNATURE))
SIGNED_DATA = frozenset((ONE_PASS, LITERAL, SIGNATURE))


class PacketError(ValueError):
    """The data is not made of whole packets."""


def kinds(data: bytes) -> Iterator[int]:
    """Yield the kind of each packet, in time linear in the data.

    Raises:
        PacketError: it is not binary OpenPGP, or ends within a packet.
    """
    place = 0
    while place < len(data):
        head = data[place]
        if not head & 0x80:
            raise PacketError("This is no OpenPGP packet.")
        if head & 0x40:
            yield head & 0x3F
            place = _end_of_new(data, place + 1)
        else:
            yield head >> 2 & 0x0F
            place = _end_of_old(data, place + 1, head & 3)
        if place > len(data):
            raise PacketError("The last packet is cut.")


def _end_of_old(data: bytes, place: int, kind: int) -> int:
    if kind == 3:  # it goes on to the end
        return len(data)
    size = 1 << kind
    return place + size + int.from_bytes(data[place : place + size], "big")


def _end_of_new(data: bytes, place: int) -> int:
    while place < len(data):
        first = data[place]
        if first < 192:
            return place + 1 + first
        if first < 224:
            return (
                place + 2 + (first - 192 << 8) + int.from_bytes(data[place + 1 : place + 2]) + 192
            )
        if first == 255:
            return place + 5 + int.from_bytes(data[place + 1 : place + 5], "big")
        place += 1 + (1 << (first & 0x1F))  # a part, behind which there is another
    return place + 1
