# SPDX-License-Identifier: Apache-2.0
"""Bounces: what a server of the world says of a mail that it could not deliver.

Most say it as RFC 3464 has it; Exim and qmail, which many small servers run, in words of their own.
"""

import re
from collections.abc import Iterator
from email.message import Message as Part
from typing import NamedTuple

from mokanda_relay.mime.addresses import mailboxes
from mokanda_relay.mime.headers import Headers, parsed
from mokanda_relay.mime.transfer import content_of

_MAX_FAILURES = 50
_LOOKED_AT = 64 * 1024  # bytes of the words
_MAX_REASON = 300  # characters
_ROBOT = re.compile(r"(?i)(mailer-daemon|postmaster)@")
_REPLY_CODE = re.compile(r"\b[45]\d\d[ -][^\n]*|\b5\.\d{1,3}\.\d{1,3}\b[^\n]*")
_QMAIL = re.compile(r"^<([^<>\s]{3,320})>:\n([^\n]+(?:\n[^\n]+){0,5})", re.MULTILINE)
_QMAILS_WORDS = "This is the qmail-send program"
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
    for part in mail.walk():
        blocks = part.get_payload()
        if part.get_content_type() != "message/delivery-status" or not isinstance(blocks, list):
            continue
        for block in blocks:
            if not isinstance(block, Part):
                continue
            fields = Headers(block)
            if fields.text("action").lower() == "failed":
                who = fields.text("original-recipient") or fields.text("final-recipient")
                why = fields.text("diagnostic-code").rpartition("; ")[2] or fields.text("status")
                yield from _person(who.rpartition(";")[2], why)


def _in_words(mail: Part) -> Iterator[tuple[str, str]]:
    words = _words(mail)
    if _QMAILS_WORDS in words:
        for who, why in _QMAIL.findall(words):
            yield from _person(who, " ".join(why.split()))
        return
    why = _REPLY_CODE.search(words)
    for box in Headers(mail).mailboxes("x-failed-recipients"):
        yield box.address, " ".join(why[0].split()) if why else ""


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
        if part.get_content_type() == "text/rfc822-headers":
            inner = parsed(content_of(part))
        elif part.get_content_type() == "message/rfc822" and part.is_multipart():
            inner = part.get_payload(0)
        for found in Headers(inner).message_ids("message-id") if isinstance(inner, Part) else ():
            return found
    behind = _MESSAGE_ID.search(_words(mail))
    return behind[1].strip("<>") if behind else ""
