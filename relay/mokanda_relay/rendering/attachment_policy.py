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
from mokanda_relay.rendering import device_files, readings, renditions
from mokanda_relay.rendering.reading import Place
from mokanda_relay.rendering.readings import NotReadyError
from mokanda_relay.rendering.renditions import Policy
from mokanda_relay.rendering.shrinking import Format
from mokanda_relay.store import clock
from mokanda_relay.store.blob_store import BlobNotFoundError
from mokanda_relay.store.tables import Device
from mokanda_wire.limits import MAX_FILE, MAX_PHOTO
from mokanda_wire.message import CUT, Attachment, Message

_HEAD, _COMPRESSED = 100, 3  # bytes of a mail's head; times that a text becomes smaller
# How long a mail waits for its files to be made smaller; then they are held back, and it goes.
RENDITION_TIMEOUT = dt.timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A mail as a village gets it, but for what its device holds and what becomes of photos.

    Attributes:
        digest: of its original.
        message: with the names of all files, as they came.
        small: digests of the files that may go as they are.
        smaller: what files become, by their digests: photos, and voices, which may also go as they
            are.
    """

    digest: str
    message: Message
    small: frozenset[str]
    smaller: Mapping[str, Format]

    @property
    def guessed_cost(self) -> int:
        """About how many bytes of a bundle it takes, which none has measured."""
        files = [
            part.size
            for part in self.message.attachments
            if part.digest in self.small and part.digest not in self.smaller
        ]
        text = len(self.message.text.encode()) // _COMPRESSED
        return _HEAD + text + sum(files) + MAX_PHOTO * len(self.smaller)


def apply_policy(
    device: Device, digest: str, message: Message, places: Mapping[str, Place]
) -> Rendered:
    """Say what of the files of a mail, by the digest of its original, may go to the device."""
    policy = Policy.of(device)
    forms = {file: policy.form_of(place) for file, place in places.items()}
    smaller = {file: form for file, form in forms.items() if form is not None}
    most = min(device.file_bytes, MAX_FILE)
    photos = {file for file, form in smaller.items() if form == policy.photos}
    small = {file for file, place in places.items() if place.size <= most} - photos
    if message.note == CUT:
        small.discard(message.attachments[0].digest)  # whoever wants more of it asks for it
    return Rendered(digest, message, frozenset(small), smaller)


def select_files(
    relay: Relay, session: Session, device: Device, mail: Rendered, received: dt.datetime
) -> tuple[Message, dict[str, bytes]]:
    """Say what of a mail goes to the device now; also returns the contents that have to.

    Raises:
        NotReadyError: a photo is not looked at yet, and the mail not old; or it is just read anew.
    """
    held = device_files.held(session, device.id, {part.digest for part in mail.message.attachments})
    going: dict[str, bytes] = {}
    parts = []
    for part in mail.message.attachments:
        if part.digest in held:
            parts.append(part)
            continue
        sent = _held_back(part)
        if part.digest in mail.smaller:
            form = mail.smaller[part.digest]
            sent = _made_smaller(relay, session, device, part, form, going, received)
        if sent.held_back and part.digest in mail.small:
            sent = _file(relay, mail.digest, part, going)
        parts.append(sent)
    return mail.message._replace(attachments=tuple(parts)), going


def _file(relay: Relay, mail: str, part: Attachment, going: dict[str, bytes]) -> Attachment:
    try:
        content = readings.content(relay, mail, part.digest)
    except BlobNotFoundError:
        content = None
    if content is None:
        return _held_back(part)
    going[part.digest] = content
    return part


def _made_smaller(
    relay: Relay,
    session: Session,
    device: Device,
    part: Attachment,
    form: Format,
    going: dict[str, bytes],
    received: dt.datetime,
) -> Attachment:
    held_back = _held_back(part)
    made = renditions.find(session, part.digest, form)
    if form.kind == "webp":  # the phones take it since a moment ago: JPEG does once more
        made = made or renditions.find(session, part.digest, replace(form, kind="jpeg"))
    if made is None and received > clock.now() - RENDITION_TIMEOUT:
        raise NotReadyError
    if made is None or not made.digest:
        return held_back
    small = held_back._replace(digest=made.digest, size=made.size)
    if made.digest not in device_files.held(session, device.id, [made.digest]):
        try:
            going[made.digest] = relay.renditions.read(made.digest)
        except BlobNotFoundError:
            return held_back
    return small


def _held_back(part: Attachment) -> Attachment:
    """A file of which nothing goes but what it is called."""
    return part._replace(original=part.digest, original_size=part.size)
