# SPDX-License-Identifier: Apache-2.0
"""Which release a device is offered, and how a release comes to ever more of them.

A release is published to a channel. Devices of the channel `candidate` are offered it at once,
whichever channel that is; those of `stable` by a share that grows with time. A device's place in
that order is told by a hash of its name and the version, so that it is not the same village each
time that comes first. What devices tell of a release while it runs there, or after they have gone
back, stops it where too many have.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import logging
from collections.abc import Callable, Iterable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.relay import Relay
from mokanda_relay.store import alerts, releases
from mokanda_relay.store.tables import Device, Rollout, Trial
from mokanda_wire import protocol

STABLE, CANDIDATE = "stable", "candidate"
GROWING, HELD, WITHDRAWN = "growing", "held", "withdrawn"

SHARES = (10, 50, 100)  # percent, one after the other
STAGE = dt.timedelta(days=2)  # for each; twice that as long as nobody has told that it runs
ENOUGH_FAILURES = 3  # so many devices that went back hold a release,
_FAILING = 10  # where they are more than so many percent of those that have tried it
_MAX_REASONS, _MAX_REASON = 5, 100  # told in an alert; characters of each

log = logging.getLogger(__name__)


def offer(relay: Relay, session: Session, device: Device) -> protocol.Release | None:
    """The release for a device, unless it runs that; none that was added before what it runs."""
    try:
        added = releases.entries(relay.releases)
    except releases.ReleaseError as error:
        log.error("%s", error)  # mail goes on
        return None
    for entry in reversed(added):
        if entry.board != _board(device):
            continue
        if entry.version == device.version:
            return None
        rollout = session.get(Rollout, (entry.board, entry.version))
        if rollout is not None and _chooser(session, rollout)(device):
            return releases.offered(relay.releases, entry, device.version)
    return None


def begun(board: str, version: str, channel: str, share: int | None, now: dt.datetime) -> Rollout:
    """A release that begins to be offered to this `share` of devices, in percent, or the usual."""
    usual = SHARES[-1] if channel == CANDIDATE else SHARES[0]
    return Rollout(
        board=board,
        version=version,
        channel=channel,
        share=share or usual,
        since=now,
        state=GROWING,
        why="",
        forgiven=0,
    )


def reached(session: Session, rollout: Rollout) -> list[Device]:
    """The devices for which a release is now, whether they run it or not."""
    is_chosen = _chooser(session, rollout)
    return [
        device
        for device in session.scalars(sa.select(Device).order_by(Device.name))
        if _board(device) == rollout.board and is_chosen(device)
    ]


def record_running(session: Session, device: Device) -> None:
    """Note that a device, whose row is locked, runs what it says."""
    _record(session, device, _board(device), device.version, failed=False)


def record_failed(session: Session, device: Device, version: str, board: str, why: str) -> None:
    """Note that a device, whose row is locked, has given a version up; hold it if too many have.

    One that runs it by now tells of an earlier time.
    """
    if version != device.version:
        rollout = _record(session, device, board, version, failed=True, why=why)
        if rollout is not None:
            session.flush()
            _judge(session, rollout)


def trials(session: Session, board: str, version: str) -> list[tuple[str, Trial]]:
    """What became of a release, by the names of devices."""
    rows = session.execute(
        sa.select(Device.name, Trial)
        .join(Device, Trial.device_id == Device.id)
        .where(Trial.board == board, Trial.version == version)
        .order_by(Device.name)
    )
    return [(name, trial) for name, trial in rows]


def grow(session: Session, entries: Iterable[releases.Entry], now: dt.datetime) -> None:
    """Let releases come to more devices when it is time; `now` may be no later than it is.

    Of one that the database does not know, which is older than the folder then, nothing is
    presumed: it begins.
    """
    for entry in entries:
        rollout = session.get(Rollout, (entry.board, entry.version), with_for_update=True)
        if rollout is None:
            session.add(begun(entry.board, entry.version, STABLE, None, now))
        elif rollout.state == GROWING and rollout.share < SHARES[-1]:
            _grow(session, rollout, now)


def _grow(session: Session, rollout: Rollout, now: dt.datetime) -> None:
    rollout.since = min(rollout.since, now)  # a clock was ahead
    runs = any(not each.failed for _, each in trials(session, rollout.board, rollout.version))
    if now - rollout.since >= (STAGE if runs else 2 * STAGE):
        rollout.share = next(share for share in SHARES if share > rollout.share)
        rollout.since = now
        log.info("release board=%s version=%s share=%d", *_key(rollout), rollout.share)


def _judge(session: Session, rollout: Rollout) -> None:
    """Hold a release, whose row is locked, from which too many have gone back."""
    told = trials(session, *_key(rollout))
    failed = [(name, each.why) for name, each in told if each.failed]
    anew = len(failed) - rollout.forgiven
    if rollout.state != GROWING or anew < ENOUGH_FAILURES:
        return
    if len(failed) * 100 <= _FAILING * len(told):
        return
    reasons = "; ".join(
        f"{name}: {why[:_MAX_REASON].rstrip('.')}" for name, why in failed[:_MAX_REASONS]
    )
    rollout.state = HELD
    rollout.why = f"{len(failed)} of {len(told)} devices that tried it have given it up ({reasons})"
    text = f"version {rollout.version} for {rollout.board} is no longer offered: {rollout.why}"
    alerts.record(session, "release", text)


def _record(
    session: Session, device: Device, board: str, version: str, *, failed: bool, why: str = ""
) -> Rollout | None:
    """Note it of a release of this relay's, and return that one, locked if it was given up."""
    rollout = session.get(Rollout, (board, version), with_for_update=failed)
    if rollout is None:
        return None
    trial = session.get(Trial, (device.id, board, version))
    if trial is None:
        trial = Trial(device_id=device.id, board=board, version=version, failed=failed, why=why)
        session.add(trial)
    trial.failed, trial.why = failed, why
    return rollout


def _chooser(session: Session, rollout: Rollout) -> Callable[[Device], bool]:
    """What tells of devices of its board whether a release is now for them."""
    # All devices are asked for it, so that is done once, and where it matters.
    first_place = functools.cache(functools.partial(_first_place, session, rollout))

    def is_chosen(device: Device) -> bool:
        if device.pinned:
            return device.pinned == rollout.version and rollout.state != WITHDRAWN
        if rollout.state != GROWING:
            return False
        if device.channel == CANDIDATE:
            return True
        if rollout.channel != STABLE:
            return False
        place = _place(device.name, rollout.version)
        return place * 100 < rollout.share or place == first_place()

    return is_chosen


def _first_place(session: Session, rollout: Rollout) -> float:
    """That of the device which comes first: in a small fleet no share may reach any other."""
    devices = session.scalars(
        sa.select(Device).where(
            Device.channel == STABLE, Device.pinned == "", Device.last_contact.is_not(None)
        )
    )
    return min(
        (_place(each.name, rollout.version) for each in devices if _board(each) == rollout.board),
        default=1,
    )


def _place(name: str, version: str) -> float:
    """Where a device stands in the order for a version, from 0 to less than 1."""
    digest = hashlib.sha256(f"{name} {version}".encode()).digest()
    return int.from_bytes(digest[:4]) / 2**32


def _board(device: Device) -> str:
    return str(device.last_report().get("board", ""))


def _key(rollout: Rollout) -> tuple[str, str]:
    return rollout.board, rollout.version
