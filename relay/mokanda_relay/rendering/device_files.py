# SPDX-License-Identifier: Apache-2.0
"""The files that a device may name, or ask for: what it was sent, promised, or has sent itself.

Each is in an original that the relay keeps, or was made of a photo in one; a row here goes with
that original. So a file that is named to a device can be given to it as long as its mail is kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.relay import Relay
from mokanda_relay.rendering import readings
from mokanda_relay.store.blob_store import BlobNotFoundError
from mokanda_relay.store.tables import Content, Original
from mokanda_wire import bundle as wire
from mokanda_wire.message import Attachment


def held(session: Session, device_id: int, digests: Collection[str]) -> set[str]:
    """Which of these files the device holds, as far as is known."""
    if not digests:  # as of most mails
        return set()
    return set(
        session.scalars(
            sa.select(Content.digest).where(
                Content.device_id == device_id,
                Content.held.is_(True),
                Content.digest.in_(list(digests)),
            )
        )
    )


def fetch(relay: Relay, session: Session, device_id: int, digest: str) -> bytes | None:
    """A file that the device may have; None if there is none of this digest, or no longer.

    Raises:
        NotReadyError: the mail that it is in is not read yet.
    """
    row = session.get(Content, (device_id, digest))
    if row is None:
        return None
    try:
        if row.rendition:
            return relay.renditions.read(digest)
        return readings.content(relay, row.mail, digest)
    except BlobNotFoundError:
        return None


def record_frozen(
    session: Session,
    device_id: int,
    sequence: int,
    mails: Iterable[tuple[str, wire.Mail]],
    carried: Mapping[str, bytes],
) -> None:
    """Remember what a down bundle brings and promises.

    Args:
        session: of the transaction that freezes it.
        device_id: whose it is.
        sequence: its number.
        mails: the digest of each mail's original, and the mail.
        carried: the contents that are in the bundle.
    """
    for mail, item in mails:
        for part in item.message.attachments:
            if part.original:
                _record(session, device_id, part.original, mail)
            if not part.held_back:
                made = bool(part.original)
                row = _record(session, device_id, part.digest, mail, rendition=made)
                if part.digest in carried and not row.held:
                    row.sequence = sequence
    session.flush()


def record_granted(session: Session, device_id: int, sequence: int, digest: str) -> None:
    """Remember that a down bundle brings a file that was asked for."""
    row = session.get(Content, (device_id, digest))
    if row is not None:
        row.sequence = sequence


def confirm(session: Session, device_id: int, sequence: int) -> None:
    """The device has applied this down bundle: it holds what that brought."""
    session.execute(
        sa.update(Content)
        .where(Content.device_id == device_id, Content.sequence == sequence)
        .values(held=True, sequence=None)
    )


def thaw(session: Session, device_id: int) -> None:
    """No bundle is on its way to the device any more, and its card may be another one."""
    session.execute(
        sa.update(Content).where(Content.device_id == device_id).values(held=False, sequence=None)
    )


def record_sent(
    session: Session, device_id: int, mail: str, attachments: Iterable[Attachment]
) -> None:
    """Remember that a mail of the device, kept among the originals, has these files."""
    if session.get(Original, mail) is not None:
        for part in attachments:
            _record(session, device_id, part.digest, mail).held = True
        session.flush()


def forget(session: Session, device_id: int, digest: str) -> None:
    """The device has told that it does not hold a file that it was taken to hold."""
    session.execute(
        sa.update(Content)
        .where(Content.device_id == device_id, Content.digest == digest)
        .values(held=False)
    )


def _record(
    session: Session, device_id: int, digest: str, mail: str, *, rendition: bool = False
) -> Content:
    """The row of a file, now of this mail: the last one that names it is kept longest."""
    row = session.get(Content, (device_id, digest))
    if row is None:
        row = Content(device_id=device_id, digest=digest, held=False)
        session.add(row)
    row.mail, row.rendition = mail, rendition
    return row
