# SPDX-License-Identifier: Apache-2.0
"""SendGrid's v3 API: mail to the world, and its answers as outcomes."""

from __future__ import annotations

import datetime as dt
import errno
import http.client
import json
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from urllib.error import URLError

from python_http_client.exceptions import HTTPError
from sendgrid import SendGridAPIClient

from mokanda_relay.store.settings import Settings
from mokanda_relay.transport.dns import DnsRecord, DnsSetup
from mokanda_relay.transport.outbound import (
    Accepted,
    Intent,
    NotTaken,
    Outcome,
    RecordEvents,
    Refused,
    Unknown,
)
from mokanda_relay.transport.sendgrid.event_webhook import EventWebhook
from mokanda_relay.transport.sendgrid.mail_json import request_body
from mokanda_relay.transport.webhook import Webhook
from mokanda_wire.message import Message

TIMEOUT = 60  # seconds without progress

_NOT_THIS_MAIL = {401, 403, 404, 405, 406, 415}  # the operator's key, account or SENDGRID_HOST
_NEVER_CONNECTED = {errno.ECONNREFUSED, errno.ENETUNREACH, errno.EHOSTUNREACH}


class SendGrid:
    """A Transport that hands mail to SendGrid."""

    max_recipients = 1000
    max_bytes = 30 * 1024 * 1024

    def __init__(self, settings: Settings, record: RecordEvents) -> None:
        """Use the account of the settings; hand the events of its mail to `record`."""
        self.missing_setting = "" if settings.sendgrid_key else "SENDGRID_API_KEY"
        self._settings = settings
        self._record = record

    def webhooks(self) -> Sequence[Webhook]:
        """That of the events; raises SettingsError when SENDGRID_EVENT_KEY is not a key."""
        return (EventWebhook(self._settings.sendgrid_event_key, self._record),)

    def dns(self, domain: str) -> DnsSetup:
        """SendGrid lets nobody know an account's CNAME records but on its own pages."""
        return DnsSetup(
            (DnsRecord(f"_dmarc.{domain}", "TXT", '"v=DMARC1; p=none;"'),),
            f"Mail from {domain} is signed by SendGrid. Authenticate the domain there, under"
            " Settings, Sender Authentication, and add here the CNAME records that it shows: for em"
            " and a number, s1._domainkey and s2._domainkey.",
        )

    def send(self, intent: Intent, message: Message, contents: Mapping[str, bytes]) -> Outcome:
        """Send a mail. Never raises for what the network or SendGrid does."""
        body = request_body(
            intent.id, intent.recipients, message, contents, neighbours=intent.neighbours
        )
        # A client each time: it is not made for many threads.
        sendgrid = SendGridAPIClient(self._settings.sendgrid_key, host=self._settings.sendgrid_host)
        try:
            sendgrid.client.mail.send.post(request_body=body, timeout=TIMEOUT)
        except HTTPError as error:
            return _outcome(error)
        except URLError as error:
            reason = error.reason
            if isinstance(reason, socket.gaierror | ssl.SSLCertVerificationError) or (
                isinstance(reason, OSError) and reason.errno in _NEVER_CONNECTED
            ):
                return NotTaken(f"SendGrid cannot be reached: {reason}")
            return Unknown(f"the connection to SendGrid broke: {reason}")
        except (OSError, http.client.HTTPException) as error:
            return Unknown(f"SendGrid's answer did not arrive: {error or type(error).__name__}")
        return Accepted()


def _outcome(error: HTTPError) -> Outcome:
    reason = _reason(error)
    status = error.status_code
    if status == http.HTTPStatus.TOO_MANY_REQUESTS:
        return NotTaken(reason, _until_reset(error.headers))
    if status in _NOT_THIS_MAIL:
        return NotTaken(f"SendGrid refuses the relay itself: {reason}")
    if 400 <= status < 500 and status != http.HTTPStatus.REQUEST_TIMEOUT:
        return Refused(reason)
    return Unknown(reason)


def _reason(error: HTTPError) -> str:
    try:
        told = "; ".join(str(each["message"]) for each in json.loads(error.body)["errors"])
    except (ValueError, TypeError, KeyError):
        told = ""
    return f"{error.status_code} {told or error.reason}"


def _until_reset(headers: Mapping[str, str]) -> dt.timedelta | None:
    try:
        seconds = int(headers["X-RateLimit-Reset"]) - time.time()
    except (KeyError, TypeError, ValueError):
        return None
    return dt.timedelta(seconds=min(max(seconds, 1), 3600))
