# SPDX-License-Identifier: Apache-2.0
"""A mail as a village gets it by its device's policy: small photos, and large files on demand.

What the device holds goes by its name alone, however large it is. Of the rest, photos go as small
as the policy has them, and what is too large is held back: its reader sees its name and size, and
may ask for it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from mokanda_relay.relay import Relay
from mokanda_relay.rendering import device_files, photos
from mokanda_relay.store import clock
from mokanda_relay.store.blob_store import BlobNotFoundError
from mokanda_relay.store.tables import Device
from mokanda_wire.message import Attachment, Message

# Proofs of the sender, over the original's bytes: of no use without those.
_SIGNATURES = {
    "application/pgp-signature",
    "application/pkcs7-signature",
    "application/x-pkcs7-signature",
}
# How long a mail waits for its photos to be made smaller; then they are held back, and it goes.
PHOTO_TIMEOUT = dt.timedelta(minutes=10)


class NotReadyError(Exception):
    """A photo of the mail is about to be made smaller."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A mail as a village gets it, but for what its device holds and what becomes of photos.

    Attributes:
        message: with the names of all files, as they came.
        contents: of the files that may go as they are, by digest.
        photos: digests of the files that go as smaller pictures.
    """

    message: Message
    contents: Mapping[str, bytes]
    photos: frozenset[str]

    @property
    def size(self) -> int:
        """How many characters and bytes of it are in memory, about."""
        return len(self.message.text) + sum(map(len, self.contents.values()))


def without_html_and_signatures(
    message: Message, contents: Mapping[str, bytes]
) -> tuple[Message, dict[str, bytes]]:
    """Leave out what the village has no use for; also returns the contents that stay.

    HTML never goes: `text` says the same, a page costs many times as much, and a village that gets
    none cannot be hurt by any.
    """
    kept = tuple(each for each in message.attachments if each.media_type not in _SIGNATURES)
    wanted = {each.digest for each in kept}
    return (
        replace(message, html="", attachments=kept),
        {digest: content for digest, content in contents.items() if digest in wanted},
    )


def apply_policy(device: Device, message: Message, contents: Mapping[str, bytes]) -> Rendered:
    """Say what of a mail's files may go to the device, by their contents; the rest is let go of."""
    form = photos.Format.of(device)
    smaller = frozenset(
        digest
        for digest, content in contents.items()
        if len(content) > form.max_bytes and photos.is_photo(content)
    )
    small = {
        digest: content
        for digest, content in contents.items()
        if digest not in smaller and len(content) <= device.file_bytes
    }
    return Rendered(message, small, smaller)


def select_files(
    relay: Relay, session: Session, device: Device, mail: Rendered, received: dt.datetime
) -> tuple[Message, dict[str, bytes]]:
    """Say what of a mail goes to the device now; also returns the contents that have to.

    Raises:
        NotReadyError: a photo is not looked at yet, and the mail not old.
    """
    held = device_files.held(session, device.id, {part.digest for part in mail.message.attachments})
    going: dict[str, bytes] = {}
    parts = []
    for part in mail.message.attachments:
        if part.digest in held:
            parts.append(part)
        elif part.digest in mail.photos:
            parts.append(_photo(relay, session, device, part, going, received))
        elif part.digest in mail.contents:
            going[part.digest] = mail.contents[part.digest]
            parts.append(part)
        else:
            parts.append(_held_back(part))
    return replace(mail.message, attachments=tuple(parts)), going


def _photo(
    relay: Relay,
    session: Session,
    device: Device,
    part: Attachment,
    going: dict[str, bytes],
    received: dt.datetime,
) -> Attachment:
    held_back = _held_back(part)
    form = photos.Format.of(device)
    made = photos.rendition(session, part.digest, form)
    # The phones take WebP since a moment ago: then JPEG is good enough once more.
    made = made or photos.rendition(session, part.digest, replace(form, kind="jpeg"))
    if made is None and received > clock.now() - PHOTO_TIMEOUT:
        raise NotReadyError
    if made is None or not made.digest:
        return held_back
    small = replace(held_back, digest=made.digest, size=made.size)
    if made.digest not in device_files.held(session, device.id, [made.digest]):
        try:
            going[made.digest] = relay.renditions.read(made.digest)
        except BlobNotFoundError:
            return held_back
    return small


def _held_back(part: Attachment) -> Attachment:
    """A file of which nothing goes but what it is called."""
    return replace(part, original=part.digest, original_size=part.size)
