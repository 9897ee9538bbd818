# SPDX-License-Identifier: Apache-2.0
"""Moving a relay, to another address or another key: and which devices have followed.

A move is announced, never taken back: what a device has noted it tries. To undo one is to announce
the place before, under the next number.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.relay import Relay
from mokanda_relay.store import clock
from mokanda_relay.store.tables import Device, Move, Upload
from mokanda_relay.sync import moves
from mokanda_wire import claimfile

MAX_ADDRESS = 300  # characters; devices take no longer one

FOLLOWED = "has followed"


class MoveError(Exception):
    """The relay cannot move so; the text says why."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The last move, and how far each device is, by name."""

    move: Move
    states: dict[str, str]

    @property
    def left(self) -> list[str]:
        """The devices that have not followed."""
        return [name for name, state in self.states.items() if state != FOLLOWED]


def progress(session: Session) -> Progress | None:
    """How far the last move is; None if the relay has never moved."""
    last = moves.newest(session)
    if last is None:
        return None
    devices = session.scalars(sa.select(Device).order_by(Device.name))
    return Progress(last, {device.name: _state(device, last) for device in devices})


def _state(device: Device, last: Move) -> str:
    if moves.reached(device) >= last.number:
        return FOLLOWED
    if device.fingerprint is None:
        return "not claimed; its claim file is of before"
    if device.noted >= last.number:
        return "knows of it, and has not come that way yet"
    if device.followed is None and device.last_contact is not None:
        return "its software cannot follow: update it"
    return "not yet"


def all_moves(session: Session) -> list[Move]:
    """All moves, the first of them where the relay was before."""
    return list(session.scalars(sa.select(Move).order_by(Move.number)))


def to_address(relay: Relay, session: Session, relay_url: str, certificate: str) -> Move:
    """The move to this address, not yet announced; `certificate` is in PEM, "" for authorities'.

    Raises:
        MoveError: there is no such address, or the relay is there already.
    """
    url = relay_url.rstrip("/")
    if len(url) > MAX_ADDRESS or not claimfile.is_address(url):
        raise MoveError(
            f"{relay_url!r} is no address for a relay; write it like https://relay.example.org:8443"
        )
    now = moves.newest(session) or _before(relay)
    if (now.relay, now.certificate) == (url, certificate):
        raise MoveError(f"devices look for this relay at {url} already")
    return _next(session, now, relay=url, certificate=certificate)


def to_new_key(relay: Relay, session: Session) -> Move:
    """The move to a key that does not exist yet, not yet announced.

    Raises:
        MoveError: it is not known where devices find this relay.
    """
    return _next(session, moves.newest(session) or _before(relay), fingerprint="")


def announce(relay: Relay, session: Session, move: Move) -> None:
    """Announce a move from now on to each device that says hello; make its key if need be."""
    if not move.fingerprint:
        # By its name, it is the same that a try before this one has made.
        move.fingerprint = relay.keyring.own_key(f"Mokanda relay, move {move.number}")
    if moves.newest(session) is None:
        session.add(_before(relay))
    session.add(move)


def undo(session: Session, *, public: bool = False) -> Move:
    """What undoes the last move, to be announced; authorities vouch for a `public` certificate.

    Raises:
        MoveError: there is none, or a device has followed it.
    """
    *_, before, last = [None, None, *all_moves(session)]
    if before is None or last is None:
        raise MoveError("this relay has not moved")
    followed = session.scalar(
        sa.select(Device.name).where(Device.followed >= last.number).order_by(Device.name).limit(1)
    )
    if followed is not None:
        raise MoveError(
            f"{followed} has followed to move {last.number} already; to go on, start another one:"
            f" the relay was at {before.relay} before"
        )
    if before.key_retired is not None:
        raise MoveError("the key before this one was retired")
    return _next(
        session,
        last,
        relay=before.relay,
        certificate="" if public else before.certificate,
        fingerprint=before.fingerprint,
    )


@dataclass(frozen=True, slots=True)
class Retirement:
    """Former keys that are to go, and why each of some devices would be cut off by that."""

    fingerprints: list[str]
    cut_off: dict[str, str]


def retirement(relay: Relay, session: Session) -> Retirement:
    """What it would mean to retire all keys but the last one."""
    made = all_moves(session)
    last = made[-1].fingerprint if made else relay.fingerprint
    former = [each.fingerprint for each in made if each.key_retired is None]
    retiring = [each for each in dict.fromkeys(former) if each != last]
    by_number = {each.number: each.fingerprint for each in made}
    cut_off = {}
    for device in session.scalars(sa.select(Device).order_by(Device.name)):
        known = max((each for each in by_number if each <= moves.reached(device)), default=0)
        if by_number.get(known) in retiring:
            cut_off[device.name] = _state(device, made[-1])
        elif retiring and session.get(Upload, device.id) is not None:
            cut_off[device.name] = "has a bundle under way, maybe sealed to a former key"
    return Retirement(retiring, cut_off)


def retire(relay: Relay, fingerprints: list[str]) -> None:
    """Delete the secret halves of former keys. Cut in the middle, it may be done again."""
    for fingerprint in fingerprints:
        relay.keyring.delete_secret_key(fingerprint)
    with relay.database.transaction() as session:
        session.execute(
            sa.update(Move)
            .where(Move.fingerprint.in_(fingerprints))
            .values(key_retired=clock.now())
        )


def _before(relay: Relay) -> Move:
    """Where the relay is by the settings: there claim files of before the first move lead."""
    if not relay.settings.url:
        raise MoveError("MOKANDA_RELAY_URL is not set: it says where devices find this relay now")
    return Move(
        number=0,
        at=clock.now(),
        relay=relay.settings.url,
        certificate=relay.certificate.read_text(),
        fingerprint=relay.fingerprint,
    )


def _next(
    session: Session,
    now: Move,
    *,
    relay: str | None = None,
    certificate: str | None = None,
    fingerprint: str | None = None,
) -> Move:
    """The move behind the one of now; what is None stays."""
    # A relay that was restored from a backup may have made moves that it does not know of.
    told = session.scalar(sa.select(sa.func.max(Device.noted)))
    return Move(
        number=max(now.number, told or 0) + 1,
        at=clock.now(),
        relay=now.relay if relay is None else relay,
        certificate=now.certificate if certificate is None else certificate,
        fingerprint=now.fingerprint if fingerprint is None else fingerprint,
    )
