# SPDX-License-Identifier: Apache-2.0
"""The operator's devices: add, set up, renew the claim of, remove."""

from __future__ import annotations

import re

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.operator.claims import hash_code, new_code
from mokanda_relay.relay import Relay
from mokanda_relay.rendering import renditions
from mokanda_relay.store import clock
from mokanda_relay.store.tables import (
    Card,
    ContentRequest,
    Device,
    HistoryRow,
    Resident,
    RetiredKey,
    Upload,
)
from mokanda_relay.sync import cards, deduplication, moves
from mokanda_relay.sync.down import frozen
from mokanda_wire.address import AddressError, parse_address
from mokanda_wire.claimfile import ClaimFile

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class DeviceError(Exception):
    """What the operator asked for cannot be done; the text says why."""


def add(relay: Relay, name: str, domain: str, *, pinned: bool = True) -> ClaimFile:
    """Add a device and return its claim file.

    Args:
        relay: where to add it.
        name: lower-case letters, digits and hyphens; shown to the operator.
        domain: the village's mail domain, or "" for the name under the relay's own domain.
        pinned: whether devices see the relay's own certificate; not so behind a proxy.

    Raises:
        DeviceError: it cannot be added; the text says what to do.
    """
    if not _NAME.fullmatch(name):
        raise DeviceError(
            f"{name!r} is no name for a device: use lower-case letters, digits and hyphens"
        )
    if not domain and not relay.settings.domain:
        raise DeviceError("no mail domain: give --domain, or set MOKANDA_RELAY_DOMAIN")
    domain = domain or f"{name}.{relay.settings.domain}"
    try:
        _, _, domain = parse_address(f"somebody@{domain}").rpartition("@")
    except AddressError as error:
        raise DeviceError(f"{domain!r} is not a mail domain") from error
    code = new_code()
    with relay.database.transaction() as session:
        claim = _claim_file(relay, session, code, name, domain, pinned=pinned)
        for taken in session.scalars(
            sa.select(Device).where(sa.or_(Device.name == name, Device.domain == domain))
        ):
            raise DeviceError(
                f"there is a device {taken.name!r} with the domain {taken.domain} already;"
                " `device renew` makes a new claim file for it"
            )
        session.add(
            Device(
                name=name,
                domain=domain,
                added=clock.now(),
                claim_hash=hash_code(code),
                claim_move=_last_move(session),
            )
        )
    return claim


def renew(relay: Relay, name: str, *, pinned: bool = True) -> ClaimFile:
    """Make a new claim for a device whose card was lost or replaced; return its claim file.

    The old card is locked out at once and for ever, whatever claim it finds, and a backup that is
    restored does not let it in: each claim has a key of its own. Mail that the old card has not
    acknowledged is sent to the new one.

    Raises:
        DeviceError: there is no such device.
    """
    code = new_code()
    with relay.database.transaction() as session:
        device = find(session, name)
        claim = _claim_file(relay, session, code, name, device.domain, pinned=pinned)
        frozen.thaw(session, device)
        deduplication.allow_repeats(
            session, device.id, 0
        )  # the new card may be restored from a backup
        for table in (HistoryRow, Resident, Upload, ContentRequest, Card):
            session.execute(sa.delete(table).where(table.device_id == device.id))
        _retire_key(session, device)
        device.claim_hash, device.claimed = hash_code(code), None
        device.fingerprint = device.token_hash = device.secret = None
        device.claim_move, device.followed, device.noted = _last_move(session), None, 0
        device.hello_counter = device.up_applied = 0
        device.up_sha256 = ""
        device.down_frozen = device.down_confirmed = 0
        device.residents_known = False
    return claim


def remove(relay: Relay, name: str) -> None:
    """Forget a device but for its key, and all mail that waits for it or from it.

    Raises:
        DeviceError: there is no such device.
    """
    with relay.database.transaction() as session:
        device = find(session, name)
        _retire_key(session, device)
        session.execute(sa.delete(Device).where(Device.id == device.id))


def _retire_key(session: Session, device: Device) -> None:
    if device.fingerprint is not None:
        session.add(RetiredKey(fingerprint=device.fingerprint, device=device.name, at=clock.now()))


def set_limits(
    relay: Relay,
    name: str,
    *,
    photo_side: int | None = None,
    photo_bytes: int | None = None,
    file_bytes: int | None = None,
) -> Device:
    """Say how large photos (pixels a side, bytes) and other files to a device may be.

    None leaves one as it is. Returns the device, as it is now.

    Raises:
        DeviceError: there is no such device.
    """
    given = {"photo_side": photo_side, "photo_bytes": photo_bytes, "file_bytes": file_bytes}
    with relay.database.transaction() as session:
        device = find(session, name)
        changed = {limit: value for limit, value in given.items() if value is not None}
        for limit, value in changed.items():
            setattr(device, limit, value)
        if changed:
            renditions.prepare_anew(session, device.id)
    return device


def choose_card(relay: Relay, name: str, card: int) -> None:
    """Have this one of a device's cards served from now on, and no other.

    Raises:
        DeviceError: there is no such device, or it has no such card.
    """
    with relay.database.transaction() as session:
        if not cards.choose(session, find(session, name), card):
            raise DeviceError(
                f"{name} has no card {card}; `device cards {name}` shows which it has"
            )


def publish_dns(relay: Relay, name: str) -> str:
    """Have served in DNS what a device's domain needs for mail; return what is left to be done.

    Raises:
        DeviceError: there is no such device.
    """
    with relay.database.reading() as session:
        domain = find(session, name).domain
    return relay.dns.publish([relay.inbound.dns(domain), relay.transport.dns(domain)])


def find(session: Session, name: str) -> Device:
    """The device of this name, locked.

    Raises:
        DeviceError: there is none.
    """
    device = session.scalar(sa.select(Device).where(Device.name == name).with_for_update())
    if device is None:
        raise DeviceError(f"there is no device {name!r}; `device list` shows those that are")
    return device


def _last_move(session: Session) -> int:
    last = moves.newest(session)
    return last.number if last else 0


def _claim_file(
    relay: Relay, session: Session, code: str, name: str, domain: str, *, pinned: bool
) -> ClaimFile:
    """The claim file of a device: where the relay has moved last, else as the settings say."""
    here = moves.newest(session)
    if here is None and not relay.settings.url:
        raise DeviceError(
            "MOKANDA_RELAY_URL is not set: the claim file has to say where devices find this relay"
        )
    certificate = here.certificate if here else relay.certificate.read_text()
    return ClaimFile(
        relay=here.relay if here else relay.settings.url,
        code=code,
        device=name,
        domain=domain,
        relay_fingerprint=here.fingerprint if here else relay.fingerprint,
        certificate=certificate if pinned else "",
    )
