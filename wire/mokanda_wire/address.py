# SPDX-License-Identifier: Apache-2.0
"""E-mail addresses: the one place where they are checked."""

import re

_ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL = re.compile(rf"{_ATOM}(\.{_ATOM})*")
_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")
_VILLAGER = re.compile(r"[a-z][a-z0-9]*([._-][a-z0-9]+)*")
# What can stand nowhere in such a part; in a domain, letters of all languages can.
_NOT_LOCAL = re.compile(r"[^A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]")
_NOT_DOMAIN = re.compile(r"[^\w.-]|_")
_NOT_VILLAGER = re.compile(r"[^A-Za-z0-9._-]")


class AddressError(ValueError):
    """The text is not an address; the message is a sentence for people.

    `character` is the first one that cannot stand where it does, "" when it is no single one.
    """

    def __init__(self, sentence: str, character: str = "") -> None:
        super().__init__(sentence)
        self.character = character


def parse_address(text: str) -> str:
    """Check `local@domain` and return it with the domain in lower case, without a last dot.

    International domains come back in their ASCII form (RFC 5890). Quoted and
    non-ASCII local parts are refused: the mail providers we hand mail to refuse them.

    Raises:
        AddressError: with a sentence that says what is wrong.
    """
    address = text.strip()
    local, at, domain = address.rpartition("@")
    if not at:
        raise AddressError(f"“{address}” is not an address: there is no @ in it.")
    if len(local) > 64 or not _LOCAL.fullmatch(local):
        raise AddressError(
            f"“{address}” is not an address: check what stands before the @.",
            _first(_NOT_LOCAL, local),
        )
    try:
        # What is longer is not looked at: IDNA takes the square of its length.
        found = domain.encode("idna").decode("ascii").lower() if len(domain) <= 254 else ""
    except UnicodeError:
        found = ""
    found = found.removesuffix(".")  # of the root, which all names end in
    if len(found) > 253 or not _DOMAIN.fullmatch(found):
        raise AddressError(
            f"“{address}” is not an address: check what stands after the @.",
            _first(_NOT_DOMAIN, domain),
        )
    return f"{local}@{found}"


def domains_of(address: str) -> list[str]:
    """The domain of an address, and all that it lies in, the smallest first."""
    labels = address.rpartition("@")[2].split(".")
    return [".".join(labels[first:]) for first in range(len(labels))]


def check_local_part(name: str) -> str:
    """Check a villager's name, the part before the @, and return it in lower case.

    A name is 2 to 32 letters and digits, starts with a letter, and may hold single
    dots, hyphens and underscores between them.

    Raises:
        AddressError: with a sentence that says what is wrong.
    """
    local = name.strip().lower()
    if not 2 <= len(local) <= 32:
        raise AddressError("A name has 2 to 32 letters.", _first(_NOT_VILLAGER, local))
    if not local[0].isascii() or not local[0].isalpha():
        raise AddressError("A name starts with a letter from a to z.", local[0])
    if not _VILLAGER.fullmatch(local):
        raise AddressError(
            "A name is made of the letters a to z and digits, with single dots, hyphens or "
            "underscores between them.",
            _first(_NOT_VILLAGER, local),
        )
    return local


def _first(unfit: re.Pattern[str], text: str) -> str:
    found = unfit.search(text)
    return found[0] if found else ""
