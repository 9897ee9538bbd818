# SPDX-License-Identifier: Apache-2.0
"""Stubs: of a mail that has to wait, sender, subject and size go ahead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.store.tables import Incoming
from mokanda_wire import bundle as wire
from mokanda_wire.message import Message


def stub(message: Message, entries: Sequence[Incoming], cost: int) -> wire.Stub:
    """The stub of a mail that would take so many bytes."""
    head = message._replace(
        to=(),
        cc=(),
        subject=message.subject[:200],
        text="",
        html="",
        reply_to=(),
        attachments=(),
    )
    return wire.Stub(tuple(entry.recipient for entry in entries), head, cost)


def record_sent(
    session: Session, stubs: Iterable[Sequence[Incoming]], tickets: Iterable[str], sequence: int
) -> None:
    """Remember by what names the device will know the mails of which stubs went ahead."""
    for entries, ticket in zip(stubs, tickets, strict=True):
        session.execute(
            sa.update(Incoming)
            .where(Incoming.id.in_([entry.id for entry in entries]))
            .values(stub=ticket, stub_sequence=sequence)
        )


def record_costs(session: Session, device_id: int, costs: Mapping[str, int]) -> None:
    """Remember what mails that did not fit would have cost."""
    for digest, cost in costs.items():
        session.execute(
            sa.update(Incoming)
            .where(Incoming.device_id == device_id, Incoming.digest == digest)
            .values(cost=cost)
        )


def forget_unconfirmed(session: Session, device_id: int, confirmed: int) -> None:
    """Stubs in bundles after the last one `confirmed` have never arrived."""
    session.execute(
        sa.update(Incoming)
        .where(Incoming.device_id == device_id, Incoming.stub_sequence > confirmed)
        .values(stub="", stub_sequence=None)
    )
