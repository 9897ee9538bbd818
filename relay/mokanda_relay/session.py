# SPDX-License-Identifier: Apache-2.0
"""A sync session with a device: hello, and what its token then allows."""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_wire import protocol
from mokanda_wire.envelope import EnvelopeError

from . import down, history, incidents, releases, up
from .files import Files
from .refusals import RefusedError
from .relay import Relay
from .tables import Device, Upload

log = logging.getLogger(__name__)


def hello(relay: Relay, name: str, signed: bytes) -> bytes:
    """Begin a session; the reply is signed.

    Raises:
        RefusedError: it is not from the device, was said before, or announces what is not taken.
        ProtocolError: it is not a hello.
    """
    with relay.database.reading() as session:
        device = session.scalar(sa.select(Device).where(Device.name == name))
    if device is None or device.fingerprint is None:
        raise RefusedError(
            protocol.DEVICE_UNKNOWN, "The relay knows no device of this name and key."
        )
    try:
        said = protocol.load(protocol.Hello, relay.keyring.verify(signed, device.fingerprint))
    except EnvelopeError as error:
        incidents.report(relay.database, "hello", f"{name}: {error}", device.id)
        raise RefusedError(
            protocol.DEVICE_UNKNOWN, "The relay knows no device of this name and key."
        ) from error
    if said.device != name:
        raise RefusedError(protocol.MALFORMED, "The hello is another device's.")
    token = secrets.token_urlsafe(18)
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
        device.version = said.version[:100]
        device.last_contact = incidents.now()
        done = down.confirm(session, device, said.applied_down)
        agrees = history.load(session, device.id).holds(said.history)
        if not agrees:
            log.info("history starts over device=%s", name)
            history.restart(session, device.id)
            done += down.thaw(session, device)
        up.announce(session, device, said.up)
        session.flush()
        upload = session.get(Upload, device.id)
        next_down = down.pending(session, device.id)
    _delete(relay.bundles, done)
    # With an upload to come, the next bundle is frozen after it: it then tells what became of it.
    if next_down is None and upload is None:
        next_down = down.offer(relay, device.id)
        if next_down is None:
            synced(relay, device.id)
    log.info(
        "hello device=%s applied_down=%d up=%s down=%s",
        *(name, said.applied_down, upload and upload.sequence, next_down and next_down.sequence),
    )
    reply = protocol.HelloReply(
        counter=said.counter,
        time=incidents.now(),
        applied_up=device.up_applied,
        up_offset=up.held(relay, upload),
        down=next_down,
        token=token,
        history_agrees=agrees,
        release=releases.offer(relay.releases, device),
        applied_sha256=bytes.fromhex(device.up_sha256) or None,
    )
    return relay.keyring.sign(protocol.dump(reply), relay.fingerprint)


def of_token(session: Session, token: str) -> Device:
    """The device whose latest hello was answered with this token.

    Raises:
        RefusedError: there is none.
    """
    device = session.scalar(sa.select(Device).where(Device.token_hash == _hash(token)))
    if device is None:
        raise RefusedError(protocol.TOKEN_WRONG, "This session is over. Say hello again.")
    return device


def acknowledge(relay: Relay, device_id: int, applied_down: int) -> protocol.Receipt:
    """The device has applied its down bundles up to `applied_down`."""
    with relay.database.transaction() as session:
        device = session.get_one(Device, device_id, with_for_update=True)
        done = down.confirm(session, device, applied_down)
    _delete(relay.bundles, done)
    return receipt(relay, device_id)


def receipt(relay: Relay, device_id: int) -> protocol.Receipt:
    """What is applied, and what there is to fetch."""
    next_down = down.offer(relay, device_id)
    with relay.database.reading() as session:
        applied = session.get_one(Device, device_id).up_applied
        uploading = session.get(Upload, device_id) is not None
    if next_down is None and not uploading:
        synced(relay, device_id)
    return protocol.Receipt(applied, next_down)


def synced(relay: Relay, device_id: int) -> None:
    """Note that device and relay have nothing more for each other."""
    with relay.database.transaction() as session:
        session.execute(
            sa.update(Device)
            .where(Device.id == device_id)
            .values(last_sync=incidents.now(), error="")
        )


def count_down(relay: Relay, device_id: int, size: int) -> None:
    """Count bytes that went to the device."""
    with relay.database.transaction() as session:
        session.execute(
            sa.update(Device)
            .where(Device.id == device_id)
            .values(bytes_down=Device.bytes_down + size)
        )


def _delete(files: Files, names: Iterable[str]) -> None:
    for name in names:
        files.delete(name)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
