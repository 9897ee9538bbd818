# SPDX-License-Identifier: Apache-2.0
"""A sync session with a device: hello, and what its token then allows."""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.relay import Relay
from mokanda_relay.store import alerts, releases
from mokanda_relay.store.blob_store import BlobStore
from mokanda_relay.store.tables import Device, Upload
from mokanda_relay.sync import history, quarantine, up
from mokanda_relay.sync.down import freeze, frozen, queue
from mokanda_relay.sync.refusals import RefusedError
from mokanda_wire import formats, protocol
from mokanda_wire.envelope import EnvelopeError
from mokanda_wire.limits import MIN_ROOM

_OUTDATED = "is too old for its relay. Write a new card for it, or update it from a USB stick."
_UNKNOWN = "The relay knows no device of this name and key."

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """A message to a device, and the bundle that may follow it."""

    device_id: int
    message: bytes
    down: protocol.Sealed | None


def hello(relay: Relay, name: str, body: bytes, room: int | None = None) -> Answer:
    """Begin a session, by a hello that is signed, or (with an empty `name`) has a tag.

    The reply is authenticated as the hello was. With `room` for so many bytes of bundles only, a
    new bundle has no more.

    Raises:
        RefusedError: it is not from the device, was said before, or announces what is not taken.
        ProtocolError: it is not a hello.
    """
    signed = bool(name)
    device, said = _signed(relay, name, body) if signed else _tagged(relay, body)
    name = device.name
    if formats.is_too_old(formats.announced(said.format)):
        alerts.report(relay.database, "version", f"{name} {_OUTDATED}", device.id)
        raise RefusedError(protocol.TOO_OLD, f"This device {_OUTDATED}")
    token = secrets.token_urlsafe(9)  # for one session, whose every cut pays for it
    secret = secrets.token_bytes(32) if signed else None
    with relay.database.transaction() as session:
        device = session.get_one(Device, device.id, with_for_update=True)
        if said.counter <= device.hello_counter:
            raise RefusedError(
                protocol.COUNTER_STALE,
                "This hello was said before.",
                counter=device.hello_counter,
            )
        device.hello_counter = said.counter
        device.token_hash = _hash(token)
        device.secret = secret or device.secret
        device.version = said.version[:100]
        device.format = formats.announced(said.format)
        device.last_contact = alerts.now()
        done = _confirm(session, device, said.applied_down)
        restored = said.applied_down < device.down_confirmed
        if restored:
            frozen.take_back(session, device, said.applied_down)
        if said.unread is not None:
            done += quarantine.refused(session, device, said.unread)
        agrees = not restored and history.load(session, device.id).holds(said.history)
        if not agrees:
            log.info("history starts over device=%s", name)
            history.restart(session, device.id)
        lost = frozen.is_lost(relay, session, device.id)
        if lost:
            log.error("the file of a bundle is gone device=%s", name)
        if lost or not agrees or frozen.is_too_new(session, device):
            done += frozen.thaw(session, device)
        up.take_known(session, device)
        restored = not up.announce(session, device, said.up) or restored
        session.flush()
        upload = session.get(Upload, device.id)
        next_down = frozen.pending(session, device.id)
    _delete(relay.bundles, done)
    # With an upload to come, the next bundle is frozen after it: it then tells what became of it.
    # Nor for a card that was restored: it first tells whom it still knows.
    if next_down is None and upload is None and not restored:
        next_down = freeze.offer(relay, device.id, room)
        if next_down is None:
            synced(relay, device.id)
    log.info(
        "hello device=%s applied_down=%d up=%s down=%s",
        *(name, said.applied_down, upload and upload.sequence, next_down and next_down.sequence),
    )
    reply = protocol.HelloReply(
        counter=said.counter,
        time=alerts.now(),
        applied_up=device.up_applied,
        up_offset=up.held(relay, upload),
        down=next_down,
        token=token,
        history_agrees=agrees,
        release=releases.offer(relay.releases, device),
        applied_sha256=_told_hash(device, said),
        more=_more(relay, device.id, next_down, room),
        secret=secret,
        format=formats.to_announce(),
    )
    message = protocol.dump(reply)
    if signed:
        message = relay.keyring.sign(message, relay.fingerprint)
    else:
        assert device.secret is not None
        message = protocol.authenticate(message, device.secret, protocol.REPLY_LABEL)
    return Answer(device.id, message, next_down if upload is None else None)


