# SPDX-License-Identifier: Apache-2.0
"""The parts of a mail: what is read in place, what is a file, and what nobody misses."""

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import Message as Part
from html import unescape as unescape_html

from mokanda_relay.mime import bounces, receipts, tnef, undeclared
from mokanda_relay.mime.alternatives import UNREAD_TYPES, better_text
from mokanda_relay.mime.calendars import CalendarError, calendar_to_text
from mokanda_relay.mime.charsets import charset_of_page, decode_text
from mokanda_relay.mime.elsewhere import place_of
from mokanda_relay.mime.enriched import enriched_to_text
from mokanda_relay.mime.files import Files, is_decoration, meant_name
from mokanda_relay.mime.flowed import unflowed
from mokanda_relay.mime.headers import Headers, charset_of, parameter, parsed, parts_of
from mokanda_relay.mime.html_to_text import html_to_text
from mokanda_relay.mime.mending import mended
from mokanda_relay.mime.receipts import Receipt
from mokanda_relay.mime.secured import (
    PGP_MESSAGE,
    SIGNED_OR_ENCRYPTED,
    signed_content,
    without_signature,
)
from mokanda_relay.mime.transfer import content_of, encoding_of
from mokanda_relay.mime.uuencoded import without_files, without_yenc

_MAX_DEPTH = 30  # parts within parts; a mail with more of them is attached whole
_MAX_UNFOLDED = 5  # mails within mails; the next one is a file
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,60}")
# What is read in place, whatever it is called; other kinds of text are if they have no name.
_LETTERS = (
    *("text/plain", "text/html", "application/xhtml+xml", "text/enriched", "text/richtext"),
    "text/calendar",
)
_CARDS = ("text/vcard", "text/x-vcard", "text/directory")
_HEAD_OF_MAILS = ("message/rfc822", "message/global", "message/news")
_ENCODINGS = ("base64", "quoted-printable")
_PAGES = ("text/html", "application/xhtml+xml")
_TAG = re.compile(r"<[a-z/!]", re.IGNORECASE)
_FIGURE = re.compile(r"\d")  # without one, a text says no time
_OBJECT = "\ufffc"  # where a file stood in Apple's texts


@dataclass
class Body:
    """Collects the parts of a mail."""

    charset: str | None = None  # of the mail's text, for names that do not say theirs
    files: Files = field(default_factory=Files)
    texts: list[str] = field(default_factory=list)
    encrypted: bool = False
    invited: bool = False  # by a calendar beside a text
    receipt: Receipt | None = None

    @property
    def text(self) -> str:
        """All that is read in place."""
        return "\n\n".join(text.strip("\n") for text in self.texts if text.strip())

    def add(self, part: Part, depth: int = 0, mails: int = 0) -> None:
        """Add a part, and those in it; `mails` is in how many mails it is.

        Raises:
            ValueError: there are too many within each other.
        """
        if depth > _MAX_DEPTH:
            raise ValueError("parts within parts without end")
        media_type = _media_type(part)
        name, parts = meant_name(part, self.charset), parts_of(part)
        if media_type.startswith("multipart/") and not parts:  # its boundary never comes
            self._add_text(part, "text/plain")
            return
        match media_type:
            case "application/applefile" | "application/smil":
                return  # what a Macintosh keeps beside a file, and how a phone sets a message
            case "application/ics" if self.invited:
                return  # the same once more
            case "multipart/encrypted":
                self.encrypted = True
            case "multipart/alternative":
                self._add_alternatives(parts, depth, mails)
            case _ if media_type in bounces.FOR_PROGRAMS:
                return  # the text beside it says the same
            case receipts.MEDIA_TYPE:
                self.receipt = receipts.read(part)
            case "message/external-body":
                self.texts.append(place_of(part))
            case _ if media_type in _HEAD_OF_MAILS:
                self._add_mail(part, media_type, parts, depth, mails)
            case "multipart/report" if any(map(receipts.is_one, parts)):
                for each in parts:
                    if each.get_content_type() not in _HEAD_OF_MAILS:  # the letter itself
                        self.add(each, depth + 1, mails)
            case _ if parts:
                for each in parts:
                    if not (media_type == "multipart/related" and is_decoration(each)):
                        self.add(each, depth + 1, mails)
            case _ if media_type in SIGNED_OR_ENCRYPTED or name == "smime.p7m":
                self._add_secured(part, depth, mails)
            case _ if media_type in tnef.MEDIA_TYPES or name.lower() == "winmail.dat":
                self._add_wrapped(part, media_type)
            case _ if _is_read_in_place(part, media_type, name):
                self._add_text(part, media_type)
            case _:
                self._add_file(part, media_type, content_of(part))

    def _add_text(self, part: Part, media_type: str) -> None:
        data = content_of(part)
        if not data and part.preamble:
            data = part.preamble.encode("ascii", "surrogateescape")
        if encoding_of(part) not in _ENCODINGS:
            data = undeclared.decoded(data)
        try:
            data, binary_files = without_yenc(data)
            text, files = without_files(_text(part, media_type, data))
        except CalendarError:
            self._add_file(part, media_type, data)
            return
        self.files.add_named(binary_files + files)
        text = without_signature(text.replace(_OBJECT, ""))
        if text.lstrip().startswith(PGP_MESSAGE):
            self.encrypted = True
        else:
            self.texts.append(text)

    def _add_alternatives(self, parts: Sequence[Part], depth: int, mails: int) -> None:
        """Take one of several renderings of a text, and the files of all."""
        plain, html = Body(self.charset, self.files), Body(self.charset, self.files)
        rest: list[Part] = []
        for part in parts:
            if part.get_content_type() in UNREAD_TYPES:
                rest.append(part)
            else:
                (html if _has_html(part) else plain).add(part, depth + 1, mails)
        self.encrypted |= plain.encrypted or html.encrypted
        text = better_text(undeclared.as_shown(plain.text, html.text), html.text)
        calendars = [part for part in rest if part.get_content_type() == "text/calendar"]
        self.invited |= bool(calendars)
        if not text.strip():
            for part in (calendars or rest)[:1]:
                self.add(part, depth + 1, mails)
        elif calendars and not _FIGURE.search(text):
            with suppress(CalendarError):
                self.texts.append(_text(calendars[0], "text/calendar", content_of(calendars[0])))
        self.texts.append(text)

    def _add_mail(
        self, part: Part, media_type: str, parts: Sequence[Part], depth: int, mails: int
    ) -> None:
        """Unfold a forwarded mail: its sender, date, subject and text, and its files."""
        if encoding_of(part) in _ENCODINGS:
            encoded = part
            if parts:  # the parser took what is encoded for a mail without headers
                encoded = Part()
                encoded["Content-Transfer-Encoding"] = encoding_of(part)
                encoded.set_payload(parts[0].as_bytes().decode("ascii", "surrogateescape"))
            parts = [parsed(mended(content_of(encoded)))]
        if mails == _MAX_UNFOLDED or not parts:
            self._add_file(part, media_type, b"\n".join(each.as_bytes() for each in parts))
            return
        for mail in parts:
            body = Body(charset_of_mail(mail), self.files)
            body.add(mail, depth + 1, mails + 1)
            self.encrypted |= body.encrypted
            self.texts.append("\n".join((*_head_of(mail), "", body.text)).rstrip())

    def _add_secured(self, part: Part, depth: int, mails: int) -> None:
        content = signed_content(content_of(part))
        if content:
            self.add(parsed(mended(content)), depth + 1, mails)
        else:
            self.encrypted = True

    def _add_wrapped(self, part: Part, media_type: str) -> None:
        content = content_of(part)
        try:
            unwrapped = tnef.unwrap(content)
        except tnef.TnefError:
            self._add_file(part, media_type, content)
            return
        if unwrapped.text.strip() and not self.text.strip():
            self.texts.append(unwrapped.text)
        self.files.add_named(unwrapped.files)

    def _add_file(self, part: Part, media_type: str, content: bytes) -> None:
        name = meant_name(part, self.charset)
        if not name.startswith("._"):  # of a Macintosh, which keeps there what no other reads
            self.files.add(name, media_type, content, content_id=str(part.get("Content-ID") or ""))


