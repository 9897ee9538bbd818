# SPDX-License-Identifier: Apache-2.0
"""Photos made smaller for a village's phones: by a worker, before a device asks for its mail.

Each picture is made once for all devices with the same policy. One that cannot be made smaller
(it is broken, or no photo at all) is a file like any other, and never keeps its mail from going.
"""

from __future__ import annotations

import hashlib
import logging
import subprocess
import sys
import threading
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.relay import Relay
from mokanda_relay.store import clock
from mokanda_relay.store.blob_store import BlobNotFoundError
from mokanda_relay.store.tables import Device, Incoming, Rendition
from mokanda_wire.message import parse

_LOOK_AGAIN = 30.0  # seconds, at most: another process may have taken mail in
_TIMEOUT = 120.0  # seconds for one picture, on a machine with much to do
_BEGINNINGS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"BM")

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


def is_photo(content: bytes) -> bool:
    """Whether a file is a picture that phones show, whatever it is called."""
    webp = content[:4] == b"RIFF" and content[8:12] == b"WEBP"
    return webp or content.startswith(_BEGINNINGS)


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


class Preparer(threading.Thread):
    """Makes the photos of waiting mail smaller; any number may run."""

    def __init__(self, relay: Relay, stopping: threading.Event) -> None:
        """Run until `stopping` is set; a picture under way is finished."""
        super().__init__(name="photos", daemon=True)
        self._relay = relay
        self._stopping = stopping

    def run(self) -> None:
        """Work until told to stop."""
        bell = self._relay.incoming_bell
        while not self._stopping.is_set():
            rings = bell.rings()
            try:
                if prepare_one(self._relay):
                    continue
            except Exception:
                log.exception("preparing photos failed")
            bell.wait(rings, _LOOK_AGAIN)


def prepare_one(relay: Relay) -> bool:
    """Prepare the mail that waits longest; returns whether there was one."""
    with relay.database.reading() as session:
        entry = session.scalar(
            sa.select(Incoming)
            .where(Incoming.prepared.is_(False), Incoming.sequence.is_(None))
            .order_by(Incoming.id)
            .limit(1)
        )
        if entry is None:
            return False
        form = Format.of(session.get_one(Device, entry.device_id))
    try:
        _, contents = parse(relay.originals.read(entry.digest), entry.received)
    except BlobNotFoundError:
        log.error("mail=%s: its file is gone", entry.digest[:12])
        contents = {}
    for digest, content in contents.items():
        if len(content) > form.max_bytes and is_photo(content):
            _make(relay, digest, content, form)
    with relay.database.transaction() as session:
        session.execute(
            sa.update(Incoming)
            .where(Incoming.device_id == entry.device_id, Incoming.digest == entry.digest)
            .values(prepared=True)
        )
    return True


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
