# SPDX-License-Identifier: Apache-2.0
"""A mail as RFC 5322 MIME."""

import re
from collections.abc import Callable, Iterator, Mapping
from email import policy
from email.header import Header
from email.message import EmailMessage
from email.utils import format_datetime

from mokanda_wire.message import Attachment, Mailbox, Message
from mokanda_wire.text import clean, one_line, safe_file_name

_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,60}")
CRLF = "\r\n"


def compose(message: Message, contents: Mapping[str, bytes]) -> bytes:
    """Write the mail as RFC 5322 MIME with CRLF; `contents` by digest.

    Raises:
        KeyError: the content of an attachment is missing.
    """
    mail = EmailMessage(policy=policy.SMTP)
    mail.set_content(message.text)
    inline = [each for each in message.attachments if each.content_id] if message.html else []
    if message.html:
        mail.add_alternative(message.html, subtype="html")
        page = mail.get_payload(1)
        assert isinstance(page, EmailMessage)
        for attachment in inline:
            _add(page.add_related, attachment, contents, "inline")
    for attachment in message.attachments:
        if attachment not in inline:
            _add(mail.add_attachment, attachment, contents, "attachment")
    return b"".join((*_head(message), mail.as_bytes()))


def _head(message: Message) -> Iterator[bytes]:
    """Write the headers that stand before those of the body, each with its CRLF.

    Not by the policy's own headers: they refuse, or fold, Message-IDs and addresses that
    the world uses.
    """
    people = {
        "From": (message.sender,),
        "To": message.to,
        "Cc": message.cc,
        "Reply-To": message.reply_to,
    }
    lines = [
        f"{name}: " + ",\r\n ".join(map(_address, boxes)) for name, boxes in people.items() if boxes
    ]
    subject = Header(one_line(clean(message.subject)), header_name="Subject")
    lines.append(f"Subject: {subject.encode(linesep=CRLF)}")
    lines.append(f"Date: {format_datetime(message.date)}")
    if message.automatic:
        lines.append("Auto-Submitted: auto-replied")
    ids = {
        "Message-ID": (message.message_id,),
        "In-Reply-To": (message.in_reply_to,) if message.in_reply_to else (),
        "References": message.references,
    }
    lines += [
        f"{name}: " + "\r\n ".join(f"<{_one_word(each)}>" for each in values)
        for name, values in ids.items()
        if values
    ]
    return (f"{line}\r\n".encode("utf-8", "replace") for line in lines)


def _address(box: Mailbox) -> str:
    name, address = one_line(clean(box.name)), _one_word(box.address)
    if not name:
        return f"<{address}>"
    if name.isascii():
        name = '"' + re.sub(r'([\\"])', r"\\\1", name) + '"'
    else:
        name = Header(name, "utf-8").encode(linesep=CRLF)
    return f"{name} <{address}>"


def _one_word(text: str) -> str:
    """An address or Message-ID that ends neither its line nor its brackets."""
    return re.sub(r"[\s<>]", "", clean(text))


def _add(
    add: Callable[..., None],
    attachment: Attachment,
    contents: Mapping[str, bytes],
    disposition: str,
) -> None:
    known = _MEDIA_TYPE.fullmatch(attachment.media_type)
    maintype, _, subtype = attachment.media_type.partition("/")
    # A message or multipart may not be in base64, which keeps every byte.
    if not known or maintype in ("message", "multipart"):
        maintype, subtype = "application", "octet-stream"
    add(
        contents[attachment.digest],
        maintype=maintype,
        subtype=subtype,
        filename=safe_file_name(attachment.name),
        disposition=disposition,
        cid=f"<{_one_word(attachment.content_id)}>" if attachment.content_id else None,
    )
