# SPDX-License-Identifier: Apache-2.0
"""The headers of a mail, decoded as well as can be."""

import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import Message as Part
from email.utils import parsedate_to_datetime
from urllib.parse import unquote

from mokanda_relay.mime.addresses import mailboxes
from mokanda_relay.mime.charsets import decode_text
from mokanda_relay.mime.encoded_words import decode_words
from mokanda_relay.mime.unseen import visible
from mokanda_wire.message import EPOCH, LATEST, Mailbox
from mokanda_wire.text import clean

# Characters of one header that are looked at, of the first headers of a mail and its parts, and of
# each behind them: what reads them may take time by the square of a header's length.
_MAX_HEADER = 16 * 1024
_MAX_HEADERS = 64 * 1024
_MAX_LATER_HEADER = 1024
_MAX_PARAMETERS = 4 * 1024  # characters of a header with parameters
_MESSAGE_ID = re.compile(r"<\s*([^<>\s]+)\s*>")
_BARE_ID = re.compile(r"\A[^<>\s@]{1,500}@[^<>\s@]{1,500}\Z")
_ZONE = re.compile(r"(?:\b(?:GMT|UTC))?([+-]\d\d):?(\d\d)\b")
_LIST_POST = re.compile(r"mailto:([^<>\s?,]{1,500})", re.IGNORECASE)


class BoundedHeaders(policy.Compat32):
    """Lets no more of each header into a mail than is looked at."""

    _read = 0  # characters of headers so far

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        """Read one header."""
        name, value = super().header_source_parse(sourcelines)
        value = value[: _MAX_HEADER if self._read < _MAX_HEADERS else _MAX_LATER_HEADER]
        object.__setattr__(self, "_read", self._read + len(value))  # a policy is otherwise fixed
        return name, value


def parsed(raw: bytes) -> Part:
    """Take a mail's parts from each other, its headers bounded."""
    return message_from_bytes(raw, policy=BoundedHeaders())


def parts_of(part: Part) -> list[Part]:
    """The parts within a part."""
    payload = part.get_payload()
    return [each for each in payload if isinstance(each, Part)] if isinstance(payload, list) else []


class Headers:
    """The headers of a mail, decoded as well as can be."""

    def __init__(self, mail: Part) -> None:
        charset = charset_of(mail)
        self._values: dict[str, list[str]] = {}
        for name, value in mail.raw_items():
            text = unescape(str(value)[:_MAX_HEADER], charset)
            self._values.setdefault(name.lower(), []).append(text)

    def text(self, name: str) -> str:
        """The header as one line of text, "" when it is missing."""
        return visible(decode_words(" ".join(self._values.get(name, [])[:1])))

    def automatic(self) -> bool:
        """Whether the mail says of itself that no answer of a robot is to be sent to it."""
        submitted = self.text("auto-submitted").lower() or "no"
        return (
            submitted != "no"
            or any(name.startswith("list-") for name in self._values)
            or self.is_bulk()
            or self.text("return-path") == "<>"
            or "x-auto-response-suppress" in self._values
        )

    def is_bulk(self) -> bool:
        """Whether the mail says that it went to many."""
        return self.text("precedence").lower() in {"bulk", "list", "junk"}

    def list_post(self) -> str:
        """The address that answers to a mailing list go to (RFC 2369), "" where it is of none."""
        found = _LIST_POST.search(" ".join(self._values.get("list-post", [])[:1]))
        boxes = mailboxes(unquote(found[1])) if found else ()
        return boxes[0].address if boxes else ""

    def message_ids(self, name: str) -> tuple[str, ...]:
        """The Message-IDs in a header, without <>."""
        value = " ".join(self._values.get(name, []))
        value = decode_words(value) if "=?" in value else value.strip()
        found = _MESSAGE_ID.findall(value) or _BARE_ID.findall(value)
        return tuple(dict.fromkeys(clean(each)[:500] for each in found))

    def mailboxes(self, name: str) -> tuple[Mailbox, ...]:
        """Whom a header names."""
        values = [" ".join(visible(value).split()) for value in self._values.get(name, [])]
        boxes = tuple(dict.fromkeys(box for value in values for box in mailboxes(value)))
        if not boxes and name == "from" and values:
            return (Mailbox("unknown@unknown.invalid", decode_words(values[0])[:500]),)
        return boxes

    def date(self) -> datetime | None:
        """When the mail was written, as it says; else when a server had it; None if none tells."""
        stamps = [value.rpartition(";")[2] for value in self._values.get("received", [])]
        for value in [*self._values.get("date", []), *stamps]:
            try:
                date = _date(_ZONE.sub(r"\1\2", value))
                if date.tzinfo is None:
                    date = date.replace(tzinfo=UTC)
                date = date.astimezone(UTC).replace(microsecond=0)
                if EPOCH <= date <= LATEST:
                    return date
            except (TypeError, ValueError, OverflowError, IndexError):
                continue
        return None


def _date(value: str) -> datetime:
    try:
        return parsedate_to_datetime(value)
    except ValueError:
        return datetime.fromisoformat(value.strip())


def charset_of(part: Part) -> str | None:
    """The charset that a part names."""
    try:
        return part.get_content_charset()
    except Exception:  # noqa: BLE001 - broken RFC 2231 parameters raise many kinds
        return None


def parameter(
    part: Part, name: str, header: str = "Content-Type", charset: str | None = None
) -> str:
    """A parameter of a header of a part, "" where there is none, or it is broken.

    `charset` is that of the mail, for 8-bit characters that the header should not have had.
    """
    plain = Part()
    for key, value in part.raw_items():
        if key.lower() == header.lower():
            plain[header] = unescape(str(value)[:_MAX_PARAMETERS], charset)
    try:
        said = [value for key, value in plain.get_params([], header) if key.lower() == name]
    except Exception:  # noqa: BLE001 - broken RFC 2231 parameters raise many kinds
        return ""
    found = next((each for each in said if isinstance(each, tuple)), said[0] if said else "")
    if not isinstance(found, tuple):
        return str(found).strip()
    encoded_in, _, text = found  # its bytes as the characters of Latin 1
    return decode_text(text.encode("latin-1", "replace"), encoded_in) if text else ""


def unescape(value: str, charset: str | None = None) -> str:
    """Read the 8-bit characters that a header should not have had: UTF-8, else of the charset."""
    if value.isascii():
        return value
    data = value.encode("utf-8", "surrogateescape")
    try:
        return data.decode()
    except ValueError:
        return decode_text(data, charset)
