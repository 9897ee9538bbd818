# SPDX-License-Identifier: Apache-2.0
"""Freezing a bundle for a device: gather, choose by cost, encode, seal, record.

Once frozen a bundle never changes, so a device can fetch it in as many pieces as its link breaks
into. Its file is durable before the row that names it and that takes the mails into it; a crash
between the two leaves a file that no row names, and the mails wait as before.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.relay import Relay
from mokanda_relay.rendering import device_files
from mokanda_relay.rendering.preparing import wait_for_news
from mokanda_relay.rendering.rendered_mails import RenderedMails
from mokanda_relay.store import alerts
from mokanda_relay.store.tables import ContentRequest, Device, DownBundle, Incoming, Notice
from mokanda_relay.sync import budgets, moves
from mokanda_relay.sync.budgets import Budget
from mokanda_relay.sync.down import blocked, stubs
from mokanda_relay.sync.down.draft import LostError
from mokanda_relay.sync.down.frozen import pending
from mokanda_relay.sync.down.packed import Packed, pack
from mokanda_relay.sync.down.plan import Plan
from mokanda_relay.sync.down.queue import gather
from mokanda_relay.sync.in_memory import BUNDLES
from mokanda_wire import bundle as wire
from mokanda_wire.limits import MIN_ROOM
from mokanda_wire.protocol import Sealed

log = logging.getLogger(__name__)


def offer(relay: Relay, device_id: int, room: int | None = None) -> Sealed | None:
    """The bundle that the device should fetch next, frozen now if need be; None for none.

    A new one has at most so many bytes as the device has `room` for; None is no limit.
    """
    while True:
        with relay.database.reading() as session:
            frozen = pending(session, device_id)
            if frozen is not None:
                return frozen
            if room is not None and room < MIN_ROOM:
                return None
            budget = budgets.of_device(session, session.get_one(Device, device_id), room)
        wait_for_news(relay, device_id)
        if not _freeze(relay, device_id, budget):  # else another session may have been first
            return None


def _freeze(relay: Relay, device_id: int, budget: Budget) -> bool:
    """Freeze what may go; tell whether there was anything."""
    with BUNDLES:
        return _freeze_one(relay, device_id, budget)


def _freeze_one(relay: Relay, device_id: int, budget: Budget) -> bool:
    with relay.database.reading() as session:
        queue = gather(session, device_id)
    plan, packed = _choose(relay, Plan.of(queue, budget.room), budget)
    if packed is None:
        with relay.database.transaction() as session:
            stubs.record_costs(session, device_id, plan.costs)
        return False
    sealed = _seal(relay, packed)
    _record(relay, packed, sealed)
    return True


def _choose(relay: Relay, plan: Plan, budget: Budget) -> tuple[Plan, Packed | None]:
    """Encode a plan, and again what is left of it, until all that is in it may go.

    Returns:
        The last plan, and its bundle if there is anything in it.
    """
    rendered = RenderedMails(relay, plan.queue.device)
    while plan:
        try:
            packed = pack(relay, plan, rendered)
        except LostError as error:  # the others go; so does this one, if its file comes back
            alerts.report_once(relay.database, "lost", str(error), plan.queue.device.id)
            plan = plan.without_lost(error.readers)
            continue
        if not packed.plan:  # photos are still being made smaller
            break
        affordable = _affordable(plan, packed, budget)
        if affordable is plan:
            return plan, packed
        plan = affordable
    return plan, None


def _affordable(plan: Plan, packed: Packed, budget: Budget) -> Plan:
    """The plan without what does not fit, or with stubs where there is room for them."""
    too_dear = budget.requests_over(packed.answers, sum(packed.costs.values()))
    if too_dear:
        return plan.without_requests(too_dear)
    over = budget.mails_over(packed.mails, packed.rest)
    if over and plan.stubs:
        return plan.with_half_the_stubs()
    if over:
        return plan.without_mails(over, packed.costs)
    if plan.stubs is None and (plan.held or plan.queue.heads):
        return plan.with_stubs(beside=len(packed.encoded.data))
    return plan


def _seal(relay: Relay, packed: Packed) -> Sealed:
    """Sign and encrypt a bundle, and write it durably."""
    device = packed.plan.queue.device
    assert device.fingerprint is not None
    with relay.database.reading() as session:
        key = moves.key_known_to(relay, session, device)
    data = relay.keyring.seal(packed.encoded.data, device.fingerprint, key)
    digest = hashlib.sha256(data)
    relay.bundles.write(digest.hexdigest(), data)
    return Sealed(packed.draft.bundle.sequence, len(data), digest.digest())


def _record(relay: Relay, packed: Packed, sealed: Sealed) -> None:
    """Take what is in a bundle out of the queue, and offer it.

    A later session of the device may have started the history over, or frozen a bundle of its
    own; then this one's file is left an orphan.
    """
    planned = packed.plan.queue.device
    with relay.database.transaction() as session:
        device = session.get(Device, planned.id, with_for_update=True)
        same = ("token_hash", "down_frozen")
        if device is None or any(getattr(device, each) != getattr(planned, each) for each in same):
            return
        device.down_frozen = sealed.sequence
        session.add(
            DownBundle(
                device_id=device.id,
                sequence=sealed.sequence,
                size=sealed.size,
                sha256=sealed.sha256.hex(),
                format=packed.encoded.format,
                record=packed.encoded.record,
            )
        )
        blocked.record(device, packed.draft.bundle.items, sealed.sequence)
        _take_out(session, packed, sealed.sequence)
        _record_names(session, packed)
        stubs.record_costs(session, device.id, packed.plan.costs)
        budgets.charge(session, device, _shares(packed))
    log.info(
        "frozen device=%s down=%d size=%d mails=%d notices=%d",
        *(planned.name, sealed.sequence, sealed.size),
        *(len(packed.plan.mails), len(packed.plan.notices)),
    )


def _take_out(session: Session, packed: Packed, sequence: int) -> None:
    """Record of all that waited in which bundle it goes."""
    plan = packed.plan
    mails = [entry.id for entries in plan.mails.values() for entry in entries]
    taken: list[tuple[type[Incoming | Notice | ContentRequest], Iterable[int]]] = [
        (Incoming, mails),
        (Notice, [notice.id for notice in plan.notices]),
        (ContentRequest, [request.id for request in plan.requests]),
    ]
    for table, ids in taken:
        session.execute(sa.update(table).where(table.id.in_(ids)).values(sequence=sequence))


def _record_names(session: Session, packed: Packed) -> None:
    """Remember by what names the device will ask for what the bundle brings or announces."""
    device_id, bundle = packed.plan.queue.device.id, packed.draft.bundle
    announced = (packed.plan.stubs or {}).values()
    tickets = packed.encoded.tickets
    stubs.record_sent(session, announced, tickets[: len(announced)], bundle.sequence)
    for mail, ticket in zip(packed.draft.mails, tickets[len(announced) :], strict=True):
        session.execute(
            sa.update(Incoming)
            .where(Incoming.id.in_([entry.id for entry in mail.readers]))
            .values(ticket=ticket)
        )
    mails = [(mail.digest, mail.item) for mail in packed.draft.mails]
    device_files.record_frozen(session, device_id, bundle.sequence, mails, bundle.contents)
    for item in bundle.items:
        if isinstance(item, wire.Grant):
            device_files.record_granted(session, device_id, bundle.sequence, item.digest)


def _shares(packed: Packed) -> dict[str, int]:
    """What each villager is charged with, by local part; the readers of a mail share its cost."""
    shares: dict[str, int] = {}
    for request, cost in packed.answers:
        if request.villager:
            shares[request.villager] = shares.get(request.villager, 0) + cost
    for entries, cost in packed.mails:
        for entry in entries:
            name = budgets.villager(entry)
            shares[name] = shares.get(name, 0) + cost // len(entries)
    return shares
