# SPDX-License-Identifier: Apache-2.0
"""The operator's releases: publish, widen, hold, go on, withdraw; and how they stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.operator.devices import find
from mokanda_relay.relay import Relay
from mokanda_relay.store import clock, releases
from mokanda_relay.store.releases import Entry, ReleaseError
from mokanda_relay.store.tables import Device, Rollout, Trial
from mokanda_relay.sync import rollout
from mokanda_relay.sync.rollout import GROWING, HELD, STABLE, WITHDRAWN

NONE = ""  # what a device is pinned to that is not


@dataclass(frozen=True, slots=True)
class Standing:
    """How a release stands: `offered_to` so many devices now; what became of it on which."""

    entry: Entry
    rollout: Rollout
    offered_to: int
    running: list[str]
    failed: list[tuple[str, Trial]]

    @property
    def says(self) -> str:
        """How far it is offered, in words."""
        if self.rollout.state != GROWING:
            return self.rollout.state
        if self.rollout.channel == STABLE:
            return f"{self.rollout.share} % of stable"
        return self.rollout.channel


def publish(
    relay: Relay,
    file: Path,
    version: str,
    board: str,
    deltas: Sequence[Path] = (),
    channel: str = STABLE,
    share: int | None = None,
) -> Entry:
    """Add a release and begin to offer it; one that was added before stands as it did.

    Raises:
        ReleaseError: it cannot be added.
    """
    releases.check_words(version, board)
    # First to whom: were the power to go now, it would be offered to no more than these.
    with relay.database.transaction() as session:
        if session.get(Rollout, (board, version)) is None:
            session.add(rollout.begun(board, version, channel, share, clock.now()))
    return releases.add(relay.releases, file, version, board, deltas)


def widen(relay: Relay, name: str, channel: str | None, share: int | None) -> None:
    """Offer a release to another channel, from its first share on, or to so many percent now.

    Raises:
        ReleaseError: there is no such release.
    """
    with relay.database.transaction() as session:
        found = _find(relay, session, name)
        if channel is not None and channel != found.channel:
            found.channel, found.since = channel, clock.now()
            found.share = rollout.SHARES[0] if channel == STABLE else rollout.SHARES[-1]
        if share is not None:
            found.share, found.since = share, clock.now()


def hold(relay: Relay, name: str) -> None:
    """Offer a release to nobody for the time being.

    Raises:
        ReleaseError: there is no such release.
    """
    _stop(relay, name, HELD)


def withdraw(relay: Relay, name: str) -> None:
    """Offer a release no more, not even to devices that are pinned to it.

    Raises:
        ReleaseError: there is no such release.
    """
    _stop(relay, name, WITHDRAWN)


def go_on(relay: Relay, name: str) -> None:
    """Offer a release again where it was held; what has failed by now holds it no more.

    Raises:
        ReleaseError: there is no such release.
    """
    with relay.database.transaction() as session:
        found = _find(relay, session, name)
        trials = rollout.trials(session, found.board, found.version)
        found.forgiven = sum(trial.failed for _, trial in trials)
        found.state, found.why, found.since = GROWING, "", clock.now()


def _stop(relay: Relay, name: str, state: str) -> None:
    with relay.database.transaction() as session:
        found = _find(relay, session, name)
        found.state, found.why = state, found.why or "by the operator"


def standings(relay: Relay, session: Session) -> Iterator[Standing]:
    """All releases, the last added first; raises ReleaseError where their list is damaged."""
    for entry in reversed(releases.entries(relay.releases)):
        yield _standing(session, entry)


def held(session: Session) -> list[Rollout]:
    """Releases that were held and of which the operator has not said what is to become."""
    return list(session.scalars(sa.select(Rollout).where(Rollout.state == HELD)))


def choose(relay: Relay, name: str, channel: str | None, version: str | None) -> Device:
    """Put a device into a channel, and pin it to a version (NONE: to none); None leaves it.

    Returns the device, as it is now.

    Raises:
        DeviceError: there is no such device.
        ReleaseError: that is no version.
    """
    with relay.database.transaction() as session:
        device = find(session, name)
        device.channel = device.channel if channel is None else channel
        if version is not None:
            if version != NONE:
                releases.check_words(version)
            device.pinned = version
    return device


def _standing(session: Session, entry: Entry) -> Standing:
    key = (entry.board, entry.version)
    found = session.get(Rollout, key) or rollout.begun(*key, STABLE, None, clock.now())
    trials = rollout.trials(session, *key)
    return Standing(
        entry,
        found,
        len(rollout.reached(session, found)),
        [name for name, trial in trials if not trial.failed],
        [(name, trial) for name, trial in trials if trial.failed],
    )


def _find(relay: Relay, session: Session, name: str) -> Rollout:
    """The release of this name, locked."""
    for entry in releases.entries(relay.releases):
        if entry.name == name:
            key = (entry.board, entry.version)
            found = session.get(Rollout, key, with_for_update=True)
            if found is None:  # the database is older than the folder
                found = rollout.begun(*key, STABLE, None, clock.now())
                session.add(found)
            return found
    raise ReleaseError(f"there is no release {name!r}; `release list` shows those that are")