def _confirm(session: Session, device: Device, applied: int) -> list[str]:
    done = frozen.confirm(session, device, applied)
    if done:
        quarantine.accepted(device)
    return done


def _signed(relay: Relay, name: str, body: bytes) -> tuple[Device, protocol.Hello]:
    with relay.database.reading() as session:
        device = session.scalar(sa.select(Device).where(Device.name == name))
    if device is None or device.fingerprint is None:
        raise RefusedError(protocol.DEVICE_UNKNOWN, _UNKNOWN)
    try:
        said = protocol.load(protocol.Hello, relay.keyring.verify(body, device.fingerprint))
    except EnvelopeError as error:
        alerts.report(relay.database, "hello", f"{name}: {error}", device.id)
        raise RefusedError(protocol.DEVICE_UNKNOWN, _UNKNOWN) from error
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


def _told_hash(device: Device, said: protocol.Hello) -> bytes | None:
    """The SHA-256 of the last bundle, where the device may take it for another one."""
    if said.up is None or said.up.sequence > device.up_applied:
        return None
    return bytes.fromhex(device.up_sha256) or None


def _more(
    relay: Relay, device_id: int, next_down: protocol.Sealed | None, room: int | None
) -> bool | None:
    """Whether it is worth asking for what is behind the next bundle; None for no."""
    if next_down is None or (room is not None and room - next_down.size < MIN_ROOM):
        return None
    with relay.database.reading() as session:
        return queue.is_waiting(session, device_id) or None


def of_token(session: Session, token: str) -> Device:
    """The device whose latest hello was answered with this token.

    Raises:
        RefusedError: there is none.
    """
    device = session.scalar(sa.select(Device).where(Device.token_hash == _hash(token)))
    if device is None:
        raise RefusedError(protocol.TOKEN_WRONG, "This session is over. Say hello again.")
    return device


def acknowledge(relay: Relay, device_id: int, applied_down: int, room: int | None = None) -> Answer:
    """The device has applied its down bundles up to `applied_down`."""
    with relay.database.transaction() as session:
        device = session.get_one(Device, device_id, with_for_update=True)
        done = _confirm(session, device, applied_down)
    _delete(relay.bundles, done)
    return receipt(relay, device_id, room)


def receipt(relay: Relay, device_id: int, room: int | None = None) -> Answer:
    """What is applied, and what there is to fetch."""
    next_down = freeze.offer(relay, device_id, room)
    with relay.database.reading() as session:
        applied = session.get_one(Device, device_id).up_applied
        uploading = session.get(Upload, device_id) is not None
    if next_down is None and not uploading:
        synced(relay, device_id)
    told = protocol.Receipt(applied, next_down, _more(relay, device_id, next_down, room))
    return Answer(device_id, protocol.dump(told), next_down)


def synced(relay: Relay, device_id: int) -> None:
    """Note that device and relay have nothing more for each other."""
    with relay.database.transaction() as session:
        session.execute(
            sa.update(Device).where(Device.id == device_id).values(last_sync=alerts.now(), error="")
        )


def count_down(relay: Relay, device_id: int, size: int) -> None:
    """Count bytes that went to the device."""
    with relay.database.transaction() as session:
        session.execute(
            sa.update(Device)
            .where(Device.id == device_id)
            .values(bytes_down=Device.bytes_down + size)
        )


def _delete(blobs: BlobStore, names: Iterable[str]) -> None:
    for name in names:
        blobs.delete(name)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
