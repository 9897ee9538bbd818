# SPDX-License-Identifier: Apache-2.0
"""What villagers ask of what the relay has kept back, and the answers (docs/wire.md)."""

from __future__ import annotations

from contextlib import suppress

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.relay import Relay
from mokanda_relay.rendering import device_files
from mokanda_relay.store.blob_store import BlobNotFoundError
from mokanda_relay.store.tables import Incoming, Wish
from mokanda_wire import bundle as wire
from mokanda_wire.limits import MAX_FILE

_MOST = 100  # wishes that are looked at for one bundle


def record(session: Session, device_id: int, wish: wire.Wish) -> None:
    """Note a wish, or that it is taken back; the device's row is locked."""
    if wish.kind == "mail" and _wish_for_mail(session, device_id, wish):
        return
    row = session.scalar(
        sa.select(Wish).where(
            Wish.device_id == device_id, Wish.kind == wish.kind, Wish.name == wish.name
        )
    )
    if wish.withdrawn:
        if row is not None and row.sequence is None:
            session.delete(row)
    elif row is None:
        session.add(Wish(device_id=device_id, kind=wish.kind, name=wish.name, who=wish.who))
    if wish.kind == "file" and not wish.who:
        device_files.forget(session, device_id, wish.name)
    session.flush()


def _wish_for_mail(session: Session, device_id: int, wish: wire.Wish) -> bool:
    """Let a mail go whose stub went ahead; False if there is none."""
    entries = sa.and_(Incoming.device_id == device_id, Incoming.stub == wish.name)
    known = session.scalar(sa.select(Incoming.id).where(entries).limit(1))
    if not wish.name or known is None:
        return wish.withdrawn
    session.execute(sa.update(Incoming).where(entries).values(wished=not wish.withdrawn))
    return True


def waiting(session: Session, device_id: int) -> list[Wish]:
    """The wishes that no bundle answers yet, the oldest first."""
    return list(
        session.scalars(
            sa.select(Wish)
            .where(Wish.device_id == device_id, Wish.sequence.is_(None))
            .order_by(Wish.id)
            .limit(_MOST)
        )
    )


def answer(
    relay: Relay, session: Session, wish: Wish
) -> tuple[wire.Grant | wire.Denial, dict[str, bytes]]:
    """What to say to a wish; also returns the content that goes with it."""
    kind = _kind(wish.kind)
    content, digest = None, wish.name
    if kind == "file":
        content = device_files.fetch(relay, session, wish.device_id, digest)
    elif kind == "original":
        entry = session.scalar(
            sa.select(Incoming)
            .where(Incoming.device_id == wish.device_id, Incoming.ticket == wish.name)
            .limit(1)
        )
        if entry is not None and wish.name:
            digest = entry.digest
            with suppress(BlobNotFoundError):
                content = relay.originals.read(digest)
    if content is None:
        return wire.Denial(kind, wish.name, "gone"), {}
    if len(content) > MAX_FILE:
        return wire.Denial(kind, wish.name, "large"), {}
    ticket = wish.name if kind == "original" else ""
    return wire.Grant(digest, len(content), ticket), {digest: content}


def confirm(session: Session, device_id: int, sequence: int) -> None:
    """The device has the answers of this down bundle."""
    session.execute(sa.delete(Wish).where(Wish.device_id == device_id, Wish.sequence == sequence))


def thaw(session: Session, device_id: int) -> None:
    """No bundle is on its way to the device any more."""
    session.execute(sa.update(Wish).where(Wish.device_id == device_id).values(sequence=None))


def _kind(kind: str) -> wire.WishKind:
    kinds: dict[str, wire.WishKind] = {each: each for each in ("file", "mail", "original")}
    return kinds[kind]
