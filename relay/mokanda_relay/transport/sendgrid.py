# SPDX-License-Identifier: Apache-2.0
"""SendGrid's v3 API: a mail as its JSON, and its answers as outcomes.

Who gets the mail is the envelope's matter: SendGrid sends to every address in `to`, `cc` and `bcc`,
so an address of the headers that is not a recipient here (a neighbour in the same village, who has
the mail already) is left out of them.
"""

from __future__ import annotations

import base64
import datetime as dt
import errno
import http.client
import json
import re
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.error import URLError

from python_http_client.exceptions import HTTPError
from sendgrid import SendGridAPIClient

from mokanda_relay.transport.outbox import Accepted, NotTaken, Outcome, Refused, Unknown
from mokanda_wire.message import Attachment, Mailbox, Message

TIMEOUT = 60  # seconds without progress
ID_ARGUMENT = "mokanda_id"  # the intent's id in custom_args; comes back with every event

_NOT_THIS_MAIL = {401, 403, 404, 405, 406, 415}  # the operator's key, account or SENDGRID_HOST
_MESSAGE_ID = re.compile(r"[!-;=?-~]{1,900}")  # printable ASCII without <>
_NEVER_CONNECTED = {errno.ECONNREFUSED, errno.ENETUNREACH, errno.EHOSTUNREACH}


class SendGrid:
    """Hands mails to SendGrid."""

    def __init__(self, api_key: str, host: str) -> None:
        """Use this key, at the API under `host`."""
        self._client = SendGridAPIClient(api_key, host=host)

    def send(
        self,
        intent_id: str,
        recipients: Iterable[str],
        message: Message,
        contents: Mapping[str, bytes],
    ) -> Outcome:
        """Send a mail. Never raises for what the network or SendGrid does."""
        body = request_body(intent_id, recipients, message, contents)
        try:
            self._client.client.mail.send.post(request_body=body, timeout=TIMEOUT)
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


def request_body(
    intent_id: str,
    recipients: Iterable[str],
    message: Message,
    contents: Mapping[str, bytes],
) -> dict[str, Any]:
    """Build the JSON of `POST /v3/mail/send`."""
    ids = {
        "Message-ID": (message.message_id,),
        "In-Reply-To": (message.in_reply_to,),
        "References": message.references,
    }
    headers = {name: line for name, each in ids.items() if (line := _id_line(each))}
    if message.automatic:
        headers["Auto-Submitted"] = "auto-replied"
    # SendGrid refuses an empty subject and an empty text.
    body: dict[str, Any] = {
        "personalizations": _personalizations(recipients, message),
        "from": _person(message.sender),
        "subject": message.subject or "(no subject)",
        "content": [{"type": "text/plain", "value": message.text or "\n"}],
        "headers": headers,
        "custom_args": {ID_ARGUMENT: intent_id},
        # These are letters: no pixel to watch the reader, no link that leads through others.
        "tracking_settings": {
            "click_tracking": {"enable": False, "enable_text": False},
            "open_tracking": {"enable": False},
            "subscription_tracking": {"enable": False},
        },
    }
    if message.html:
        body["content"].append({"type": "text/html", "value": message.html})
    if len(message.reply_to) == 1:
        body["reply_to"] = _person(message.reply_to[0])
    elif message.reply_to:
        body["reply_to_list"] = [_person(each) for each in message.reply_to]
    if message.attachments:
        body["attachments"] = [
            _attachment(each, contents[each.digest]) for each in message.attachments
        ]
    return body


def _id_line(ids: Iterable[str]) -> str:
    """Message-IDs as a header takes them; those of the world that no header takes are left out."""
    return " ".join(f"<{each}>" for each in ids if _MESSAGE_ID.fullmatch(each))


def _personalizations(recipients: Iterable[str], message: Message) -> list[dict[str, Any]]:
    left = {address.lower(): address for address in recipients}
    to = _visible(message.to, left)
    cc = _visible(message.cc, left)
    if not to:
        to, cc = cc, []  # SendGrid wants a `to`
    if not to:
        # All of them are blind copies: a request each, so that nobody sees another.
        return [{"to": [{"email": address}]} for address in left.values()]
    personalization: dict[str, Any] = {"to": to}
    if cc:
        personalization["cc"] = cc
    if left:
        personalization["bcc"] = [{"email": address} for address in left.values()]
    return [personalization]


def _visible(people: Iterable[Mailbox], left: dict[str, str]) -> list[dict[str, str]]:
    """Those of the people who are recipients, each once; they are taken out of `left`."""
    return [_person(each) for each in people if left.pop(each.address.lower(), None)]


def _person(mailbox: Mailbox) -> dict[str, str]:
    person = {"email": mailbox.address}
    if mailbox.name:
        person["name"] = mailbox.name
    return person


def _attachment(attachment: Attachment, content: bytes) -> dict[str, str]:
    built = {
        # SendGrid refuses an empty file: one newline stands for it.
        "content": base64.b64encode(content or b"\n").decode("ascii"),
        "type": attachment.media_type,
        "filename": attachment.name,
        "disposition": "attachment",
    }
    if attachment.content_id:
        built |= {"disposition": "inline", "content_id": attachment.content_id}
    return built