def charset_of_mail(mail: Part) -> str | None:
    """The charset of the first part of a mail that names one."""
    return next(filter(None, map(charset_of, mail.walk())), None)


def _head_of(mail: Part) -> Iterable[str]:
    """The lines that say whose a forwarded mail is."""
    headers = Headers(mail)
    date = headers.date()
    yield "-" * 10
    for box in headers.mailboxes("from")[:1]:
        yield f"From: {box.name} <{box.address}>" if box.name else f"From: {box.address}"
    if date:
        yield f"Date: {headers.text('date')}"
    if headers.text("subject"):
        yield f"Subject: {headers.text('subject')}"


def _text(part: Part, media_type: str, data: bytes) -> str:
    """What a part says that holds this.

    Raises:
        CalendarError: it is a calendar that cannot be read.
    """
    charset = charset_of(part)
    if media_type == "text/html" and charset in (None, "us-ascii"):
        charset = charset_of_page(data) or charset
    text = decode_text(data, charset)
    if undeclared.is_page(text) or (media_type in _PAGES and _TAG.search(text)):
        return html_to_text(text)
    match media_type:
        case "text/html":  # of no tags: its lines are lines
            return unescape_html(text)
        case "text/enriched" | "text/richtext":
            return enriched_to_text(text)
        case "text/calendar":
            return calendar_to_text(text)
    if text.startswith("{\\rtf"):
        return tnef.rtf_to_words(data)
    if parameter(part, "format").lower() == "flowed":
        return unflowed(text, delete_space=parameter(part, "delsp").lower() == "yes")
    return text


def _is_read_in_place(part: Part, media_type: str, name: str) -> bool:
    if name and _disposition(part) == "attachment":
        return False
    is_text = media_type.startswith("text/") and media_type not in _CARDS
    return media_type in _LETTERS or (is_text and not name)


def _disposition(part: Part) -> str:
    return str(part.get("Content-Disposition") or "").partition(";")[0].strip().lower()


def _has_html(part: Part) -> bool:
    return any(each.get_content_type() == "text/html" for each in part.walk())


def _media_type(part: Part) -> str:
    media_type = part.get_content_type().partition("(")[0].strip()
    return media_type if _MEDIA_TYPE.fullmatch(media_type) else "application/octet-stream"
