# SPDX-License-Identifier: Apache-2.0
"""Mail to a device: frozen into numbered bundles, offered until they are acknowledged.

Once frozen a bundle never changes, so a device can fetch it in as many pieces as its link breaks
into. Its file is durable before the row that names it and that takes the mails into it; a crash
between the two leaves a file that no row names, and the mails wait as before.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.relay import Relay
from mokanda_relay.rendering import device_files
from mokanda_relay.rendering.attachment_policy import NotReadyError, fit, slim
from mokanda_relay.rendering.html_to_text import read_html
from mokanda_relay.store import alerts
from mokanda_relay.store.blob_store import BlobNotFoundError
from mokanda_relay.store.tables import (
    Device,
    DownBundle,
    Incoming,
    Notice,
    Original,
    Resident,
    Wish,
)
from mokanda_relay.sync import budgets, content_requests, history, stubs
from mokanda_relay.sync.budgets import Budget
from mokanda_relay.sync.stubs import Promises
from mokanda_wire import bundle as wire
from mokanda_wire.history import History
from mokanda_wire.limits import MIN_ROOM, SEAL, place_in_queue
from mokanda_wire.message import Attachment, Message, parse
from mokanda_wire.protocol import Sealed

FULL = 4 * 1024 * 1024  # bytes of raw mail after which a bundle takes no more
_DENSEST = 40  # times that mail may shrink on the way: more need not be tried
_MAX_NOTICES = 2000

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Load:
    """What goes into the next bundle: notices, and for each mail its queue entries."""

    device: Device
    log: History
    notices: list[Notice]
    mails: dict[str, list[Incoming]]  # by digest
    wishes: list[Wish]
    promises: Promises  # mails that wait, of which stubs go ahead

    def first_mails(self, count: int) -> _Load:
        """The same with fewer mails: the first, at least one."""
        kept = list(self.mails.items())[: max(count, 1)]
        return replace(self, mails=dict(kept))

    def __bool__(self) -> bool:
        return bool(self.notices or self.mails or self.wishes or self.promises)


@dataclass(frozen=True, slots=True)
class _Made:
    """A bundle, the wishes that it answers, and each mail in it: digest, queue entries, item."""

    bundle: wire.Bundle
    wishes: list[Wish]
    mails: list[tuple[str, list[Incoming], wire.Mail]]


class _LostError(Exception):
    """The file of a mail is not there, for which these readers wait."""

    def __init__(self, readers: Sequence[Incoming]) -> None:
        names = ", ".join(entry.recipient for entry in readers)
        super().__init__(f"the file of the mail {readers[0].digest} for {names} is not there")
        self.readers = readers


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
        if not _freeze(relay, device_id, budget):  # else another session may have been first
            return None


def pending(session: Session, device_id: int) -> Sealed | None:
    """The frozen bundle that the device should fetch next, if there is one."""
    row = session.scalar(
        sa.select(DownBundle)
        .where(DownBundle.device_id == device_id)
        .order_by(DownBundle.sequence)
        .limit(1)
    )
    return Sealed(row.sequence, row.size, bytes.fromhex(row.sha256)) if row else None


def waits(session: Session, device_id: int) -> bool:
    """Whether there is mail or news for the device that is in no bundle yet."""
    ours = _has_a_reader(session.get_one(Device, device_id))
    return any(
        session.scalar(
            sa.select(table.id)
            .where(table.device_id == device_id, table.sequence.is_(None), wanted)
            .limit(1)
        )
        is not None
        for table, wanted in ((Incoming, ours), (Notice, sa.true()), (Wish, sa.true()))
    )


def _has_a_reader(device: Device) -> sa.ColumnElement[bool]:
    """Choose mails for villagers whom the device has, as far as is known.

    Others may be known again after their card was restored from a backup.
    """
    if not device.residents_known:
        return sa.true()
    names = sa.select(Resident.name + f"@{device.domain}").where(Resident.device_id == device.id)
    return Incoming.recipient.in_(names)


def _next_load(
    session: Session,
    device_id: int,
    held: Container[int],
    later: Container[int],
    promised: Promises,
    room: int | None,
) -> _Load:
    """Choose what goes next: all notices, then mails, at least one; and wishes.

    Mails wished for come first, then small and old ones: each day that one waits makes it count
    for half its size, so that none waits for ever. A single mail that its reader may not be able to
    read (see unread) goes with nothing else.
    """
    device = session.get_one(Device, device_id)
    notices = session.scalars(
        sa.select(Notice)
        .where(Notice.device_id == device_id, Notice.sequence.is_(None))
        .order_by(Notice.id)
        .limit(_MAX_NOTICES)
    )
    rows = session.execute(
        sa.select(Incoming, Original.size)
        .join(Original, Incoming.digest == Original.digest)
        .where(Incoming.device_id == device_id, Incoming.sequence.is_(None), _has_a_reader(device))
    )
    now = alerts.now()
    waiting = [(entry, size) for entry, size in rows if entry.id not in held]
    waiting.sort(
        key=lambda row: (
            not row[0].wished,
            place_in_queue(row[1], now - row[0].received),
            row[0].received,
        )
    )
    full = FULL if room is None else min(FULL, room * _DENSEST)
    mails: dict[str, list[Incoming]] = {}
    total = 0
    for entry, size in waiting:
        if entry.digest not in mails:
            if mails and total + size > full:
                continue
            total += size
        mails.setdefault(entry.digest, []).append(entry)
    load = _Load(
        device,
        history.load(session, device_id),
        list(notices),
        mails,
        [each for each in content_requests.waiting(session, device_id) if each.id not in later],
        promised,
    )
    most = load.device.down_most
    if most == 1 and mails:
        load = replace(load, notices=[], wishes=[], promises={})
    return load.first_mails(most) if most else load


def _freeze(relay: Relay, device_id: int, budget: Budget) -> bool:
    """Freeze what may go; tell whether there was anything."""
    held, prices = _too_large(relay, device_id, budget.room)
    later: set[int] = set()
    lost: set[int] = set()
    promised: Promises | None = None
    while True:
        with relay.database.reading() as session:
            passed = held.keys() | lost
            load = _next_load(session, device_id, passed, later, promised or {}, budget.room)
        if not load and promised is None:
            promised = stubs.choose(held.values(), budget.room, 0)
            if promised:
                continue
        if not load:
            _note_costs(relay, device_id, prices)
            return False
        device = load.device
        assert device.fingerprint is not None
        sequence = device.down_frozen + 1
        try:
            load, made, encoded = _encode(relay, load, sequence, prices)
        except _LostError as error:  # the others go; so does this one, if its file comes back
            alerts.report_once(relay.database, "lost", str(error), device.id)
            lost |= {entry.id for entry in error.readers}
            held = {number: entry for number, entry in held.items() if number not in lost}
            promised = promised and stubs.choose(held.values(), budget.room, 0)
            continue
        if not load:  # photos are still being made smaller
            return False
        costs = _Costs(made, encoded)
        dear = budget.dear(costs.answers, sum(costs.mails.values()))
        if dear:
            later |= dear
            continue
        mails = [(entries, costs.mails[digest]) for digest, entries in load.mails.items()]
        over = budget.over(mails, len(encoded.data) - sum(costs.mails.values()))
        if over and promised:
            promised = stubs.first(promised, len(promised) // 2)
        elif over:
            held |= over
            prices |= {entry.digest: costs.mails[entry.digest] for entry in over.values()}
        elif promised is None and held:
            promised = stubs.choose(held.values(), budget.room, len(encoded.data))
        else:
            break
    sealed = relay.keyring.seal(encoded.data, device.fingerprint, relay.fingerprint)
    sha256 = hashlib.sha256(sealed).hexdigest()
    relay.bundles.write(sha256, sealed)
    with relay.database.transaction() as session:
        now = session.get(Device, device.id, with_for_update=True)
        # A later session of the device may have started the history over, or frozen a bundle
        # of its own; then this one's file is left an orphan.
        same = ("token_hash", "down_frozen")
        if now is None or any(getattr(now, each) != getattr(device, each) for each in same):
            return True
        now.down_frozen = sequence
        session.add(
            DownBundle(
                device_id=device.id,
                sequence=sequence,
                size=len(sealed),
                sha256=sha256,
                record=encoded.record,
            )
        )
        entries = [entry.id for entries in load.mails.values() for entry in entries]
        _take_along(session, Incoming, entries, sequence)
        _take_along(session, Notice, [notice.id for notice in load.notices], sequence)
        _take_along(session, Wish, [wish.id for wish in load.wishes], sequence)
        stubs.note(session, load.promises, encoded.tickets[: len(load.promises)], sequence)
        stubs.note_costs(session, device.id, prices)
        _note_what_goes(session, device.id, made, encoded.tickets[len(load.promises) :])
        budgets.charge(session, now, _shares(mails, costs.answers))
    log.info(
        "frozen device=%s down=%d size=%d mails=%d notices=%d",
        *(device.name, sequence, len(sealed), len(load.mails), len(load.notices)),
    )
    return True


class _Costs:
    """Bytes of a bundle: of each mail, by its digest, and of the answer to each wish."""

    def __init__(self, made: _Made, encoded: wire.Encoded) -> None:
        start = len(encoded.costs) - len(made.mails)
        answers = encoded.costs[start - len(made.wishes) : start]
        self.answers = list(zip(made.wishes, answers, strict=True))
        self.mails: dict[str, int] = {}
        for (digest, _, _), cost in zip(made.mails, encoded.costs[start:], strict=True):
            self.mails[digest] = self.mails.get(digest, 0) + cost


def _shares(
    mails: Iterable[tuple[Sequence[Incoming], int]], answers: Iterable[tuple[Wish, int]]
) -> dict[str, int]:
    """What each villager is charged with."""
    shares: dict[str, int] = {}
    for wish, cost in answers:
        if wish.who:
            shares[wish.who] = shares.get(wish.who, 0) + cost
    for entries, cost in mails:
        for entry in entries:
            name = budgets.villager(entry)
            shares[name] = shares.get(name, 0) + cost // len(entries)
    return shares


def _too_large(
    relay: Relay, device_id: int, room: int | None
) -> tuple[dict[int, Incoming], dict[str, int]]:
    """The queue entries whose mails were measured before and do not fit, and their prices."""
    if room is None:
        return {}, {}
    with relay.database.reading() as session:
        rows = session.scalars(
            sa.select(Incoming).where(
                Incoming.device_id == device_id,
                Incoming.sequence.is_(None),
                Incoming.cost > room - SEAL,
                _has_a_reader(session.get_one(Device, device_id)),
            )
        )
        held = {entry.id: entry for entry in rows}
    return held, {entry.digest: entry.cost or 0 for entry in held.values()}


def _note_costs(relay: Relay, device_id: int, prices: Mapping[str, int]) -> None:
    if prices:
        with relay.database.transaction() as session:
            stubs.note_costs(session, device_id, prices)


def _note_what_goes(session: Session, device_id: int, made: _Made, tickets: Sequence[str]) -> None:
    """Remember by what names the device will ask for what the bundle brings or promises."""
    sequence = made.bundle.sequence
    for (_, entries, _), ticket in zip(made.mails, tickets, strict=True):
        session.execute(
            sa.update(Incoming)
            .where(Incoming.id.in_([entry.id for entry in entries]))
            .values(ticket=ticket)
        )
    mails = [(digest, mail) for digest, _, mail in made.mails]
    device_files.note_frozen(session, device_id, sequence, mails, made.bundle.contents)
    for item in made.bundle.items:
        if isinstance(item, wire.Grant):
            device_files.note_granted(session, device_id, sequence, item.digest)


def _encode(
    relay: Relay, load: _Load, sequence: int, prices: Mapping[str, int]
) -> tuple[_Load, _Made, wire.Encoded]:
    """Encode a bundle that its reader will take, and say what got into it.

    It is read back as the device will read it: a mail that is too much for the format (it may
    have thousands of addresses or parts) must not hold up those behind it. It travels whole, as
    an attachment. A mail whose photos are still being made smaller is left out.
    """
    whole = frozenset[str]()
    while True:
        made = _make(relay, load, sequence, whole, prices)
        ready = {digest for digest, _, _ in made.mails}
        mails = {digest: entries for digest, entries in load.mails.items() if digest in ready}
        load = replace(load, mails=mails, wishes=made.wishes)
        try:
            encoded = wire.encode(made.bundle, load.log, load.device.down_caution)
            wire.decode(encoded.data, load.log)
        except wire.BundleError as error:
            if load.wishes:
                load = replace(load, wishes=load.wishes[: len(load.wishes) // 2])
                continue
            if whole or not load.mails:
                raise
            digests = list(load.mails)
            load = load.first_mails(len(digests) // 2)
            if len(digests) == 1:
                log.warning("mail=%s travels as an attachment: %s", digests[0][:12], error)
                whole = frozenset(digests)
        else:
            return load, made, encoded


def _make(
    relay: Relay, load: _Load, sequence: int, whole: Container[str], prices: Mapping[str, int]
) -> _Made:
    """Make a bundle; last in it are stubs, the answers to wishes, and the mails."""
    items: list[wire.Item] = [
        wire.Event(each.message_id, each.recipient, _kind(each.kind), each.at, each.reason)
        for each in load.notices
    ]
    items += [
        stubs.stub(_original(relay, entries), entries, prices.get(digest, 0))
        for digest, entries in load.promises.items()
    ]
    mails: list[tuple[str, list[Incoming], wire.Mail]] = []
    files: dict[str, bytes] = {}
    answered: list[Wish] = []
    with relay.database.reading() as session:
        for wish in load.wishes:
            answer, given = content_requests.answer(relay, session, wish)
            if answered and sum(map(len, (files | given).values())) > FULL:
                break
            answered.append(wish)
            items.append(answer)
            files |= given
        for digest, entries in load.mails.items():
            raw = _original(relay, entries)
            received = entries[0].received
            message, attached = slim(*parse(raw, received, read_html))
            if digest in whole:
                message, attached = _as_attachment(message, digest, raw)
            try:
                message, going = fit(relay, session, load.device, message, attached, received)
            except NotReadyError:
                continue
            files |= going
            for stub in dict.fromkeys(entry.stub for entry in entries):
                readers = [entry for entry in entries if entry.stub == stub]
                recipients = tuple(entry.recipient for entry in readers)
                mails.append((digest, readers, wire.Mail(recipients, message, stub)))
    mails.sort(key=lambda each: each[2].message.date)  # a reply after what it quotes
    items += [mail for _, _, mail in mails]
    name = load.device.name
    bundle = wire.Bundle(name, "down", sequence, alerts.now(), tuple(items), files)
    return _Made(bundle, answered, mails)


def _original(relay: Relay, readers: Sequence[Incoming]) -> bytes:
    try:
        return relay.originals.read(readers[0].digest)
    except BlobNotFoundError:
        raise _LostError(readers) from None


def _as_attachment(message: Message, digest: str, raw: bytes) -> tuple[Message, dict[str, bytes]]:
    return (
        Message(
            message_id=message.message_id,
            date=message.date,
            sender=message.sender,
            to=(),
            cc=(),
            subject=message.subject[:500],
            text="",
            attachments=(Attachment("message.eml", "message/rfc822", digest, len(raw)),),
        ),
        {digest: raw},
    )


def _kind(kind: str) -> wire.EventKind:
    kinds: dict[str, wire.EventKind] = {
        each: each for each in ("sent", "delivered", "bounced", "refused")
    }
    return kinds[kind]


def _take_along(
    session: Session,
    table: type[Incoming | Notice | Wish],
    ids: Iterable[int],
    sequence: int | None,
) -> None:
    session.execute(sa.update(table).where(table.id.in_(list(ids))).values(sequence=sequence))


def confirm(session: Session, device: Device, applied: int) -> list[str]:
    """The device, whose row is locked, has applied its down bundles up to `applied`.

    Returns:
        Names of files that nobody needs after this transaction.
    """
    done = list(
        session.scalars(
            sa.select(DownBundle)
            .where(DownBundle.device_id == device.id, DownBundle.sequence <= applied)
            .order_by(DownBundle.sequence)
        )
    )
    for row in done:
        history.append(session, device.id, row.record)
        device_files.confirm(session, device.id, row.sequence)
        content_requests.confirm(session, device.id, row.sequence)
        for table in (Incoming, Notice):
            carried = sa.and_(
                table.device_id == device.id,
                table.sequence == row.sequence,
                table.delivered.is_(None),
            )
            if table is Incoming:
                device.mails_in += session.scalar(sa.select(sa.func.count()).where(carried)) or 0
            session.execute(sa.update(table).where(carried).values(delivered=alerts.now()))
        session.delete(row)
    session.flush()
    if applied > device.down_frozen:
        alerts.record(
            session,
            "down",
            f"{device.name} has applied bundle {applied}, but this relay has made only"
            f" {device.down_frozen}: was it restored from a backup?",
            device.id,
        )
        device.down_frozen = applied
        # If it is the device, its claim was renewed, and what came before that may be lost to it.
        _let_wait_again(session, device, applied)
    device.down_confirmed = max(device.down_confirmed, applied)
    return [row.sha256 for row in done]


def is_lost(relay: Relay, session: Session, device_id: int) -> bool:
    """Whether the file of the bundle is gone that the device should fetch next."""
    frozen = pending(session, device_id)
    return frozen is not None and not relay.bundles.exists(frozen.sha256.hex())


def take_back(session: Session, device: Device, applied: int) -> None:
    """Let what came to the device after the bundle `applied` wait again, as far as it is kept.

    For a device, its row locked, whose card was restored from a backup; `thaw` is the other half.
    """
    # Before its claim was renewed, bundles had other numbers.
    _let_wait_again(session, device, applied, since=device.claimed or device.added)
    alerts.record(
        session,
        "down",
        f"{device.name} has applied bundles up to {applied}, and {device.down_confirmed} before:"
        " it was restored from a backup, and gets again what it has lost",
        device.id,
    )
    device.down_confirmed = applied
    session.flush()


def _let_wait_again(
    session: Session, device: Device, applied: int, since: dt.datetime | None = None
) -> None:
    for table in (Incoming, Notice):
        delivered = table.delivered.is_not(None) if since is None else table.delivered >= since
        session.execute(
            sa.update(table)
            .where(table.device_id == device.id, table.sequence > applied, delivered)
            .values(sequence=None, delivered=None)
        )


def thaw(session: Session, device: Device) -> list[str]:
    """Take back what is frozen and not acknowledged: its mails wait again, for another number.

    For a device, its row locked, that cannot read it: its history differs, or its key is gone.

    Returns:
        Names of files that nobody needs after this transaction.
    """
    rows = list(session.scalars(sa.select(DownBundle).where(DownBundle.device_id == device.id)))
    for row in rows:
        session.delete(row)
    device_files.thaw(session, device.id)
    content_requests.thaw(session, device.id)
    stubs.thaw(session, device.id, device.down_confirmed)
    for table in (Incoming, Notice):
        session.execute(
            sa.update(table)
            .where(
                table.device_id == device.id,
                table.sequence.is_not(None),
                table.delivered.is_(None),
            )
            .values(sequence=None)
        )
    session.flush()
    return [row.sha256 for row in rows]
