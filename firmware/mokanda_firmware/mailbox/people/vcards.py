# SPDX-License-Identifier: Apache-2.0
"""Contacts as phones exchange them: vCard 2.1, 3.0 (RFC 2426) and 4.0 (RFC 6350).

Of a card the name and the addresses for mail are read; the rest is of no use here.
"""

import base64
import quopri
import re
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from mokanda_wire.address import AddressError, parse_address
from mokanda_wire.message import Mailbox
from mokanda_wire.text import clean, one_line, without_invisible

_MAX_PEOPLE = 5000
_MAX_NESTED = 8  # cards in cards: that of somebody's agent is in hers
_MAX_NAME = 100
_MAX_ADDRESSES = 50  # of one person
_LINE = re.compile(
    rb"(?:[\w-]+\.)?(?P<name>[\w-]+)(?P<parameters>(?:;(?:\"[^\"]*\"|[^\":])*)?):(?P<value>.*)"
)
_CHARSET = re.compile(rb"CHARSET=\"?([\w-]+)")
# The codecs of East Asia are not in the image: 0.4 MB, where phones have written UTF-8 for long.
_TEXT = re.compile(r"utf-?8|iso-8859-\d+|(windows-|cp)125\d|koi8-[ru]")
_SEMICOLON = re.compile(r"(?<!\\);")
_ESCAPED = re.compile(r"\\(.)")
_BASE64 = re.compile(rb"[;=]B(?:ASE64)?(?:;|$)")
_READ = {"BEGIN", "END", "FN", "N", "EMAIL"}
_MAILTO = "mailto:"


@dataclass
class _Card:
    """What is read of one person."""

    name: str = ""
    name_in_parts: str = ""  # for a card whose name stands nowhere else
    addresses: list[str] = field(default_factory=list)

    def people(self) -> Iterator[Mailbox]:
        """Yield the person under each address."""
        name = one_line(without_invisible(self.name or self.name_in_parts))[:_MAX_NAME]
        for each in self.addresses:
            with suppress(AddressError):
                yield Mailbox(parse_address(each), name)


def read(data: bytes) -> list[Mailbox]:
    """Return the people of the cards in a file, each address once; what is none is passed over."""
    found: dict[str, Mailbox] = {}
    cards, too_deep = [_Card()], 0
    for key, value in _properties(_in_bytes(data)):
        if key == "BEGIN" and len(cards) <= _MAX_NESTED:
            cards.append(_Card())
        elif key == "BEGIN":
            too_deep += 1
        elif too_deep:
            too_deep -= key == "END"
        elif key == "FN":
            cards[-1].name = _unescaped(value)
        elif key == "N":
            family, given = (*_SEMICOLON.split(value, 2), "")[:2]
            cards[-1].name_in_parts = _unescaped(f"{given} {family}")
        elif key == "EMAIL" and len(cards[-1].addresses) < _MAX_ADDRESSES:
            cards[-1].addresses += _addresses(_unescaped(value))
        elif key == "END" and len(cards) > 1:
            for one in cards.pop().people():
                found.setdefault(one.address.lower(), one)
        if len(found) >= _MAX_PEOPLE:
            break
    for card in cards[1:]:  # which have no end, as in a file that was cut off
        for one in card.people():
            found.setdefault(one.address.lower(), one)
    return list(found.values())


def _addresses(value: str) -> list[str]:
    """Take addresses from a value, also from `Awa <awa@example.org>, mailto:awa@example.com`."""
    parts = re.split("[,;]", unicodedata.normalize("NFKC", without_invisible(value)))
    bare = [part.rpartition("<")[2].partition(">")[0].strip() for part in parts[:_MAX_ADDRESSES]]
    return [one[len(_MAILTO) :] if one[: len(_MAILTO)].lower() == _MAILTO else one for one in bare]


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


def _in_bytes(data: bytes) -> bytes:
    """Return a file in an encoding that has ASCII in it: one in UTF-16, marked or not, in UTF-8."""
    marked = {
        b"\xff\xfe": "utf-16",
        b"\xfe\xff": "utf-16",
        b"B\0": "utf-16-le",
        b"\0B": "utf-16-be",
    }
    if charset := marked.get(data[:2]):
        return data.decode(charset, "replace").encode("utf-8", "replace")
    return data.removeprefix(b"\xef\xbb\xbf")


def _properties(data: bytes) -> Iterator[tuple[str, str]]:
    """Yield name and value of each line, put together and decoded, with its escapes."""
    for line in _lines(data):
        found = _LINE.fullmatch(line)
        if found is None:
            continue
        name = found["name"].decode().upper()
        if name not in _READ:  # photos are large
            continue
        value, parameters = found["value"], found["parameters"].upper()
        if b"QUOTED-PRINTABLE" in parameters:
            value = quopri.decodestring(value)
        elif _BASE64.search(parameters):
            with suppress(ValueError):
                value = base64.b64decode(value)
        charset = _CHARSET.search(parameters)
        text = _decode(value, charset[1].decode().lower() if charset else "")
        yield name, text.strip()


def _lines(data: bytes) -> Iterator[bytes]:
    """Yield the lines, put together where they go on with the next.

    That begins with a blank, which in version 2.1 is of the value; there quoted-printable goes on
    behind a = at the end, too.
    """
    plain = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    whole: list[bytes] = []
    is_quoted, blank = False, b""
    for line in plain.split(b"\n"):
        if is_quoted and whole[-1].endswith(b"="):
            whole[-1] = whole[-1][:-1]
            whole.append(line)
        elif whole and line[:1] in {b" ", b"\t"}:
            whole += [blank, line[1:]]
        else:
            yield b"".join(whole)
            whole = [line]
            head, colon, value = line.upper().partition(b":")
            is_quoted = bool(colon) and b"QUOTED-PRINTABLE" in head
            if head == b"VERSION":
                blank = b" " if value.strip() == b"2.1" else b""
    yield b"".join(whole)


def _decode(value: bytes, charset: str) -> str:
    """Bytes as text: as they say, else as phones write today, else as old ones do."""
    said = charset if _TEXT.fullmatch(charset) and charset != "iso-8859-1" else "utf-8"
    for name in (said, "utf-8", "windows-1252"):
        with suppress(LookupError, ValueError):
            return clean(value.decode(name))
    return clean(value.decode("windows-1252", "replace"))


def _unescaped(value: str) -> str:
    return _ESCAPED.sub(lambda found: " " if found[1] in "nN" else found[1], value)
