# SPDX-License-Identifier: Apache-2.0
"""The addresses that somebody types after “To”."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from mokanda_firmware.webmail import near_misses, typed
from mokanda_firmware.webmail.languages import N_
from mokanda_firmware.webmail.visit import Refused
from mokanda_wire.address import AddressError, check_local_part, parse_address
from mokanda_wire.message import Mailbox
from mokanda_wire.text import one_line

# A comma inside quotes belongs to a name: "Mboyo, Awa" <awa@example.org>
_PART = re.compile(r'(?:"[^"]*"|[^",;\n])+')
_WORD = re.compile(r"\S+")
# Names, addresses and groups that are looked at, also those that are typed twice: more than one
# letter goes to, and little enough work for a board.
MAX_READ = 200
MAX_RECIPIENTS = 50  # of a letter
_NOT_AN_ADDRESS = N_("“{text}” is not an address. An address looks like this: name@example.org")
_MISTYPED = N_("“{text}” is not an address. Did you mean {meant}?")
_BAD_CHARACTER = N_("“{text}” is not an address: there is “{character}” in it.")


class BadRecipient(Exception):  # noqa: N818 - reads better where it is caught
    """This part of what was typed is neither an address nor a villager's name.

    `character` is the one that makes it none, "" when it is no single one.
    """

    def __init__(self, text: str, character: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.character = character

    @property
    def refusal(self) -> Refused:
        """What is said to who typed it."""
        if meant := near_misses.meant_address(self.text):
            return Refused(422, _MISTYPED, text=self.text, meant=meant)
        if not self.character:
            return Refused(422, _NOT_AN_ADDRESS, text=self.text)
        character = typed.shown(self.character)
        return Refused(422, _BAD_CHARACTER, text=self.text, character=character)


class TooManyRecipients(Exception):  # noqa: N818
    """More was typed than is looked at."""


def parse(
    text: str, domain: str, groups: Mapping[str, Iterable[Mailbox]] | None = None
) -> list[Mailbox]:
    """Read addresses separated by commas, semicolons, lines or spaces, each once.

    `name@example.org`, `Awa <awa@example.org>`, for a villager the bare `awa`, which is of
    `domain`, and for a group its name, which may be of several words.

    Raises:
        BadRecipient: with the part that cannot be read.
        TooManyRecipients: there are more than MAX_READ; the rest was not looked at.
    """
    groups = groups or {}
    found: dict[str, Mailbox] = {}
    for place, (name, address) in enumerate(_pairs(typed.plain(text), groups)):
        if place == MAX_READ:
            raise TooManyRecipients
        members = groups.get(address.lower()) if not name else None
        if members is None:
            members = (Mailbox(_address(address, domain), one_line(name)),)
        for mailbox in members:
            found.setdefault(mailbox.address.lower(), mailbox)
    return list(found.values())


def _pairs(text: str, groups: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yield each name, "" for none, and what stands for its address."""
    for part in _PART.finditer(text):
        if named := _named(part[0]):
            yield named
        elif (group := one_line(part[0].replace('"', ""))).lower() in groups:
            yield "", group
        else:
            address = "@".join(side.strip() for side in part[0].split("@"))
            yield from (("", word[0]) for word in _WORD.finditer(address))


def _named(part: str) -> tuple[str, str] | None:
    """Take `name <address>` apart, also one that is not closed, and `address (name)`.

    By no expression, which would try each blank over and over. What is a name is nobody's address.
    """
    if "@" in part and part.rstrip().endswith(")"):
        address, _, name = part.strip().removesuffix(")").partition("(")
        return (name, address.strip()) if len(address.split()) == 1 else None
    name, opened, rest = part.strip().partition("<")
    address, closed, behind = rest.partition(">")
    if not opened or behind.strip(" .") or "<" in address or ">" in name:
        return None
    if not closed and "@" not in address:
        return None
    return name.replace('"', ""), address


def _address(text: str, domain: str) -> str:
    address = typed.bare(text)
    try:
        if "@" in address:
            return parse_address(address)
        name, plus, detail = address.partition("+")
        return parse_address(f"{check_local_part(name)}{plus}{detail}@{domain}")
    except AddressError as error:
        raise BadRecipient(text.strip()[:100], error.character) from error


def written(mailboxes: Iterable[Mailbox], domain: str, groups: Collection[str] = ()) -> str:
    """Write mailboxes as `parse` reads them, villagers by their bare names.

    One whose name a group has too is written with the domain: the bare name is the group's.
    """
    return ", ".join(_written(mailbox, domain, groups) for mailbox in mailboxes)


def _written(mailbox: Mailbox, domain: str, groups: Collection[str]) -> str:
    local, _, host = mailbox.address.rpartition("@")
    if host == domain and local.lower() in groups:
        return mailbox.address
    if host == domain:
        return local
    name = re.sub(r'["<>\s]+', " ", typed.plain(mailbox.name)).strip()
    if not name:
        return mailbox.address
    return (
        f'"{name}" <{mailbox.address}>'
        if re.search("[,;]", name)
        else (f"{name} <{mailbox.address}>")
    )
