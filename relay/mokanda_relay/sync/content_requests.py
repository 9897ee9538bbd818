# SPDX-License-Identifier: Apache-2.0
"""What villagers ask of what the relay has kept back, and the answers (docs/wire.md)."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.relay import Relay
from mokanda_relay.rendering import device_files
from mokanda_relay.store.blob_store import BlobNotFoundError
from mokanda_relay.store.tables import ContentRequest, Device, Incoming
from mokanda_relay.transport import filters
from mokanda_wire import bundle as wire
from mokanda_wire.items import CONTENT_REQUEST_LETTERS, DONE, GONE, LARGE
from mokanda_wire.limits import MAX_FILE

_MAX_REQUESTS = 100  # that are looked at for one bundle


def record(session: Session, device_id: int, asked: wire.ContentRequest) -> None:
    """Record what is asked for, or that it is withdrawn; the device's row is locked."""
    if asked.kind == "mail" and _request_mail(session, device_id, asked):
        return
    if asked.kind == "blocked":
        domain = session.get_one(Device, device_id).domain
        filters.list_blocked(session, device_id, f"{asked.name}@{domain}")
    row = session.scalar(
        sa.select(ContentRequest).where(
            ContentRequest.device_id == device_id,
            ContentRequest.kind == asked.kind,
            ContentRequest.name == asked.name,
        )
    )
    if asked.withdrawn:
        if row is not None and row.sequence is None:
            session.delete(row)
    elif row is None:
        session.add(
            ContentRequest(
                device_id=device_id, kind=asked.kind, name=asked.name, villager=asked.who
            )
        )
    if asked.kind == "file" and not asked.who:
        device_files.forget(session, device_id, asked.name)
    session.flush()


def _request_mail(session: Session, device_id: int, asked: wire.ContentRequest) -> bool:
    """Let a mail go first whose stub went ahead; False if there is none."""
    entries = sa.and_(Incoming.device_id == device_id, Incoming.stub == asked.name)
    known = session.scalar(sa.select(Incoming.id).where(entries).limit(1))
    if not asked.name or known is None:
        return asked.withdrawn
    session.execute(sa.update(Incoming).where(entries).values(requested=not asked.withdrawn))
    return True


def waiting(session: Session, device_id: int) -> list[ContentRequest]:
    """The requests that no bundle answers yet, the oldest first."""
    return list(
        session.scalars(
            sa.select(ContentRequest)
            .where(
                ContentRequest.device_id == device_id,
                ContentRequest.sequence.is_(None),
                is_answerable(),
            )
            .order_by(ContentRequest.id)
            .limit(_MAX_REQUESTS)
        )
    )


def is_answerable() -> sa.ColumnElement[bool]:
    """Choose requests for which nothing has to be done first."""
    return sa.or_(ContentRequest.kind != "unsubscribe", ContentRequest.result != "")


def answer(
    relay: Relay, session: Session, request: ContentRequest
) -> tuple[wire.Grant | wire.Denial, dict[str, bytes]]:
    """What to say to a request; also returns the content that goes with it.

    Raises:
        NotReadyError: what is asked for is in a mail that is not read yet.
    """
    kinds: dict[str, wire.ContentRequestKind] = {each: each for each in CONTENT_REQUEST_LETTERS}
    kind = kinds[request.kind]
    if kind == "blocked":
        return wire.Denial(kind, request.name, DONE), {}
    if kind == "unsubscribe":
        return wire.Denial(kind, request.name, request.result), {}
    found = _find(relay, session, request)
    if found is None:
        return wire.Denial(kind, request.name, GONE), {}
    digest, content = found
    if len(content) > MAX_FILE:
        return wire.Denial(kind, request.name, LARGE), {}
    ticket = request.name if kind == "original" else ""
    return wire.Grant(digest, len(content), ticket), {digest: content}


def _find(relay: Relay, session: Session, request: ContentRequest) -> tuple[str, bytes] | None:
    """Digest and content of the file that is asked for; None if it is gone, or is none."""
    if request.kind == "file":
        content = device_files.fetch(relay, session, request.device_id, request.name)
        return None if content is None else (request.name, content)
    if request.kind == "mail" or not request.name:
        return None
    digest = session.scalar(
        sa.select(Incoming.digest)
        .where(Incoming.device_id == request.device_id, Incoming.ticket == request.name)
        .limit(1)
    )
    try:
        return None if digest is None else (digest, relay.originals.read(digest))
    except BlobNotFoundError:
        return None


def confirm(session: Session, device_id: int, sequence: int) -> None:
    """The device has the answers of this down bundle."""
    session.execute(
        sa.delete(ContentRequest).where(
            ContentRequest.device_id == device_id, ContentRequest.sequence == sequence
        )
    )


def thaw(session: Session, device_id: int) -> None:
    """No bundle is on its way to the device any more."""
    session.execute(
        sa.update(ContentRequest).where(ContentRequest.device_id == device_id).values(sequence=None)
    )
