# SPDX-License-Identifier: Apache-2.0
"""Stubs: of a mail that has to wait, sender, subject and size go ahead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.rendering.html_to_text import read_html
from mokanda_relay.store.tables import Incoming
from mokanda_wire import bundle as wire
from mokanda_wire.limits import SEAL
from mokanda_wire.message import parse

_SIZE = 200  # bytes of a bundle that a stub takes at most, but for long subjects

Promises = dict[str, list[Incoming]]  # by digest


def choose(held: Iterable[Incoming], room: int | None, size: int) -> Promises:
    """The mails held back of which stubs may go, in a bundle of `size` bytes without them."""
    promises: Promises = {}
    for entry in sorted(held, key=lambda entry: entry.received):
        if not entry.stub:
            promises.setdefault(entry.digest, []).append(entry)
    return promises if room is None else first(promises, (room - SEAL - size) // _SIZE)


def first(promises: Promises, count: int) -> Promises:
    """The same with at most so many."""
    return dict(list(promises.items())[: max(count, 0)])


def stub(raw: bytes, entries: Sequence[Incoming], cost: int) -> wire.Stub:
    """The stub of a mail that would take so many bytes."""
    message, _ = parse(raw, entries[0].received, read_html)
    message = replace(
        message,
        to=(),
        cc=(),
        subject=message.subject[:200],
        text="",
        html="",
        reply_to=(),
        attachments=(),
    )
    return wire.Stub(tuple(entry.recipient for entry in entries), message, cost)


def note(session: Session, promises: Promises, tickets: Iterable[str], sequence: int) -> None:
    """Remember by what names the device will know the mails that it was promised."""
    for entries, ticket in zip(promises.values(), tickets, strict=True):
        session.execute(
            sa.update(Incoming)
            .where(Incoming.id.in_([entry.id for entry in entries]))
            .values(stub=ticket, stub_sequence=sequence)
        )


def note_costs(session: Session, device_id: int, costs: Mapping[str, int]) -> None:
    """Remember what mails that did not fit would have cost."""
    for digest, cost in costs.items():
        session.execute(
            sa.update(Incoming)
            .where(Incoming.device_id == device_id, Incoming.digest == digest)
            .values(cost=cost)
        )


def thaw(session: Session, device_id: int, confirmed: int) -> None:
    """Stubs in bundles after the last one `confirmed` have never arrived."""
    session.execute(
        sa.update(Incoming)
        .where(Incoming.device_id == device_id, Incoming.stub_sequence > confirmed)
        .values(stub="", stub_sequence=None)
    )
