# SPDX-License-Identifier: Apache-2.0
"""Hello, with which a session begins: who it is, what was open before, what comes now."""

from __future__ import annotations

import datetime as dt
import logging
import secrets
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.relay import Relay
from mokanda_relay.store import alerts, clock
from mokanda_relay.store.tables import Device, Upload
from mokanda_relay.sync import cards, history, moves, quarantine, rollout
from mokanda_relay.sync.down import freeze, frozen
from mokanda_relay.sync.refusals import RefusedError
from mokanda_relay.sync.session import Answer, confirm, hash_of, more, record_sync
from mokanda_relay.sync.up.announced import announce, bytes_here
from mokanda_relay.sync.up.apply import apply_known
from mokanda_wire import formats, protocol
from mokanda_wire.envelope import EnvelopeError

_TOLD_EVERY = dt.timedelta(hours=1)
_OUTDATED = "is too old for its relay. Write a new card for it, or update it from a USB stick."
_UNKNOWN = "The relay knows no device of this name and key."
_COPIED = "Another card of the same device is served. The relay's operator chooses between them."

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Credentials:
    """What authenticates the session: its token, and if the hello was signed a new secret."""

    token: str
    secret: bytes | None


@dataclass(frozen=True, slots=True)
class _Settled:
    """Where device and relay stand once all is settled that was open before the session.

    Attributes:
        upload: the bundle that the device is going to upload.
        frozen: the bundle that waits for it.
        agrees: whether the histories do.
        restored: whether its card was restored from a backup.
        card: by what the card is known from now on, and when a copy of it has called.
    """

    device: Device
    upload: Upload | None
    frozen: protocol.Sealed | None
    agrees: bool
    restored: bool
    card: cards.Served


def hello(
    relay: Relay, name: str, body: bytes, room: int | None = None, *, address: str = ""
) -> Answer:
    """Begin a session, by a hello that is signed, or (with an empty `name`) has a tag.

    The reply is authenticated as the hello was. With `room` for so many bytes of bundles only, a
    new bundle has no more. It comes from the network `address`, by which operators tell cards.

    Raises:
        RefusedError: it is not from the device, was said before, or announces what is not taken.
        ProtocolError: it is not a hello.
    """
    signed = bool(name)
    device, said = _signed(relay, name, body) if signed else _tagged(relay, body)
    _refuse_outdated(relay, device, said)
    # The token is for one session, whose every cut pays for it.
    given = _Credentials(secrets.token_urlsafe(9), secrets.token_bytes(32) if signed else None)
    settled = _settle(relay, device.id, said, given, address)
    key = _own_key(relay, settled.device)
    down = _next_down(relay, settled, room)
    log.info(
        "hello device=%s applied_down=%d up=%s down=%s",
        *(device.name, said.applied_down),
        *(settled.upload and settled.upload.sequence, down and down.sequence),
    )
    reply = _reply(relay, settled, said, given, down, room)
    message = _authenticated(relay, settled, reply, given, key)
    return Answer(device.id, message, down if settled.upload is None else None)


def signed(relay: Relay, name: str, body: bytes) -> tuple[Device, bytes]:
    """Return the device of this name, and what it has signed.

    Raises:
        RefusedError: there is none, or it is not the one that has signed.
    """
    with relay.database.reading() as session:
        device = session.scalar(sa.select(Device).where(Device.name == name))
    if device is None or device.fingerprint is None:
        raise RefusedError(protocol.DEVICE_UNKNOWN, _UNKNOWN)
    try:
        return device, relay.keyring.verify(body, device.fingerprint)
    except EnvelopeError as error:
        log.warning("a hello for %s: %s", name, error)
        text = f"somebody who does not have its key calls as {name}"
        alerts.report_seldom(relay.database, _TOLD_EVERY, "hello", text, device.id)
        raise RefusedError(protocol.DEVICE_UNKNOWN, _UNKNOWN) from error


def _signed(relay: Relay, name: str, body: bytes) -> tuple[Device, protocol.Hello]:
    device, message = signed(relay, name, body)
    said = protocol.load(protocol.Hello, message)
    if said.device != name:
        raise RefusedError(protocol.MALFORMED, "The hello is another device's.")
    return device, said


def _tagged(relay: Relay, body: bytes) -> tuple[Device, protocol.Hello]:
    said = protocol.load(protocol.Hello, body[: -protocol.TAG])
    with relay.database.reading() as session:
        device = session.scalar(sa.select(Device).where(Device.name == said.device))
    if device is None or device.secret is None:
        raise RefusedError(protocol.DEVICE_UNKNOWN, _UNKNOWN)
    try:
        protocol.authentic(body, device.secret, protocol.HELLO_LABEL)
    except protocol.ProtocolError as error:
        # Not worth the operator's time: it then says a signed one.
        raise RefusedError(protocol.DEVICE_UNKNOWN, _UNKNOWN) from error
    return device, said


def _refuse_outdated(relay: Relay, device: Device, said: protocol.Hello) -> None:
    if formats.is_too_old(formats.announced(said.format)):
        alerts.report(relay.database, "version", f"{device.name} {_OUTDATED}", device.id)
        raise RefusedError(protocol.TOO_OLD, f"This device {_OUTDATED}")


