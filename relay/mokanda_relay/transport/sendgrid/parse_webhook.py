# SPDX-License-Identifier: Apache-2.0
"""SendGrid's Inbound Parse webhook: mail from the world, raw, with its envelope.

SendGrid tries again only after a 5xx, for three days, and an answer of ours may get lost.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any, BinaryIO

from multipart import MultipartError, PushMultipartParser, parse_options_header

from mokanda_relay.transport.dns import DnsRecord, DnsSetup
from mokanda_relay.transport.inbound import Envelope, Intake, StoredMail
from mokanda_relay.transport.proof import Checks
from mokanda_relay.transport.webhook import BadPostError, NotSetUpError, Post, Webhook

_PIECE = 65536  # bytes
_MAX_ENVELOPE = 256 * 1024  # bytes; a thousand recipients have less
_MAX_CHECK = 4096  # bytes of what SPF or DKIM has found that are looked at
_CHECKS = {"SPF", "dkim", "spam_score"}  # fields of what was found of a mail
_NO_ENVELOPE = "the form has no envelope that names the recipients"
MAX_BYTES = 32 * 1024 * 1024  # of a post; SendGrid's have at most 30 MB


class InboundParse:
    """An InboundSource, and its own Webhook."""

    title = "Inbound Parse (with the raw, full MIME message)"
    name = "inbound"
    max_bytes = MAX_BYTES
    missing_setting = ""

    def __init__(self, secret: str, intake: Intake) -> None:
        """Hand what is posted to the path with this secret to the intake."""
        self.secret = secret
        self._intake = intake

    def webhooks(self) -> Sequence[Webhook]:
        """Itself."""
        return (self,)

    def listening(self) -> AbstractContextManager[None]:
        """Nothing: the webhook brings all."""
        return nullcontext()

    def dns(self, domain: str) -> DnsSetup:
        """Mail for the domain goes to SendGrid, which has to be told to post it here."""
        return DnsSetup(
            (DnsRecord(domain, "MX", "10 mx.sendgrid.net."),),
            f"Mail to {domain} goes to SendGrid. Enter the domain there, under Settings, Inbound"
            " Parse, with the path that `mokanda-relay webhooks` prints.",
        )

    def receive(self, post: Post) -> None:
        """Take in a mail; it is durable when this returns."""
        fields, mail = self._read_form(post)
        envelope = _envelope(fields)
        if mail is None:
            raise NotSetUpError(
                'there is no raw mail in the form: tick "POST the raw, full MIME message" in'
                " SendGrid's Inbound Parse settings; SendGrid keeps the mail for three days"
            )
        self._intake.accept(envelope, mail)

    def _read_form(self, post: Post) -> tuple[dict[str, bytes], StoredMail | None]:
        """Read the mail and, by name, what is told of it; the mail goes to its blob as it comes."""
        kind, options = parse_options_header(post.header("Content-Type"))
        if kind != "multipart/form-data" or not options.get("boundary"):
            raise BadPostError("the body is not multipart/form-data")
        fields: dict[str, bytes] = {}
        mail = None
        try:
            parser = PushMultipartParser(
                options["boundary"],
                content_length=-1 if post.length is None else post.length,
                max_segment_count=1000,
            )
            events = _events(parser, post.body)
            for event in events:
                if isinstance(event, bytes | bytearray | None):
                    continue  # the rest of a field that we do not read
                if event.name == "email" and mail is None:
                    mail = self._intake.store(_field(events))
                elif event.name == "envelope":
                    fields["envelope"] = _short(_field(events))
                elif event.name in _CHECKS:
                    fields[event.name] = _beginning(_field(events))
        except MultipartError as error:
            raise BadPostError("the form is broken") from error
        return fields, mail


def _events(parser: PushMultipartParser, body: BinaryIO) -> Iterator[Any]:
    """What is in a form, piece by piece."""
    while piece := body.read(_PIECE):
        yield from parser.parse(piece)
    parser.close()  # raises where its end is missing


def _field(events: Iterator[object]) -> Iterator[bytes]:
    """What is left of the field that has just begun."""
    for event in events:
        if not isinstance(event, bytes | bytearray):
            return
        yield bytes(event)


def _short(field: Iterator[bytes]) -> bytes:
    """The whole of a field that is short."""
    data = bytearray()
    for piece in field:
        data += piece
        if len(data) > _MAX_ENVELOPE:
            raise BadPostError("the envelope is too long")
    return bytes(data)


def _beginning(field: Iterator[bytes]) -> bytes:
    """The beginning of a field that should be short, and does not matter if it is not."""
    data = b""
    for piece in field:
        data += piece[: _MAX_CHECK - len(data)]
    return data


def _checks(fields: Mapping[str, bytes], sender: str) -> Checks:
    """What SendGrid has found: SPF as `pass`, DKIM as `{@example.org : pass, @x.org : fail}`.

    The score is there if the operator has ticked it.
    """
    spf, dkim = (fields.get(name, b"").decode("ascii", "replace") for name in ("SPF", "dkim"))
    pairs = (each.partition(":") for each in dkim.strip(" {}").replace('"', "").split(","))
    checks = Checks.of(sender, spf, ((who, result) for who, _, result in pairs))
    return replace(checks, spam_score=_score(fields.get("spam_score", b"")))


def _score(field: bytes) -> float | None:
    try:
        score = float(field)
    except ValueError:
        return None
    return score if math.isfinite(score) else None


def _envelope(fields: Mapping[str, bytes]) -> Envelope:
    """The SMTP envelope, as the form has it in JSON, and what was found of its sender."""
    try:
        envelope = json.loads(fields.get("envelope", b""))
    except (ValueError, RecursionError) as error:
        raise BadPostError(_NO_ENVELOPE) from error
    if not isinstance(envelope, dict):
        raise BadPostError(_NO_ENVELOPE)
    sender, to = envelope.get("from", ""), envelope.get("to")
    recipients = [to] if isinstance(to, str) else to
    if not isinstance(sender, str) or not isinstance(recipients, list) or not recipients:
        raise BadPostError(_NO_ENVELOPE)
    if not all(isinstance(each, str) and each for each in recipients):
        raise BadPostError(_NO_ENVELOPE)
    return Envelope(sender, tuple(dict.fromkeys(recipients)), _checks(fields, sender))
