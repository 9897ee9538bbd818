# SPDX-License-Identifier: Apache-2.0
"""SendGrid's event webhook: what became of the mails, mail by mail and recipient by recipient.

Events come in batches, more than once, and in any order. When no public key is configured, the
random id that each event of ours carries is what proves it: only SendGrid and we know it.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
import logging
from collections.abc import Iterable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from mokanda_relay.store import alerts
from mokanda_relay.store.database import Database
from mokanda_relay.transport.down_queue import notify
from mokanda_relay.transport.outbox import recipients_of, settle_by_event
from mokanda_relay.transport.sendgrid import ID_ARGUMENT
from mokanda_wire.bundle import EventKind

SIGNATURE_HEADER = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP_HEADER = "X-Twilio-Email-Event-Webhook-Timestamp"
MAX_BODY = 16 * 1024 * 1024  # bytes; SendGrid posts less than 1 MB at a time

_TOLD: dict[str, EventKind] = {
    "delivered": "delivered",
    "bounce": "bounced",
    "dropped": "bounced",
}

log = logging.getLogger(__name__)


class EventsError(Exception):
    """The post is not what SendGrid sends; the text says why."""


def load_public_key(text: str) -> ec.EllipticCurvePublicKey:
    """Read the verification key as SendGrid shows it (base64 DER, or PEM).

    Raises:
        EventsError: it is not such a key.
    """
    try:
        if "BEGIN" in text:
            key = serialization.load_pem_public_key(text.encode())
        else:
            key = serialization.load_der_public_key(base64.b64decode(text, validate=True))
    except (ValueError, binascii.Error) as error:
        raise EventsError("SENDGRID_EVENT_KEY is not a public key as SendGrid shows it") from error
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise EventsError("SENDGRID_EVENT_KEY is not an elliptic curve key")
    return key


def verify(key: ec.EllipticCurvePublicKey, body: bytes, signature: str, timestamp: str) -> None:
    """Check the signature over timestamp and raw body.

    Raises:
        EventsError: it is missing or wrong.
    """
    try:
        key.verify(
            base64.b64decode(signature, validate=True),
            timestamp.encode() + body,
            ec.ECDSA(hashes.SHA256()),
        )
    except (InvalidSignature, ValueError) as error:
        raise EventsError("the signature is wrong") from error


def take_in(database: Database, body: bytes) -> int:
    """Take in a batch of events; those that are not ours, or tell nothing new, are skipped.

    Returns:
        How many were ours.

    Raises:
        EventsError: the body is not a JSON array.
    """
    try:
        batch = json.loads(body)
    except ValueError as error:
        raise EventsError("the body is not JSON") from error
    if not isinstance(batch, list):
        raise EventsError("the body is not a JSON array")
    ours = 0
    with database.transaction() as session:
        for event in batch:
            if not isinstance(event, dict) or not isinstance(event.get(ID_ARGUMENT), str):
                continue
            mail = settle_by_event(session, event[ID_ARGUMENT])
            if mail is None:
                continue
            ours += 1
            kind = _TOLD.get(str(event.get("event")))
            recipient = _recipient(recipients_of(session, mail.id), event.get("email"))
            if kind is None or recipient is None:
                continue
            reason = event.get("reason") or event.get("response") or ""
            notify(
                session,
                mail.device_id,
                mail.message_id,
                recipient,
                kind,
                str(reason) if kind == "bounced" else "",
                _time(event.get("timestamp")),
            )
            log.info("event %s mail=%s to=%s %s", kind, mail.id, recipient, reason)
    return ours


def _recipient(recipients: Iterable[str], address: object) -> str | None:
    """The recipient as we wrote it: SendGrid changes letters to lower case."""
    lower = str(address).lower()
    return next((each for each in recipients if each.lower() == lower), None)


def _time(timestamp: object) -> dt.datetime:
    if isinstance(timestamp, int):
        try:
            return dt.datetime.fromtimestamp(timestamp, dt.UTC)
        except (ValueError, OverflowError, OSError):
            pass
    return alerts.now()
