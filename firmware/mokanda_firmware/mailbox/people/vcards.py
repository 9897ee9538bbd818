# SPDX-License-Identifier: Apache-2.0
"""Contacts as phones exchange them: vCard 2.1, 3.0 (RFC 2426) and 4.0 (RFC 6350).

Of a card the name and the addresses for mail are read; the rest is of no use here.
"""

import quopri
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress

from mokanda_wire.address import AddressError, parse_address
from mokanda_wire.message import Mailbox
from mokanda_wire.text import clean, one_line

_MAX_PEOPLE = 5000
_LINE = re.compile(r"(?:[\w-]+\.)?(?P<name>[\w-]+)(?P<parameters>(?:;[^:]*)?):(?P<value>.*)")
_ESCAPED = re.compile(r"\\(.)")


def read(data: bytes) -> list[Mailbox]:
    """Return the people of the cards in a file, each address once; what is none is passed over."""
    found: dict[str, Mailbox] = {}
    name, addresses = "", list[str]()
    for key, value in _properties(_decode(data, "utf-8")):
        if key == "BEGIN":
            name, addresses = "", []
        elif key == "FN" or (key == "N" and not name):
            name = value if key == "FN" else " ".join(reversed(value.split(";")[:2]))
        elif key == "EMAIL":
            addresses.append(value)
        elif key == "END":
            for address in addresses:
                try:
                    address = parse_address(address)
                except AddressError:
                    continue
                found.setdefault(address.lower(), Mailbox(address, one_line(clean(name))[:100]))
        if len(found) >= _MAX_PEOPLE:
            break
    return list(found.values())


def write(people: Iterable[Mailbox]) -> bytes:
    """Write people as cards of version 3.0, which every phone reads."""
    cards = []
    for one in people:
        name = re.sub(r"([\\,;])", r"\\\1", one_line(one.name or one.address))
        cards.append(
            f"BEGIN:VCARD\r\nVERSION:3.0\r\nN:;{name};;;\r\nFN:{name}\r\n"
            f"EMAIL;TYPE=INTERNET:{one.address}\r\nEND:VCARD\r\n"
        )
    return "".join(cards).encode()


def _decode(data: bytes, charset: str) -> str:
    """Bytes as text: by the mark of UTF-16, else as they say, else as old phones write."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        charset = "utf-16"
    for name in (charset, "utf-8", "windows-1252"):
        with suppress(LookupError, ValueError):
            return clean(data.decode(name))
    return clean(data.decode("windows-1252", "replace"))


def _properties(text: str) -> Iterator[tuple[str, str]]:
    """Yield name and value of each line, put together and decoded."""
    for line in _lines(re.sub(r"\n[ \t]", "", text)):
        found = _LINE.fullmatch(line)
        if found is None:
            continue
        value, parameters = found["value"], found["parameters"].upper()
        if "QUOTED-PRINTABLE" in parameters:
            charset = re.search(r"CHARSET=([\w-]+)", parameters)
            raw = quopri.decodestring(value.encode("utf-8", "replace"))
            value = _decode(raw, charset[1] if charset else "utf-8")
        yield found["name"].upper(), _ESCAPED.sub(r"\1", value.strip())


def _lines(text: str) -> Iterator[str]:
    """Yield the lines; version 2.1 goes on with the next where quoted-printable ends in =."""
    lines = iter(text.split("\n"))
    for line in lines:
        whole = [line]
        head, colon, _ = line.partition(":")
        if colon and "QUOTED-PRINTABLE" in head:
            while whole[-1].endswith("=") and (following := next(lines, None)) is not None:
                whole[-1] = whole[-1][:-1]
                whole.append(following)
        yield "".join(whole)
