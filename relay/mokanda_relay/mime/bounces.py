# SPDX-License-Identifier: Apache-2.0
"""Bounces: what a server of the world says of a mail that it could not deliver.

Most say it as RFC 3464 has it; Exim and qmail, which many small servers run, in words of their own.
"""

import re
from collections.abc import Iterator
from email.message import Message as Part
from typing import NamedTuple

from mokanda_relay.mime.addresses import mailboxes
from mokanda_relay.mime.headers import Headers, parsed, parts_of
from mokanda_relay.mime.transfer import content_of

_REPORTS = ("message/delivery-status", "message/global-delivery-status")
_HEADS = ("text/rfc822-headers", "message/global-headers")
# What of a bounce is for programs; the text beside it says the same.
FOR_PROGRAMS = (*_REPORTS, *_HEADS)

_MAX_FAILURES = 50
_LOOKED_AT = 64 * 1024  # bytes of the words
_MAX_REASON = 300  # characters
_ROBOT = re.compile(r"(?i)(mailer-daemon|postmaster)@")
_REPLY_CODE = re.compile(r"\b[45]\d\d[ -][^\n]*|\b5\.\d{1,3}\.\d{1,3}\b[^\n]*")
# What qmail and Yahoo, and what Exim say of each recipient, and before the mail that came back.
_QMAIL = re.compile(r"^<([^<>\s]{3,320})>:\n([^\n]+(?:\n[^\n]+){0,5})", re.MULTILINE)
_EXIM = re.compile(
    r"^ {1,4}([^\s<>@]{1,64}@[^\s<>]{1,255})\n((?: {3,12}[^\n]+\n){1,8})", re.MULTILINE
)
_QMAILS_COPY = "--- Below this line is a copy of the message"
_EXIMS_COPY = "------ This is a copy of the message"
_SERVICE = re.compile(r"^[\w-]{1,20};\s*")  # whose answer a diagnosis is
_MAILS = ("message/rfc822", "message/global")
_MESSAGE_ID = re.compile(r"^Message-ID:\s{0,9}(<[^<>\s]{1,900}>)", re.MULTILINE | re.IGNORECASE)


class Failure(NamedTuple):
    """A recipient who did not get the mail of this Message-ID, and why, in the server's words."""

    message_id: str
    recipient: str
    reason: str


def failures(mail: Part) -> tuple[Failure, ...]:
    """Whom a bounce names; none for any other mail, and for a notice of delay or delivery."""
    found: list[tuple[str, str]]
    if mail.get_content_type() == "multipart/report":
        found = list(_in_report(mail))
    elif _is_of_a_robot(mail):
        found = list(_in_words(mail))
    else:
        return ()
    message_id = _returned(mail) if found else ""
    if not message_id:
        return ()
    people = dict(found[:_MAX_FAILURES])
    return tuple(Failure(message_id, who, why[:_MAX_REASON]) for who, why in people.items())


def _in_report(mail: Part) -> Iterator[tuple[str, str]]:
    for fields in _fields(mail):
        if fields.text("action").lower() == "failed":
            who = fields.text("original-recipient") or fields.text("final-recipient")
            why = _SERVICE.sub("", fields.text("diagnostic-code")) or fields.text("status")
            yield from _person(who.rpartition(";")[2], why)


def _fields(mail: Part) -> Iterator[Headers]:
    """The blocks of a report: of the mail, then of each recipient."""
    for part in mail.walk():
        if part.get_content_type() not in _REPORTS:
            continue
        if part.get_content_type() != _REPORTS[0]:  # which the parser takes for a mail
            inner = b"".join(each.as_bytes() for each in parts_of(part))
            part = parsed(b"Content-Type: message/delivery-status\n\n" + inner)
        yield from map(Headers, parts_of(part))


def _in_words(mail: Part) -> Iterator[tuple[str, str]]:
    words = _words(mail)
    about, is_qmails, _ = words.partition(_QMAILS_COPY)
    if is_qmails:
        for who, why in _QMAIL.findall(about):
            yield from _person(who, " ".join(why.split()))
        return
    about, is_exims, _ = words.partition(_EXIMS_COPY)
    said = _EXIM.findall(about) if is_exims else []
    for who, why in said:
        yield from _person(who, _answer(why) or " ".join(why.split()))
    if not said:
        for box in Headers(mail).mailboxes("x-failed-recipients"):
            yield box.address, _answer(words)


def _answer(words: str) -> str:
    """The line in which a server has answered, "" for none."""
    found = _REPLY_CODE.search(words)
    return " ".join(found[0].split()) if found else ""


def _person(address: str, reason: str) -> Iterator[tuple[str, str]]:
    for box in mailboxes(address)[:1]:
        yield box.address, reason


def _is_of_a_robot(mail: Part) -> bool:
    headers = Headers(mail)
    return headers.text("return-path") == "<>" or any(
        _ROBOT.match(box.address) for box in headers.mailboxes("from")
    )


def _words(mail: Part) -> str:
    texts = [part for part in mail.walk() if part.get_content_type() == "text/plain"]
    return content_of(texts[0])[:_LOOKED_AT].decode("utf-8", "replace") if texts else ""


def _returned(mail: Part) -> str:
    """The Message-ID of the mail that came back, without <>."""
    for part in mail.walk():
        inner: object = None
        if part.get_content_type() in (*_HEADS, *_MAILS):
            inner = part.get_payload(0) if part.is_multipart() else parsed(content_of(part))
        for found in Headers(inner).message_ids("message-id") if isinstance(inner, Part) else ():
            return found
    if behind := _MESSAGE_ID.search(_words(mail)):
        return behind[1].strip("<>")
    named = [*(each.message_ids("x-original-message-id") for each in _fields(mail))]
    return next((ids[0] for ids in (*named, Headers(mail).message_ids("in-reply-to")) if ids), "")
