# SPDX-License-Identifier: Apache-2.0
"""SendGrid's event webhook: what became of the mails, mail by mail and recipient by recipient.

Events come in batches, more than once, and in any order. Nothing is taken that SendGrid has not
signed, so that without its public key there are none.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
from typing import Any, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from mokanda_relay.store.settings import SettingsError
from mokanda_relay.transport.outbound import DeliveryEvent, RecordEvents
from mokanda_relay.transport.sendgrid.mail_json import ID_ARGUMENT
from mokanda_relay.transport.webhook import BadPostError, NotSetUpError, Post

SIGNATURE_HEADER = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP_HEADER = "X-Twilio-Email-Event-Webhook-Timestamp"

_KINDS: dict[str, Literal["delivered", "bounced"]] = {
    "delivered": "delivered",
    "bounce": "bounced",
    "dropped": "bounced",
}


class EventWebhook:
    """The Webhook of SendGrid's events."""

    title = "Event Webhook"
    name = "events"
    secret = ""
    max_bytes = 4 * 1024 * 1024  # of a post; SendGrid's have less than 1 MB

    def __init__(self, key: str, record: RecordEvents) -> None:
        """Hand events that are signed by this key to `record`; "" for none.

        Raises:
            SettingsError: it is not a key.
        """
        self.missing_setting = "" if key else "SENDGRID_EVENT_KEY"
        self._key = load_public_key(key) if key else None
        self._record = record

    def receive(self, post: Post) -> None:
        """Take in a batch of events."""
        if self._key is None:
            raise NotSetUpError(f"{self.missing_setting} is not set")
        body = post.body.read()
        verify(self._key, body, post.header(SIGNATURE_HEADER), post.header(TIMESTAMP_HEADER))
        self._record(parse_events(body))


def load_public_key(text: str) -> ec.EllipticCurvePublicKey:
    """Read the verification key as SendGrid shows it (base64 DER, or PEM).

    Raises:
        SettingsError: it is not such a key.
    """
    try:
        if "BEGIN" in text:
            key = serialization.load_pem_public_key(text.encode())
        else:
            key = serialization.load_der_public_key(base64.b64decode(text, validate=True))
    except (ValueError, binascii.Error) as error:
        raise SettingsError(
            "SENDGRID_EVENT_KEY is not a public key as SendGrid shows it"
        ) from error
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise SettingsError("SENDGRID_EVENT_KEY is not an elliptic curve key")
    return key


def verify(key: ec.EllipticCurvePublicKey, body: bytes, signature: str, timestamp: str) -> None:
    """Check the signature over timestamp and raw body.

    Raises:
        BadPostError: it is missing or wrong.
    """
    try:
        key.verify(
            base64.b64decode(signature, validate=True),
            timestamp.encode() + body,
            ec.ECDSA(hashes.SHA256()),
        )
    except (InvalidSignature, ValueError) as error:
        raise BadPostError("it is not signed by the key in SENDGRID_EVENT_KEY") from error


def parse_events(body: bytes) -> list[DeliveryEvent]:
    """Read a batch; events that carry no id of an intent are left out.

    Raises:
        BadPostError: the body is not a JSON array.
    """
    try:
        batch = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadPostError("the body is not JSON") from error
    if not isinstance(batch, list):
        raise BadPostError("the body is not a JSON array")
    return [
        _event(each)
        for each in batch
        if isinstance(each, dict) and isinstance(each.get(ID_ARGUMENT), str)
    ]


def _event(event: dict[str, Any]) -> DeliveryEvent:
    kind = _KINDS.get(str(event.get("event")))
    reason = event.get("reason") or event.get("response") or ""
    return DeliveryEvent(
        intent_id=event[ID_ARGUMENT],
        recipient=str(event.get("email")),
        kind=kind,
        reason=str(reason) if kind == "bounced" else "",
        at=_time(event.get("timestamp")),
    )


def _time(timestamp: object) -> dt.datetime | None:
    if isinstance(timestamp, int):
        try:
            return dt.datetime.fromtimestamp(timestamp, dt.UTC)
        except (ValueError, OverflowError, OSError):
            pass
    return None
