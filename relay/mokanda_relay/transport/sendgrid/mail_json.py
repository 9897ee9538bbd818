# SPDX-License-Identifier: Apache-2.0
"""A mail as the JSON of SendGrid's v3 API.

Who gets the mail is the envelope's matter: SendGrid sends to every address in `to`, `cc` and `bcc`,
so an address of the headers that is not a recipient here is left out of them. Not so a neighbour,
who has the mail already: the others' answers are to reach them. Their copy comes back, and goes no
further than to this relay.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from typing import Any

from mokanda_wire.message import Attachment, Mailbox, Message

ID_ARGUMENT = "mokanda_id"  # the intent's id in custom_args; comes back with every event

_MESSAGE_ID = re.compile(r"[!-;=?-~]{1,900}")  # printable ASCII without <>


def request_body(
    intent_id: str,
    recipients: Iterable[str],
    message: Message,
    contents: Mapping[str, bytes],
    *,
    neighbours: Iterable[str] = (),
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
        "personalizations": _personalizations(recipients, message, neighbours),
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


def _personalizations(
    recipients: Iterable[str], message: Message, neighbours: Iterable[str]
) -> list[dict[str, Any]]:
    left = {address.lower(): address for address in recipients}
    shown = {**left, **{address.lower(): address for address in neighbours}}
    to = _visible(message.to, shown)
    cc = _visible(message.cc, shown)
    left = {lower: address for lower, address in left.items() if lower in shown}
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


def _visible(people: Iterable[Mailbox], shown: dict[str, str]) -> list[dict[str, str]]:
    """Those of the people who are to be shown, each once; they are taken out of `shown`."""
    visible = [_person(each) for each in people if shown.pop(each.address.lower(), None)]
    for person in visible:
        # SendGrid takes a comma or semicolon for the end of a recipient, and drops the mail.
        if {",", ";"} & set(person.get("name", "")):
            person["name"] = '"{}"'.format(re.sub(r'[\\"]', "'", person["name"]))
    return visible


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
