# SPDX-License-Identifier: Apache-2.0
"""The headers of a mail, decoded as well as can be."""

import re
from datetime import UTC, datetime
from email import policy
from email.header import decode_header
from email.message import Message as Part
from email.utils import getaddresses, parsedate_to_datetime

from mokanda_relay.mime.charsets import decode_text
from mokanda_wire.address import AddressError, parse_address
from mokanda_wire.message import Mailbox
from mokanda_wire.text import clean, one_line

# Characters of one header that are looked at, of the first headers of a mail and its parts, and of
# each behind them: what reads them may take time by the square of a header's length.
_MAX_HEADER = 16 * 1024
_MAX_HEADERS = 64 * 1024
_MAX_LATER_HEADER = 1024
_MESSAGE_ID = re.compile(r"<\s*([^<>\s]+)\s*>")
_BETWEEN_ADDRESSES = re.compile(r"[\s<>,;:\"()\[\]]+")


class BoundedHeaders(policy.Compat32):
    """Lets no more of each header into a mail than is looked at."""

    _read = 0  # characters of headers so far

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        """Read one header."""
        name, value = super().header_source_parse(sourcelines)
        value = value[: _MAX_HEADER if self._read < _MAX_HEADERS else _MAX_LATER_HEADER]
        object.__setattr__(self, "_read", self._read + len(value))  # a policy is otherwise fixed
        return name, value


class Headers:
    """The headers of a mail, decoded as well as can be."""

    def __init__(self, mail: Part) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in mail.raw_items():
            self._values.setdefault(name.lower(), []).append(unescape(str(value)[:_MAX_HEADER]))

    def text(self, name: str) -> str:
        """The header as one line of text, "" when it is missing."""
        return one_line(decode_words(" ".join(self._values.get(name, [])[:1])))

    def automatic(self) -> bool:
        """Whether the mail says of itself that no answer of a robot is to be sent to it."""
        submitted = self.text("auto-submitted").lower() or "no"
        return (
            submitted != "no"
            or any(name.startswith("list-") for name in self._values)
            or self.text("precedence").lower() in {"bulk", "list", "junk"}
            or self.text("return-path") == "<>"
            or "x-auto-response-suppress" in self._values
        )

    def message_ids(self, name: str) -> tuple[str, ...]:
        """The Message-IDs in a header, without <>."""
        found = _MESSAGE_ID.findall(" ".join(self._values.get(name, [])))
        return tuple(dict.fromkeys(clean(each)[:500] for each in found))

    def mailboxes(self, name: str) -> tuple[Mailbox, ...]:
        """Whom a header names."""
        values = [" ".join(value.split()) for value in self._values.get(name, [])]
        try:
            pairs = getaddresses(values)
        except Exception:  # noqa: BLE001 - raises many kinds on hostile headers
            pairs = []
        found = [_mailbox(decode_words(label), address) for label, address in pairs]
        boxes = tuple(dict.fromkeys(box for box in found if box))
        if not boxes:
            words = (each for value in values for each in _BETWEEN_ADDRESSES.split(value))
            bare = (_mailbox("", each) for each in words if "@" in each)
            boxes = tuple(dict.fromkeys(box for box in bare if box))
        if not boxes and name == "from" and values:
            return (Mailbox("unknown@unknown.invalid", one_line(decode_words(values[0]))),)
        return boxes

    def date(self) -> datetime | None:
        """When the mail was written, as it says; else when a server had it; None if none tells."""
        stamps = [value.rpartition(";")[2] for value in self._values.get("received", [])]
        for value in [*self._values.get("date", []), *stamps]:
            try:
                date = parsedate_to_datetime(value)
                if date.tzinfo is None:
                    date = date.replace(tzinfo=UTC)
                return date.astimezone(UTC).replace(microsecond=0)
            except (TypeError, ValueError, OverflowError, IndexError):
                continue
        return None


def unescape(value: str) -> str:
    """Read the 8-bit characters that a header should not have had."""
    if value.isascii():
        return value
    return decode_text(value.encode("utf-8", "surrogateescape"), None)


def decode_words(value: str) -> str:
    """Decode RFC 2047 encoded words."""
    if "=?" not in value:
        return one_line(clean(value))
    try:
        words = [
            word if isinstance(word, str) else decode_text(word, charset)
            for word, charset in decode_header(value)
        ]
    except Exception:  # noqa: BLE001 - raises several kinds on broken encoded words
        return one_line(clean(value))
    return one_line(clean("".join(words)))


def _mailbox(name: str, address: str) -> Mailbox | None:
    address = clean(address)
    try:
        address = parse_address(address)
    except AddressError:
        # The world uses addresses that we would not let a villager write to.
        local, _, domain = address.rpartition("@")
        if not local or not domain or re.search(r"[\s<>,;]", address) or len(address) > 320:
            return None
    return Mailbox(address, "" if name == address else name[:500])
