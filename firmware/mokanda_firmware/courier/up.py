# SPDX-License-Identifier: Apache-2.0
"""What goes up: mail that waits, who lives here, how the device is; frozen and sealed."""

import dataclasses
import hashlib
import logging
import os
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mokanda_firmware import paths, running
from mokanda_firmware.bus import status
from mokanda_firmware.courier import quarantine
from mokanda_firmware.courier.quota import Allowance
from mokanda_firmware.courier.selection import Choice
from mokanda_firmware.files import sync_folder
from mokanda_firmware.mailbox import sync
from mokanda_firmware.mailbox.costs import budget, usage
from mokanda_firmware.mailbox.people import sessions
from mokanda_firmware.mailbox.store.attachments import as_it_was
from mokanda_firmware.mailbox.store.database import Store
from mokanda_firmware.mailbox.sync import Outgoing, PendingUp
from mokanda_firmware.uplink.failures import CourierError
from mokanda_firmware.uplink.identity import Identity
from mokanda_wire.bundle import Bundle, BundleError, Encoded, Item, Mail, Report, Residents, encode
from mokanda_wire.envelope import Keyring

FULL = 512 * 1024  # bytes of mail in a bundle; a larger mail goes alone
LARGEST = 48 * 1024 * 1024  # bytes of one mail
REPORT_EVERY = timedelta(hours=20)

# Settings of the store that only this module uses: what the relay was last told, and when.
_RESIDENTS = "courier_residents"
_REPORTED = "courier_reported"
_BUDGETS = "courier_budgets"
_DAY = "courier_day"  # the last one of which the relay knows what it cost

_DAYS_TOLD = 40  # in one report

log = logging.getLogger(__name__)


class _UnfitError(Exception):
    """A mail is more than a bundle takes."""

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(reason)
        self.number = number


def freeze(
    store: Store, keyring: Keyring, identity: Identity, allowance: Allowance, *, whole: bool
) -> PendingUp | None:
    """The sealed bundle to send: the one that is frozen already, or a new one.

    A new one takes what may be spent today, the `whole` of it or half. None when there is nothing
    to say, or what there is has to wait.

    Raises:
        StoreError: the store is full or busy.
        CourierError: a mail cannot be sent.
    """
    state = sync.state(store)
    if state.up_pending is not None and state.up_pending.path.exists():
        return state.up_pending
    if state.up_pending is not None:
        sync.release_up(store, state.up_pending.sequence, "its file is gone")
    if allowance.is_spent:
        return None
    sequence = sync.state(store).up_sequence + 1
    most = quarantine.most(store)
    untold, apart = sync.untold_wishes(store), quarantine.wishes_apart(store)
    news = _news(store)
    choice = Choice(store, allowance, whole=whole)
    while True:
        mails = sync.waiting(store, FULL, choice.held)
        mails = (mails or sync.waiting(store, LARGEST, choice.held)[:1])[:most]
        alone = bool(mails) and most == 1
        wishes = untold
        if alone or apart:
            wishes = [] if mails or news else untold[:1]
        others = wishes if alone else [*news, *wishes]
        if not (mails or others):
            choice.note()
            return None
        try:
            encoded, costs = _encode(store, identity, sequence, mails, others)
        except _UnfitError as error:
            log.error("mail %d cannot be sent: %s", error.number, error)
            sync.set_aside(store, error.number, f"This mail cannot be sent. {error}")
            continue
        taken = [mail for mail in mails if mail.number in costs]
        if choice.accepts(taken, costs, len(encoded.data)):
            break
    choice.note()
    sealed = keyring.seal(
        encoded.data, identity.claim.relay_fingerprint, identity.outcome.fingerprint
    )
    digest = hashlib.sha256(sealed).hexdigest()
    path = paths.bundles() / f"up-{sequence}-{digest[:16]}"
    _write(path, sealed)
    pending = PendingUp(sequence, len(sealed), digest, path, encoded.record)
    sync.freeze_up(store, sequence, pending, [mail.message_id for mail in taken], wishes)
    for item in others:
        if isinstance(item, Residents):
            sync.set_setting(store, _RESIDENTS, list(item.names))
        elif isinstance(item, Report):
            sync.set_setting(store, _REPORTED, int(datetime.now(UTC).timestamp()))
            sync.set_setting(store, _BUDGETS, item.fields.get("budgets"))
            for day, *_ in item.fields.get("days", []):
                sync.set_setting(store, _DAY, day)
    log.info("frozen up=%d mails=%d size=%d", sequence, len(taken), len(sealed))
    return pending


