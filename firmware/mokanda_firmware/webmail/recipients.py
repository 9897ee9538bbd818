# SPDX-License-Identifier: Apache-2.0
"""The addresses that somebody types after “To”."""

import re
from collections.abc import Iterable, Iterator, Mapping

from mokanda_wire.address import AddressError, check_local_part, parse_address
from mokanda_wire.message import Mailbox

# A comma inside quotes belongs to a name: "Mboyo, Awa" <awa@example.org>
_PART = re.compile(r'(?:"[^"]*"|[^",;\n])+')
_WORD = re.compile(r"\S+")
# Names, addresses and groups that are looked at, also those that are typed twice: more than one
# letter goes to, and little enough work for a board.
MAX_READ = 200


class BadRecipient(Exception):  # noqa: N818 - reads better where it is caught
    """This part of what was typed is neither an address nor a villager's name."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class TooManyRecipients(Exception):  # noqa: N818
    """More was typed than is looked at."""


def parse(
    text: str, domain: str, groups: Mapping[str, Iterable[Mailbox]] | None = None
) -> list[Mailbox]:
    """Read addresses separated by commas, semicolons, lines or spaces, each once.

    `name@example.org`, `Awa <awa@example.org>`, for a villager the bare `awa`, which is of
    `domain`, and for a group its name.

    Raises:
        BadRecipient: with the part that cannot be read.
        TooManyRecipients: there are more than MAX_READ; the rest was not looked at.
    """
    found: dict[str, Mailbox] = {}
    for place, (name, address) in enumerate(_pairs(text)):
        if place == MAX_READ:
            raise TooManyRecipients
        members = (groups or {}).get(address.lower()) if not name else None
        if members is None:
            members = (Mailbox(_address(address, domain), " ".join(name.split())),)
        for mailbox in members:
            found.setdefault(mailbox.address.lower(), mailbox)
    return list(found.values())


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """Yield each name, "" for none, and what stands for its address."""
    for part in _PART.finditer(text):
        if named := _named(part[0]):
            yield named
        else:
            yield from (("", word[0]) for word in _WORD.finditer(part[0]))


def _named(part: str) -> tuple[str, str] | None:
    """Take `name <address>` apart; by no expression, which would try each blank over and over."""
    name, opened, rest = part.strip().partition("<")
    address, closed, behind = rest.partition(">")
    name = name.strip().removeprefix('"').removesuffix('"')
    if not opened or not closed or behind or "<" in address or not {*name}.isdisjoint('">'):
        return None
    return name, address


def _address(text: str, domain: str) -> str:
    try:
        if "@" in text:
            return parse_address(text)
        return f"{check_local_part(text)}@{domain}"
    except AddressError as error:
        raise BadRecipient(text.strip()[:100]) from error


def written(mailboxes: Iterable[Mailbox], domain: str) -> str:
    """Write mailboxes as `parse` reads them, villagers by their bare names."""
    return ", ".join(_written(mailbox, domain) for mailbox in mailboxes)


def _written(mailbox: Mailbox, domain: str) -> str:
    local, _, host = mailbox.address.rpartition("@")
    if host == domain:
        return local
    name = re.sub(r'["<>\s]+', " ", mailbox.name).strip()
    if not name:
        return mailbox.address
    return (
        f'"{name}" <{mailbox.address}>'
        if re.search("[,;]", name)
        else (f"{name} <{mailbox.address}>")
    )
