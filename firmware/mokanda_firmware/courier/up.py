# SPDX-License-Identifier: Apache-2.0
"""A bundle on its way up, from what waits to the sealed file that is offered until it is taken.

Gather what there is to say, choose what fits the day (each try is encoded to be priced), seal it,
record it: in this order, and once recorded it does not change.
"""

from __future__ import annotations

import dataclasses
import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from mokanda_firmware import paths
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.courier import news, quarantine
from mokanda_firmware.courier.quota import Quota
from mokanda_firmware.courier.selection import Selection
from mokanda_firmware.mailbox.store import at_relay
from mokanda_firmware.mailbox.store.attachments import as_it_was
from mokanda_firmware.mailbox.store.database import Store
from mokanda_firmware.mailbox.sync import outgoing
from mokanda_firmware.mailbox.sync.history import shared_history
from mokanda_firmware.mailbox.sync.outgoing import Outgoing
from mokanda_firmware.mailbox.sync.state import PendingUp, sync_state
from mokanda_firmware.mailbox.sync.up import freeze_up, release_up
from mokanda_firmware.uplink.failures import CourierError
from mokanda_firmware.uplink.identity import Identity
from mokanda_wire import durable, formats
from mokanda_wire.bisection import PRIMED, Bisection
from mokanda_wire.bundle import (
    BOARD,
    Bundle,
    BundleError,
    ContentRequest,
    Encoded,
    Item,
    Mail,
    encode,
)
from mokanda_wire.envelope import Keyring
from mokanda_wire.items import FIRST_KINDS

MAX_MAIL = 512 * 1024  # bytes of mail in a bundle; a larger mail goes alone
MAX_LONE_MAIL = 48 * 1024 * 1024  # bytes of one mail

log = logging.getLogger(__name__)


class Gathered(NamedTuple):
    """What there is to say beside mail, and how careful to be with all of it."""

    news: tuple[Item, ...]
    requests: tuple[ContentRequest, ...]
    bisection: Bisection


@dataclass(frozen=True, slots=True)
class Plan:
    """What one bundle is to carry, the number that it gets, and with what caution it is encoded."""

    sequence: int
    caution: int = PRIMED
    news: tuple[Item, ...] = ()
    requests: tuple[ContentRequest, ...] = ()
    mails: tuple[Outgoing, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.news or self.requests or self.mails)

    def with_mails(self, count: int) -> Plan:
        """The same with fewer mails: the first."""
        return dataclasses.replace(self, mails=self.mails[:count])


class Priced(NamedTuple):
    """A plan that was encoded, and what each of its mails costs, by number."""

    plan: Plan
    encoded: Encoded
    costs: Mapping[int, int]


class _UnfitError(Exception):
    """A mail is more than a bundle takes."""

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(reason)
        self.number = number


def freeze(
    store: Store, keyring: Keyring, identity: Identity, quota: Quota, *, whole: bool
) -> PendingUp | None:
    """The sealed bundle to send: the one that is frozen already, or a new one.

    A new one takes what may be spent today, the `whole` of it or half. None when there is nothing
    to say, or what there is has to wait.

    Raises:
        StoreError: the store is full or busy.
        CourierError: a mail cannot be sent.
    """
    frozen = _frozen(store)
    if frozen is not None or quota.is_spent:
        return frozen
    selection = Selection.of_day(store, quota, whole=whole)
    priced, selection = _choose(store, identity, _gather(store), selection)
    selection.record(store)
    if priced is None:
        return None
    pending = _seal(keyring, identity, priced)
    _record(store, pending, priced.plan)
    return pending


def _frozen(store: Store) -> PendingUp | None:
    """The bundle that is on its way already; one whose file is gone is released."""
    pending = sync_state(store).up_pending
    if pending is not None and not pending.path.exists():
        release_up(store, pending.sequence, "its file is gone")
        return None
    return pending


def _gather(store: Store) -> Gathered:
    is_old = sync_state(store).relay_format < formats.EXTENSIBLE
    requests = tuple(
        each for each in outgoing.unsent_requests(store) if each.kind in FIRST_KINDS or not is_old
    )
    others = bool(requests) or outgoing.count_waiting(store) > 0
    return Gathered(news.gather(store, beside=others), requests, quarantine.state(store))


def _choose(
    store: Store, identity: Identity, gathered: Gathered, selection: Selection
) -> tuple[Priced | None, Selection]:
    """Encode plans until one fits; each that does not holds some mail back or sets one aside."""
    while plan := _plan(store, gathered, selection):
        try:
            priced = _price(store, identity, plan)
        except _UnfitError as error:
            log.error("mail %d cannot be sent: %s", error.number, error)
            outgoing.give_up(store, error.number, f"This mail cannot be sent. {error}")
            continue
        selection = selection.priced(priced.plan.mails, priced.costs, len(priced.encoded.data))
        if selection.admits(priced.plan.mails):
            return priced, selection
    return None, selection


