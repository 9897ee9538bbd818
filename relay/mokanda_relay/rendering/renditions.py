# SPDX-License-Identifier: Apache-2.0
"""Photos and voices made smaller for a village's phones, before a device asks for its mail.

Each file is made once for all devices with the same policy. One that cannot be made smaller (it is
broken, or no photo at all) is a file like any other, and never keeps its mail from going.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.relay import Relay
from mokanda_relay.rendering import readings
from mokanda_relay.rendering.reading import PHOTO, VOICE, Place, Reading
from mokanda_relay.rendering.shrinking import Format, shrink
from mokanda_relay.store import clock
from mokanda_relay.store.tables import Device, Incoming, Rendition

_MAX_VOICE = 40_000  # bytes of a voice that goes as it is: a quarter of a minute, or more

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Policy:
    """What photos and voices a device gets."""

    photos: Format
    voices: Format | None

    @classmethod
    def of(cls, device: Device) -> Policy:
        """What this device gets: WebP and Opus once it has told that it has use for them."""
        told = device.last_report()
        kind = "webp" if told.get("webp") is True else "jpeg"
        photos = Format(device.photo_side, device.photo_bytes, kind)
        voices = Format(0, device.file_bytes, "opus") if told.get("opus") is True else None
        return cls(photos, voices)

    def form_of(self, place: Place) -> Format | None:
        """What a file is made into; None for one that is small enough, or of another kind."""
        if place.kind == PHOTO and place.size > self.photos.max_bytes:
            return self.photos
        return self.voices if place.kind == VOICE and place.size > _MAX_VOICE else None


def find(session: Session, digest: str, form: Format) -> Rendition | None:
    """What the file of this digest has become; None if nobody has looked at it yet."""
    return session.get(Rendition, (digest, form.side, form.max_bytes, form.kind))


def prepare_anew(session: Session, device_id: int) -> None:
    """Have the photos and voices of the device's waiting mail made to another policy."""
    session.execute(
        sa.update(Incoming)
        .where(Incoming.device_id == device_id, Incoming.sequence.is_(None))
        .values(prepared=False)
    )


def make_smaller(relay: Relay, mail: str, reading: Reading, policy: Policy) -> None:
    """Make the photos and voices of a mail, by the digest of its original, what a device gets.

    Raises:
        NotReadyError: the mail is just read anew.
        BlobNotFoundError: its file is gone.
    """
    for digest, place in reading.places.items():
        form = policy.form_of(place)
        content = readings.content(relay, mail, digest) if form else None
        if form and content is not None:
            _make(relay, digest, content, form)


def _make(relay: Relay, source: str, content: bytes, form: Format) -> None:
    with relay.database.reading() as session:
        if find(session, source, form) is not None:
            return
    data = shrink(content, form)
    digest = hashlib.sha256(data).hexdigest() if data else ""
    if data:
        relay.renditions.write(digest, data)
    with relay.database.transaction() as session:
        if find(session, source, form) is None:
            session.add(
                Rendition(
                    source=source,
                    side=form.side,
                    max_bytes=form.max_bytes,
                    kind=form.kind,
                    digest=digest,
                    size=len(data),
                    made=clock.now(),
                )
            )
    log.info("file=%s from %d to %d bytes of %s", source[:12], len(content), len(data), form.kind)
