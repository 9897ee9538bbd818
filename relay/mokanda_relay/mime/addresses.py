# SPDX-License-Identifier: Apache-2.0
"""The people of a header (RFC 5322, 3.4), also where it is not well-formed.

Entries stand between commas or semicolons, but for those in quotes, comments and angle brackets.
Of each entry the address is what stands in the last <>, or else the word with an @; the rest is the
name. One bad entry costs the others nothing. Each character is looked at a few times at most.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from html import unescape

from mokanda_relay.mime.encoded_words import decode_words
from mokanda_relay.mime.unseen import visible
from mokanda_wire.address import AddressError, parse_address
from mokanda_wire.message import Mailbox
from mokanda_wire.text import clean

_MAX_NAME = 500  # characters
_MAX_ADDRESS = 320
_MARKS = re.compile(r'[\\"()<>,;:]')
_CLOSING = {'"': '"', "(": ")", "<": ">"}
_NOT_IN_ADDRESS = re.compile(r"[\s<>,;]")
_AROUND_AT = re.compile(r"\s{0,9}@\s{0,9}")
_WIDE = {0xFF1C: "<", 0xFF1E: ">", 0xFF20: "@"}  # of East Asian keyboards
_NOT_IN_NAME = set("<>@")
_QUOTED = re.compile(r"\\(.)|\"")


def mailboxes(value: str) -> tuple[Mailbox, ...]:
    """The people whom a header names, each once."""
    value = value.translate(_WIDE)
    if "&lt;" in value and "<" not in value:  # a script has escaped it for a page
        value = unescape(value)
    found = _found(value)
    if not found and "=?" in value:  # some programs encode all of it
        found = _found(decode_words(value))
    return tuple(dict.fromkeys(found))


def _found(value: str) -> list[Mailbox]:
    found: list[Mailbox] = []
    before = ""  # an entry without an address: the first half of a name with a comma
    for entry in _entries(value):
        name, address = _taken_apart(entry)
        if not address and "=?" in entry:
            name, address = _taken_apart(decode_words(entry))
        if not address:
            if entry and not set(entry) & _NOT_IN_NAME:
                before = f"{before}, {entry}" if before else entry
            continue
        if before and name:
            name = f"{before}, {name}"
        before = ""
        box = _mailbox(name, address)
        if box:
            found.append(box)
    return found


def _entries(value: str) -> Iterator[str]:
    """Yield the entries of a list of addresses, groups resolved."""
    start = 0
    closing = ""  # what ends the quotes, brackets or comment that we are in
    depth = 0  # of comments
    skip = -1
    last = {mark: value.rfind(mark) for mark in _CLOSING.values()}
    for found in _MARKS.finditer(value):
        mark, at = found[0], found.start()
        if at == skip:
            continue
        if mark == "\\":
            skip = at + 1
        elif closing:
            depth += (mark == "(") - (mark == ")") if closing == ")" else 0
            if mark == closing and depth <= 0:
                closing = ""
        elif mark in _CLOSING:
            if last[_CLOSING[mark]] > at:  # else it stands for itself
                closing, depth = _CLOSING[mark], int(mark == "(")
        elif mark in ",;":
            yield value[start:at].strip()
            start = at + 1
        elif (
            mark == ":"
            and "@" not in value[start:at]
            and not value[start:at].lower().endswith("mailto")
        ):
            start = at + 1  # the name of a group
    yield value[start:].strip()


def _taken_apart(entry: str) -> tuple[str, str]:
    """The name and the address of an entry, "" for none."""
    end = entry.rfind(">")
    start = entry.rfind("<", 0, end) if end >= 0 else entry.rfind("<")
    if start >= 0:
        address = entry[start + 1 : end if end > start else None].strip()
        name = entry[:start].strip() or entry[end + 1 :].strip() if end >= 0 else entry[:start]
        if "@" in address:
            return name.rstrip("<"), address.rpartition(":")[2].strip(" <>")
    words = entry.split()
    for at in range(len(words) - 1, -1, -1):
        word = words[at].strip("<>[]'")
        if "@" in word.strip("@") and not word.startswith(('"', "(")):
            name = " ".join(words[:at] + words[at + 1 :])
            return name, word.removeprefix("mailto:")
    return "", ""


def _mailbox(name: str, address: str) -> Mailbox | None:
    address = _AROUND_AT.sub("@", clean(address))
    try:
        address = parse_address(address)
    except AddressError:
        # The world uses addresses that we would not let a villager write to.
        local, _, domain = address.rpartition("@")
        if (
            not local
            or not domain
            or _NOT_IN_ADDRESS.search(address)
            or len(address) > _MAX_ADDRESS
        ):
            return None
        # Letters of other scripts in a domain pass for others: all domains are in ASCII.
        with suppress(AddressError):
            address = f"{local}@{parse_address(f'a@{domain}').removeprefix('a@')}"
    name = visible(decode_words(_QUOTED.sub(r"\1", name).strip()))
    if name.startswith("'") and name.endswith("'"):
        name = name.strip("'")
    if name.startswith("(") and name.endswith(")"):
        name = name[1:-1].strip()
    return Mailbox(address, "" if name.lower() == address.lower() else name[:_MAX_NAME])
