# SPDX-License-Identifier: Apache-2.0
"""What SendGrid's v3 API refuses a mail for: the common ones, in our words."""

from __future__ import annotations

import base64
import json
import re
from typing import Any, Final

MAX_BYTES: Final = 30 * 1024 * 1024
MAX_RECIPIENTS: Final = 1000
_ADDRESS = re.compile(r"[^\s@<>()\[\],;:\"]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_KNOWN_FIELDS = {
    *("asm", "attachments", "batch_id", "categories", "content", "custom_args", "from", "headers"),
    *("ip_pool_name", "mail_settings", "personalizations", "reply_to", "reply_to_list", "send_at"),
    *("subject", "template_id", "tracking_settings"),
}
_RESERVED_HEADERS = {
    *("x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "to", "from", "subject"),
    *("content-transfer-encoding", "reply-to", "cc", "bcc"),
}


def find_errors(body: object) -> list[tuple[str, str]]:
    """What the API would refuse a mail for: field and message; the common ones."""
    if not isinstance(body, dict):
        return [("", "the body has to be a JSON object")]
    errors = [(each, "this property is not allowed") for each in body.keys() - _KNOWN_FIELDS]
    errors += _recipient_errors(body.get("personalizations"))
    errors += _person_errors("from", body.get("from"))
    if not isinstance(body.get("subject"), str) or not body["subject"]:
        errors.append(("subject", "a subject is required"))
    errors += _content_errors(body.get("content"))
    if "reply_to" in body and "reply_to_list" in body:
        errors.append(("reply_to", "only one of reply_to and reply_to_list is allowed"))
    for each in [body["reply_to"]] if "reply_to" in body else body.get("reply_to_list", []):
        errors += _person_errors("reply_to", each)
    errors += _attachment_errors(body.get("attachments", []))
    for name, value in body.get("headers", {}).items():
        if name.lower() in _RESERVED_HEADERS:
            errors.append((f"headers.{name}", "this header is reserved"))
        if not isinstance(value, str) or not (name + value).isascii() or "\n" in value:
            errors.append((f"headers.{name}", "a header is a line of ASCII text"))
    arguments = body.get("custom_args", {})
    if not all(isinstance(value, str) for value in arguments.values()):
        errors.append(("custom_args", "custom arguments are strings"))
    if len(json.dumps(arguments)) > 10_000:
        errors.append(("custom_args", "custom arguments are limited to 10,000 bytes"))
    return errors


def _recipient_errors(personalizations: object) -> list[tuple[str, str]]:
    if not isinstance(personalizations, list) or not personalizations:
        return [("personalizations", "at least one personalization is required")]
    if len(personalizations) > 1000:
        return [("personalizations", "at most 1000 personalizations are allowed")]
    errors: list[tuple[str, str]] = []
    total = 0
    for index, block in enumerate(personalizations):
        field = f"personalizations.{index}"
        if not isinstance(block.get("to"), list) or not block["to"]:
            errors.append((f"{field}.to", "the to array is required, with at least one address"))
        seen: set[str] = set()
        for kind in ("to", "cc", "bcc"):
            people = block.get(kind, [])
            if kind in block and not people:
                errors.append((f"{field}.{kind}", "the array has to hold an address"))
            total += len(people)
            for person in people:
                errors += _person_errors(f"{field}.{kind}", person)
                address = str(person.get("email")).lower()
                if address in seen:
                    text = f"each address has to be unique between to, cc and bcc: {address}"
                    errors.append((field, text))
                seen.add(address)
    if total > MAX_RECIPIENTS:
        errors.append(("personalizations", f"at most {MAX_RECIPIENTS} recipients are allowed"))
    return errors


def _person_errors(field: str, person: object) -> list[tuple[str, str]]:
    address = person.get("email") if isinstance(person, dict) else None
    if not isinstance(address, str) or not _ADDRESS.fullmatch(address):
        return [(f"{field}.email", "this is not a valid address")]
    return []


def is_mangled(name: str) -> bool:
    """Whether a recipient's name ends early, so that the mail is taken, and dropped later.

    A comma or semicolon in it has to be quoted (sendgrid/sendgrid-python, issues 291 and 618).
    """
    quoted = len(name) > 1 and name[0] == name[-1] == '"' and '"' not in name[1:-1]
    return not quoted and bool({",", ";"} & set(name))


def _content_errors(content: object) -> list[tuple[str, str]]:
    if not isinstance(content, list) or not content:
        return [("content", "at least one content is required")]
    errors = []
    for index, each in enumerate(content):
        if not isinstance(each.get("value"), str) or not each["value"]:
            errors.append((f"content.{index}.value", "the value needs at least one character"))
        if not isinstance(each.get("type"), str) or not each["type"]:
            errors.append((f"content.{index}.type", "a type is required"))
    types = [each.get("type") for each in content]
    if types not in (["text/plain"], ["text/html"], ["text/plain", "text/html"]):
        errors.append(("content", "text/plain comes first, then text/html, each once"))
    return errors


def _attachment_errors(attachments: list[dict[str, Any]]) -> list[tuple[str, str]]:
    errors = []
    for index, each in enumerate(attachments):
        field = f"attachments.{index}"
        try:
            content = base64.b64decode(each["content"], validate=True)
        except (KeyError, TypeError, ValueError):
            content = b""
        if not content:
            errors.append((f"{field}.content", "base64 content is required"))
        if not each.get("filename"):
            errors.append((f"{field}.filename", "a file name is required"))
        if re.search(r"[;\r\n]", each.get("type", "")) or each.get("type") == "":
            errors.append((f"{field}.type", "the type is not a plain media type"))
        if each.get("disposition", "attachment") not in ("inline", "attachment"):
            errors.append((f"{field}.disposition", "inline or attachment"))
    return errors