def _settle(
    relay: Relay, device_id: int, said: protocol.Hello, given: _Credentials, address: str
) -> _Settled:
    """Begin the session, and settle what was open before, in one transaction."""
    with relay.database.transaction() as session:
        device = session.get_one(Device, device_id, with_for_update=True)
        _count(device, said)
        card = cards.greet(session, device, said, address)
        found = None if card is None else _settle_with(relay, session, device, said, card, given)
    if found is None:
        raise RefusedError(protocol.CARD_COPIED, _COPIED)
    settled, needless = found
    for name in needless:
        relay.bundles.delete(name)
    return settled


def _settle_with(
    relay: Relay,
    session: Session,
    device: Device,
    said: protocol.Hello,
    card: cards.Served,
    given: _Credentials,
) -> tuple[_Settled, list[str]]:
    """Do so; also return names of files that nobody needs after this transaction."""
    _begin(device, said, given)
    rollout.record_running(session, device)
    needless = confirm(session, device, said.applied_down)
    restored = said.applied_down < device.down_confirmed
    if restored:
        frozen.take_back(session, device, said.applied_down)
    if said.unread is not None:
        needless += quarantine.refused(session, device, said.unread)
    agrees = not restored and history.load(session, device.id).holds(said.history)
    if not agrees:
        log.info("history starts over device=%s", device.name)
        history.restart(session, device.id)
    if _cannot_be_read(relay, session, device) or not agrees:
        needless += frozen.thaw(session, device)
    apply_known(session, device)
    restored = not announce(session, device, said.up) or restored
    session.flush()
    upload, pending = session.get(Upload, device.id), frozen.pending(session, device.id)
    return _Settled(device, upload, pending, agrees, restored, card), needless


def _count(device: Device, said: protocol.Hello) -> None:
    """Take no hello twice from the device, whose row is locked."""
    if said.counter <= device.hello_counter:
        raise RefusedError(
            protocol.COUNTER_STALE, "This hello was said before.", counter=device.hello_counter
        )
    device.hello_counter = said.counter


def _begin(device: Device, said: protocol.Hello, given: _Credentials) -> None:
    """Note that the device, whose row is locked, is here; the session before this one is over."""
    device.token_hash = hash_of(given.token)
    device.secret = given.secret or device.secret
    device.version = said.version[:100]
    device.format = formats.announced(said.format)
    device.followed, device.noted = said.move, max(said.move or 0, said.noted or 0)
    device.last_contact = clock.now()


def _cannot_be_read(relay: Relay, session: Session, device: Device) -> bool:
    """Whether what is frozen for the device is gone, or too new for it."""
    lost = frozen.is_lost(relay, session, device.id)
    if lost:
        log.error("the file of a bundle is gone device=%s", device.name)
    return lost or frozen.is_too_new(session, device)


def _next_down(relay: Relay, settled: _Settled, room: int | None) -> protocol.Sealed | None:
    """The bundle for the device to fetch, frozen now if none is.

    With an upload to come, the next bundle is frozen after it: it then tells what became of it.
    Nor is one for a card that was restored: that first tells whom it still knows.
    """
    if settled.frozen is not None or settled.upload is not None or settled.restored:
        return settled.frozen
    down = freeze.offer(relay, settled.device.id, room)
    if down is None:
        record_sync(relay, settled.device.id)
    return down


def _reply(
    relay: Relay,
    settled: _Settled,
    said: protocol.Hello,
    given: _Credentials,
    down: protocol.Sealed | None,
    room: int | None,
) -> protocol.HelloReply:
    device = settled.device
    with relay.database.reading() as session:
        offered = rollout.offer(relay, session, device)
    return protocol.HelloReply(
        counter=said.counter,
        time=clock.now(),
        applied_up=device.up_applied,
        up_offset=bytes_here(relay, settled.upload),
        down=down,
        token=given.token,
        history_agrees=settled.agrees,
        release=offered,
        applied_sha256=_applied_sha256(device, said),
        more=more(relay, device.id, down, room),
        secret=given.secret,
        format=formats.to_announce(),
        card=settled.card.given,
        other_card=settled.card.other,
        move=moves.announcement(relay, device),
    )


def _own_key(relay: Relay, device: Device) -> str:
    """The relay's key that the device knows."""
    try:
        with relay.database.reading() as session:
            is_ahead = moves.is_ahead(session, device)
            key = moves.key_known_to(relay, session, device)
    except RefusedError:
        text = (
            f"{device.name} knows this relay by a key that was retired:"
            f" `mokanda-relay device renew {device.name}` makes a new claim file for it"
        )
        alerts.report_seldom(relay.database, _TOLD_EVERY, "key", text, device.id)
        raise
    if is_ahead:
        text = (
            f"{device.name} has followed a move that this relay has not made: was it restored from"
            " a backup? If that was to a new key, the village needs a new claim file"
        )
        alerts.report_seldom(relay.database, _TOLD_EVERY, "move", text, device.id)
    return key


def _applied_sha256(device: Device, said: protocol.Hello) -> bytes | None:
    """The SHA-256 of the last bundle, where the device may take it for another one."""
    if said.up is None or said.up.sequence > device.up_applied:
        return None
    return bytes.fromhex(device.up_sha256) or None


def _authenticated(
    relay: Relay, settled: _Settled, reply: protocol.HelloReply, given: _Credentials, key: str
) -> bytes:
    """The reply, signed by this key if the hello was signed, else with a tag."""
    message = protocol.dump(reply)
    if given.secret is not None:
        return relay.keyring.sign(message, key)
    assert settled.device.secret is not None
    return protocol.authenticate(message, settled.device.secret, protocol.REPLY_LABEL)
