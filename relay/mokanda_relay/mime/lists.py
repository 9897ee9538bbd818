# SPDX-License-Identifier: Apache-2.0
"""What the headers of a mail say of the list that it came by (RFC 2369, 2919, 8058)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from mokanda_relay.mime.headers import Headers
from mokanda_wire.address import AddressError, parse_address
from mokanda_wire.text import clean, one_line

_MAX_URLS = 10
_MAX_TEXT = 500  # characters of what a list wants to be written
_URL = re.compile(r"<([^<>]{1,2000})>")


@dataclass(frozen=True, slots=True)
class Listing:
    """What is known of the list, or newsletter, that a mail is of.

    Attributes:
        to_many: whether it is of one.
        one_click: https URL that unsubscribes its reader by a POST, or "".
        mailto: URL of a mail that does, or "".
    """

    to_many: bool = False
    one_click: str = ""
    mailto: str = ""


@dataclass(frozen=True, slots=True)
class Mailto:
    """A mail that a URL asks for."""

    address: str
    subject: str
    text: str


def of(headers: Headers) -> Listing:
    """Read what a mail's headers say."""
    named = any(headers.text(name) for name in ("list-id", "list-unsubscribe"))
    urls = list(_urls(headers.text("list-unsubscribe")))
    how = "".join(headers.text("list-unsubscribe-post").split()).lower()
    clicks = [url for url in urls if url.lower().startswith("https://")]
    mails = [url for url in urls if read_mailto(url)]
    return Listing(
        to_many=named or headers.is_bulk(),
        one_click=clicks[0] if clicks and how == "list-unsubscribe=one-click" else "",
        mailto=mails[0] if mails else "",
    )


def read_mailto(url: str) -> Mailto | None:
    """Read a mailto: URL (RFC 6068) with one address; None if it is none."""
    try:
        parts = urlsplit(url)
        if parts.scheme.lower() != "mailto":
            return None
        address = parse_address(unquote(parts.path))
        fields = dict(parse_qsl(parts.query, max_num_fields=_MAX_URLS))
    except (AddressError, ValueError):
        return None
    fields = {name.lower(): clean(value[:_MAX_TEXT]) for name, value in fields.items()}
    return Mailto(address, one_line(fields.get("subject", "")), fields.get("body", ""))


def _urls(header: str) -> Iterator[str]:
    for place, found in enumerate(_URL.finditer("".join(header.split()))):
        if place == _MAX_URLS:
            return
        yield found[1]