def forget_what_was_told(store: Store) -> None:
    """Tell the relay again who lives here and how the device is: it may not have learned it."""
    sync.set_setting(store, _RESIDENTS, None)
    sync.set_setting(store, _REPORTED, 0)
    sync.set_setting(store, _DAY, "")


def _encode(
    store: Store,
    identity: Identity,
    sequence: int,
    mails: Sequence[Outgoing],
    others: Sequence[Item],
) -> tuple[Encoded, dict[int, int]]:
    """Encode as many of the mails, the first ones, as one bundle takes; tell what each costs."""
    history = sync.history(store)
    while True:
        contents: dict[str, bytes] = {}
        ordered = sorted(mails, key=lambda mail: mail.message.date)  # a reply after what it quotes
        letters = [_mail(store, mail, contents) for mail in ordered]
        now = datetime.now(UTC).replace(microsecond=0)
        device = identity.outcome.device
        bundle = Bundle(device, "up", sequence, now, (*others, *letters), contents)
        try:
            encoded = encode(bundle, history)
        except BundleError as error:
            if not mails:
                raise CourierError(str(error)) from error
            if len(mails) == 1:
                raise _UnfitError(mails[0].number, str(error)) from error
            mails = mails[: len(mails) // 2]
        else:
            costs = encoded.costs[len(others) :]
            return encoded, {mail.number: cost for mail, cost in zip(ordered, costs, strict=True)}


def _mail(store: Store, mail: Outgoing, contents: dict[str, bytes]) -> Mail:
    """Say what goes; a file that the relay holds is only named, whether it is here or not."""
    message = mail.message
    wholes = [as_it_was(part) for part in message.attachments]
    at_relay = sync.known_at_relay(store, (whole.digest for whole in wholes))
    kept = []
    for part, whole in zip(message.attachments, wholes, strict=True):
        here = store.attachments.here(part)
        if whole.digest in at_relay:
            kept.append(whole)
        elif here is not None:
            contents[here.digest] = store.attachments.path(here.digest).read_bytes()
            kept.append(here)
        else:
            log.error("attachment %s of a mail is lost; it goes without", part.digest)
    return Mail(mail.recipients, dataclasses.replace(message, attachments=tuple(kept)))


def _news(store: Store) -> list[Item]:
    """What the relay has not been told yet, or not for a day."""
    news: list[Item] = []
    names = sync.accounts(store)
    if names != sync.setting(store, _RESIDENTS, []):
        news.append(Residents(tuple(names)))
    reported = datetime.fromtimestamp(sync.setting(store, _REPORTED, 0), UTC)
    stale = abs(datetime.now(UTC) - reported) > REPORT_EVERY  # a clock may have been ahead
    if stale or _budgets(store) != sync.setting(store, _BUDGETS, None):
        news.append(Report(_report(store)))
    return news


def _report(store: Store) -> dict[str, Any]:
    modem, updates = status.read("modem"), status.read("updates")
    fields = {
        "version": running.version(),
        "board": running.board(),
        "free": shutil.disk_usage(paths.data()).free,
        "uptime": int(float(Path("/proc/uptime").read_text(encoding="ascii").split()[0])),
        "modem": modem.get("state"),
        "operator": modem.get("operator"),
        "signal": modem.get("signal"),
        "updates": updates.get("state"),
        "webp": True if sessions.phones_take_webp(store) else None,
        "budgets": _budgets(store),
        "days": _days(store),
    }
    return {name: value for name, value in fields.items() if value not in (None, "", [])}


def _budgets(store: Store) -> dict[str, Any] | None:
    """What the relay has to know to keep villagers within theirs; None if none has any."""
    everybody, own = budget.load(store).villager, budget.of_villagers(store)
    if everybody is None and not own:
        return None
    zone = sync.setting(store, "timezone", "")
    return {"villager": everybody, "villagers": own, "zone": zone}


def _days(store: Store) -> list[tuple[str, str, int, int, int]]:
    """What days have cost, from the last one that the relay knows of on: it went on after that."""
    since = usage.since(store, sync.setting(store, _DAY, ""), _DAYS_TOLD)
    return [(day, currency, used.up, used.down, used.money) for day, currency, used in since]


def _write(path: Path, data: bytes) -> None:
    """Write a file that a power cut does not take."""
    path.parent.mkdir(mode=0o770, parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(path.parent)
