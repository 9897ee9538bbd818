# SPDX-License-Identifier: Apache-2.0
"""SendGrid's Inbound Parse webhook: mail from the world, raw, routed by its envelope alone.

SendGrid tries again only after a 5xx, for three days, and an answer of ours may get lost. So the
mail is durable before the answer, the same mail again changes nothing, and what cannot be
delivered is recorded and answered as taken: trying again would not help it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import BinaryIO

from multipart import MultipartError, PushMultipartParser, parse_options_header

from mokanda_relay.store import alerts
from mokanda_relay.store.blob_store import BlobStore
from mokanda_relay.store.database import Database
from mokanda_relay.transport.down_queue import deliver
from mokanda_wire.address import AddressError, parse_address

MAX_BODY = 32 * 1024 * 1024  # bytes; SendGrid posts at most 30 MB

log = logging.getLogger(__name__)


class InboundError(Exception):
    """The post cannot be taken; the text says why."""


class NotRawError(InboundError):
    """The post has no raw mail in it: "POST the raw, full MIME message" is not set at SendGrid."""


def take_in(
    database: Database, originals: BlobStore, content_type: str, length: int, body: BinaryIO
) -> None:
    """Take in a mail that the Parse webhook posts; it is durable when this returns.

    Raises:
        InboundError: the form is broken, or names no recipients.
        NotRawError: the form holds no raw mail.
        OSError: the mail cannot be stored now.
    """
    form, digest, size = _read_form(originals, content_type, length, body)
    sender, recipients = _envelope(form)
    if digest is None:
        raise NotRawError("there is no raw mail in the form")
    with database.transaction() as session:
        for recipient in recipients:
            try:
                outcome = deliver(session, parse_address(recipient), digest, size)
            except AddressError:
                outcome = "unknown village"
            if outcome == "queued":
                log.info("inbound mail=%s size=%d to=%s", digest[:12], size, recipient)
            else:
                told = f"a mail from <{sender}> for <{recipient}>: {outcome}"
                alerts.record(session, "undeliverable", told)


def _read_form(
    originals: BlobStore, content_type: str, length: int, body: BinaryIO
) -> tuple[bytes, str | None, int]:
    """Read envelope and mail; the mail goes to its file as it comes."""
    kind, options = parse_options_header(content_type)
    if kind != "multipart/form-data" or not options.get("boundary"):
        raise InboundError("the body is not multipart/form-data")
    envelope, digest, size = b"", None, 0
    try:
        parser = PushMultipartParser(
            options["boundary"], content_length=length, max_segment_count=1000
        )
        events = parser.parse_blocking(body.read)
        for event in events:
            if isinstance(event, bytes | bytearray | None):
                continue  # the rest of a field that we do not read
            if event.name == "email" and digest is None:
                digest, size = originals.write_by_digest(_field(events))
            elif event.name == "envelope":
                envelope = b"".join(_field(events))
    except MultipartError as error:
        raise InboundError(f"the form is broken: {error}") from error
    return envelope, digest, size


def _field(events: Iterator[object]) -> Iterator[bytes]:
    """What is left of the field that has just begun."""
    for event in events:
        if not isinstance(event, bytes | bytearray):
            return
        yield bytes(event)


def _envelope(form: bytes) -> tuple[str, list[str]]:
    """The SMTP envelope: the sender, and each recipient once."""
    try:
        envelope = json.loads(form)
        to = envelope["to"]
        recipients = [str(each) for each in ([to] if isinstance(to, str) else to)]
    except (ValueError, TypeError, KeyError) as error:
        raise InboundError("the form has no envelope that names the recipients") from error
    return str(envelope.get("from", "")), list(dict.fromkeys(recipients))
