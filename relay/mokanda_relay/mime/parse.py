# SPDX-License-Identifier: Apache-2.0
"""A mail from the world, taken apart."""

import re
from datetime import datetime
from email.message import Message as Part
from typing import NamedTuple

from mokanda_relay.mime import lists
from mokanda_relay.mime.body import Body, charset_of_mail
from mokanda_relay.mime.bounces import Failure, failures
from mokanda_relay.mime.charsets import decode_text
from mokanda_relay.mime.files import file_name
from mokanda_relay.mime.headers import Headers, charset_of, parsed
from mokanda_relay.mime.hidden import without_fillers
from mokanda_relay.mime.links import with_short_links
from mokanda_relay.mime.lists import Listing
from mokanda_relay.mime.mending import mended
from mokanda_relay.mime.picture_marks import without_picture_marks
from mokanda_relay.mime.transfer import content_of
from mokanda_relay.mime.undeclared import without_entities
from mokanda_relay.mime.unseen import unturned
from mokanda_wire.message import ENCRYPTED, EPOCH, Attachment, Mailbox, Message, digest_of

HEAD = 64 * 1024  # bytes of a mail's beginning: what `attached_whole` looks at
_MAX_MULTIPARTS = 200
_MAX_WORK = 10_000_000  # lines times multiparts: each line is compared with the end of each of them
_MAX_REFERENCES = 100
_ENCRYPTED = "[This letter is encrypted. It can be read only with its reader's own key.]"
_WRITERS = ("from", "sender", "reply-to", "return-path")  # the first of them that is there
_MULTIPART = re.compile(rb"^content-type:\s*multipart/", re.IGNORECASE | re.MULTILINE)


class UnreadableError(ValueError):
    """A mail cannot be taken apart; the text says why, for the log."""


class Taken(NamedTuple):
    """A mail that was taken apart, the contents of its files by digest, and what else it says.

    That is of which mails it is a bounce, and by what list it came.
    """

    message: Message
    contents: dict[str, bytes]
    failures: tuple[Failure, ...]
    listing: Listing


def parse(raw: bytes, received: datetime = EPOCH) -> tuple[Message, dict[str, bytes]]:
    """Read a MIME mail; also return the attachments' contents by digest.

    Never raises. What cannot be taken apart is attached whole, as `message.eml`.
    `received` dates a mail that has no readable date of its own.
    """
    try:
        return take_apart(raw, received)[:2]
    except UnreadableError:
        digest = digest_of(raw)
        return attached_whole(raw[:HEAD], digest, len(raw), received), {digest: raw}


def read_composed(raw: bytes) -> tuple[Message, dict[str, bytes]]:
    """Read a mail back that `compose` has written; also return the files' contents by digest.

    Nothing of a villager's own words is taken for what strangers' programs do to texts.
    """
    mail = parsed(raw)
    body, html = Body(), ""
    for part in mail.walk():
        if part.is_multipart():
            continue
        if part.get_content_type() == "text/html" and not file_name(part):
            html = decode_text(content_of(part), charset_of(part))
        elif part.get_content_type() == "text/plain" and not (body.texts or file_name(part)):
            body.texts.append(decode_text(content_of(part), charset_of(part)))
        else:
            kind, content_id = part.get_content_type(), str(part.get("Content-ID") or "")
            body.files.add(file_name(part), kind, content_of(part), content_id)
    message, _ = _message(mail, body, body.text, digest_of(raw), EPOCH)
    return message._replace(html=html.strip("\n")), body.files.contents


def take_apart(raw: bytes, received: datetime) -> Taken:
    """Read a MIME mail as `parse` does.

    Raises:
        UnreadableError: it cannot be taken apart.
    """
    try:
        multiparts = len(_MULTIPART.findall(raw))
        if multiparts > _MAX_MULTIPARTS or multiparts * raw.count(b"\n") > _MAX_WORK:
            raise ValueError("too many parts")
        mail = parsed(mended(raw))
        body = Body(charset_of_mail(mail))
        body.add(mail)
        bounced = failures(mail)
    except Exception as error:  # the stdlib's parser raises many kinds on hostile mail
        raise UnreadableError(f"{type(error).__name__}: {error}"[:200]) from error
    text = without_picture_marks(without_fillers(unturned(body.text)), body.files.attachments)
    text = with_short_links(text)
    message, listing = _message(mail, body, text, digest_of(raw), received)
    message = message._replace(subject=without_entities(message.subject))
    return Taken(message, body.files.contents, bounced, listing)


def attached_whole(beginning: bytes, digest: str, size: int, received: datetime) -> Message:
    """A mail of which only the headers are looked at; it is a file of its own.

    `beginning` is its first HEAD bytes at most, `digest` its SHA-256 in hex, `size` its bytes.
    """
    head, _, _ = beginning[:HEAD].replace(b"\r\n", b"\n").partition(b"\n\n")
    mail = Part()
    for line in re.sub(rb"\n[ \t]+", b" ", head).split(b"\n"):
        name, colon, value = line.partition(b":")
        if colon and name.replace(b"-", b"").isalnum():
            mail[name.decode("ascii", "replace")] = value.strip().decode("ascii", "surrogateescape")
    body = Body()
    body.files.attachments.append(Attachment("message.eml", "message/rfc822", digest, size))
    return _message(mail, body, "", digest, received)[0]


def _message(
    mail: Part, body: Body, text: str, digest: str, received: datetime
) -> tuple[Message, Listing]:
    headers = Headers(mail)
    listing = lists.of(headers)
    ids = headers.message_ids("message-id")
    replied = headers.message_ids("in-reply-to")
    note = said = ""
    if body.encrypted:
        note, said = ENCRYPTED, _ENCRYPTED
    elif body.receipt:
        replied += (body.receipt.message_id,)
        if not (text.strip() or body.files.attachments):
            note, said = body.receipt.kind, body.receipt.words
    text = f"{text}\n{said}" if note else text
    sender = next(filter(None, map(headers.mailboxes, _WRITERS)), ())
    message = Message(
        message_id=ids[0] if ids else f"{digest[:32]}@no-message-id.invalid",
        date=headers.date() or received,
        sender=sender[0] if sender else Mailbox("unknown@unknown.invalid"),
        to=headers.mailboxes("to"),
        cc=headers.mailboxes("cc"),
        subject=headers.text("subject"),
        text=text,
        reply_to=headers.mailboxes("reply-to"),
        in_reply_to=replied[0] if replied else "",
        references=headers.message_ids("references")[-_MAX_REFERENCES:],
        attachments=tuple(body.files.attachments),
        list_post=headers.list_post(),
        automatic=headers.automatic() or mail.get_content_type() == "multipart/report",
        note=note,
        can_unsubscribe=bool(listing.one_click or listing.mailto),
    )
    return message, listing