def _plan(store: Store, gathered: Gathered, selection: Selection) -> Plan:
    """The first mails of the queue that are not held back, and what goes beside them.

    Who lives here goes before their mail; where the relay refuses something, all is one queue.
    """
    mails = outgoing.waiting(store, MAX_MAIL, selection.held)
    mails = mails or outgoing.waiting(store, MAX_LONE_MAIL, selection.held)[:1]
    told, requests, bisection = gathered.news, gathered.requests, gathered.bisection
    left = bisection.limit(len(told) + len(mails) + len(requests))
    told = told[:left]
    mails = mails[: left - len(told)]
    requests = requests[: left - len(told) - len(mails)]
    sequence = sync_state(store).up_sequence + 1
    return Plan(sequence, bisection.caution, told, requests, tuple(mails))


def _price(store: Store, identity: Identity, plan: Plan) -> Priced:
    """Encode as many of the mails, the first ones, as one bundle takes."""
    history = shared_history(store)
    bundle_format = formats.common(sync_state(store).relay_format)
    while True:
        ordered = sorted(plan.mails, key=lambda mail: mail.message.date)  # replies after originals
        others = (*plan.news, *plan.requests)
        try:
            bundle = _bundle(store, identity, plan.sequence, others, ordered)
            encoded = encode(bundle, history, bundle_format=bundle_format, caution=plan.caution)
        except BundleError as error:
            if not plan.mails:
                why = Sentence("What was to leave could not be packed ({why}).", why=str(error))
                raise CourierError(why) from error
            if len(plan.mails) == 1:
                raise _UnfitError(plan.mails[0].number, str(error)) from error
            plan = plan.with_mails(len(plan.mails) // 2)
        else:
            costs = zip(ordered, encoded.costs[len(others) :], strict=True)
            return Priced(plan, encoded, {mail.number: cost for mail, cost in costs})


def _bundle(
    store: Store, identity: Identity, sequence: int, others: Sequence[Item], mails: list[Outgoing]
) -> Bundle:
    """Put a bundle together; BundleError before more is read than it takes."""
    parts = [part for mail in mails for part in mail.message.attachments]
    if sum(part.size for part in parts) > BOARD.files:
        raise BundleError("There is too much in the bundle: files.")
    contents: dict[str, bytes] = {}
    letters = [_mail(store, mail, contents) for mail in mails]
    now = datetime.now(UTC).replace(microsecond=0)
    device = identity.outcome.device
    return Bundle(device, "up", sequence, now, (*others, *letters), contents)


def _mail(store: Store, mail: Outgoing, contents: dict[str, bytes]) -> Mail:
    """Say what goes; a file that the relay holds is only named, whether it is here or not."""
    message = mail.message
    wholes = [as_it_was(part) for part in message.attachments]
    held = at_relay.known(store, (whole.digest for whole in wholes))
    kept = []
    for part, whole in zip(message.attachments, wholes, strict=True):
        here = store.attachments.here(part)
        if whole.digest in held:
            kept.append(whole)
        elif here is not None:
            contents[here.digest] = store.attachments.path(here.digest).read_bytes()
            kept.append(here)
        else:
            log.error("attachment %s of a mail is lost; it goes without", part.digest)
    return Mail(mail.recipients, message._replace(attachments=tuple(kept)))


def _seal(keyring: Keyring, identity: Identity, priced: Priced) -> PendingUp:
    """Sign and encrypt a bundle, into a file that a power cut does not take."""
    encoded, sequence = priced.encoded, priced.plan.sequence
    sealed = keyring.seal(encoded.data, identity.place.fingerprint, identity.outcome.fingerprint)
    digest = hashlib.sha256(sealed).hexdigest()
    path = paths.bundles() / f"up-{sequence}-{digest[:16]}"
    path.parent.mkdir(mode=0o770, parents=True, exist_ok=True)
    durable.write(path, sealed)
    return PendingUp(sequence, len(sealed), digest, path, encoded.record, encoded.format)


def _record(store: Store, pending: PendingUp, plan: Plan) -> None:
    """Bind what goes to the sealed bundle: from now on it is this one or none."""
    mails = [mail.message_id for mail in plan.mails]
    freeze_up(store, pending.sequence, pending, mails, plan.requests)
    news.record(store, plan.news, pending.sha256)
    log.info("frozen up=%d mails=%d size=%d", pending.sequence, len(mails), pending.size)
