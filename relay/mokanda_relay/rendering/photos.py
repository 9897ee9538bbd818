# SPDX-License-Identifier: Apache-2.0
"""Photos made smaller for a village's phones, before a device asks for its mail.

Each picture is made once for all devices with the same policy. One that cannot be made smaller
(it is broken, or no photo at all) is a file like any other, and never keeps its mail from going.
"""

from __future__ import annotations

import hashlib
import logging
import subprocess
import sys
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.relay import Relay
from mokanda_relay.rendering import readings
from mokanda_relay.rendering.reading import Reading
from mokanda_relay.store import clock
from mokanda_relay.store.tables import Device, Incoming, Rendition

_TIMEOUT = 120.0  # seconds for one picture, on a machine with much to do

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Format:
    """What photos a device gets: at most so many pixels a side and bytes, "jpeg" or "webp"."""

    side: int
    max_bytes: int
    kind: str

    @classmethod
    def of(cls, device: Device) -> Format:
        """What this device gets; WebP once it has told that its phones take that."""
        kind = "webp" if device.last_report().get("webp") is True else "jpeg"
        return cls(device.photo_side, device.photo_bytes, kind)


def rendition(session: Session, digest: str, form: Format) -> Rendition | None:
    """What the photo of this digest has become; None if nobody has looked at it yet."""
    return session.get(Rendition, (digest, form.side, form.max_bytes, form.kind))


def prepare_anew(session: Session, device_id: int) -> None:
    """Have the photos of the device's waiting mail made to another policy."""
    session.execute(
        sa.update(Incoming)
        .where(Incoming.device_id == device_id, Incoming.sequence.is_(None))
        .values(prepared=False)
    )


def make_smaller(relay: Relay, mail: str, reading: Reading, form: Format) -> None:
    """Make the photos of a mail, by the digest of its original, what a device gets.

    Raises:
        NotReadyError: the mail is just read anew.
        BlobNotFoundError: its file is gone.
    """
    for digest, place in reading.places.items():
        if place.size > form.max_bytes and place.is_photo:
            content = readings.content(relay, mail, digest)
            if content is not None:
                _make(relay, digest, content, form)


def _make(relay: Relay, source: str, content: bytes, form: Format) -> None:
    with relay.database.reading() as session:
        if rendition(session, source, form) is not None:
            return
    data = shrink(content, form)
    digest = hashlib.sha256(data).hexdigest() if data else ""
    if data:
        relay.renditions.write(digest, data)
    with relay.database.transaction() as session:
        if rendition(session, source, form) is None:
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
    log.info("photo=%s from %d to %d bytes", source[:12], len(content), len(data))


def shrink(content: bytes, form: Format) -> bytes:
    """Make a photo smaller, in a process of its own; nothing where that cannot be done."""
    command = [sys.executable, "-m", "mokanda_relay.rendering.shrink"]
    try:
        done = subprocess.run(
            [*command, str(form.side), str(form.max_bytes), form.kind],
            input=content,
            capture_output=True,
            timeout=_TIMEOUT,
            check=True,
        )
    except subprocess.TimeoutExpired:
        log.warning("a picture took too long")
        return b""
    except subprocess.CalledProcessError as error:
        log.info("not made smaller: %s", error.stderr.decode(errors="replace") or error)
        return b""
    return done.stdout
