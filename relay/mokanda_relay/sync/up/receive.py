# SPDX-License-Identifier: Apache-2.0
"""Receiving a bundle: bytes are kept as they arrive; when all are here, they are opened, applied.

Applying a bundle and recording its number are one transaction. What arrives is kept, even when it
is cut; two requests at once write the same bytes to the same places.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from http import HTTPStatus

import sqlalchemy as sa

from mokanda_relay.relay import Relay
from mokanda_relay.rendering.readings import NotReadyError
from mokanda_relay.store import alerts, clock
from mokanda_relay.store.tables import Device, Upload
from mokanda_relay.sync import budgets, history
from mokanda_relay.sync.in_memory import BUNDLES
from mokanda_relay.sync.refusals import RefusedError
from mokanda_relay.sync.up import expansion
from mokanda_relay.sync.up.announced import bytes_here, file_name
from mokanda_relay.sync.up.apply import apply
from mokanda_relay.sync.up.originals import ContentUnknownError, Originals, keep_originals
from mokanda_wire import bundle as wire
from mokanda_wire import protocol
from mokanda_wire.envelope import EnvelopeError

_MINUTES = 10  # after which a bundle may come again that names what is just read

log = logging.getLogger(__name__)


def receive(
    relay: Relay, device: Device, sequence: int, offset: int, length: int, body: Iterable[bytes]
) -> None:
    """Take the rest of the announced bundle, and apply it when it is whole.

    A bundle that was applied already is left alone.

    Raises:
        RefusedError: it is not what was announced, or the bundle is refused.
        ConnectionError: the device is gone before all was there.
    """
    if sequence <= device.up_applied:
        return  # the receipt got lost
    upload = _announced(relay, device, sequence)
    _check_range(relay, upload, offset, length)
    _store(relay, device, upload, offset, length, body)
    with BUNDLES:
        _apply(relay, device, upload)


def _apply(relay: Relay, device: Device, upload: Upload) -> None:
    """Open and apply a bundle that is whole here; raises RefusedError."""
    try:
        decoded = _open(relay, device, upload)
        originals = keep_originals(relay, device, decoded.bundle)
    except NotReadyError as error:
        raise RefusedError(
            protocol.TRY_LATER,
            "A mail is just read whose file is sent on.",
            status=HTTPStatus.SERVICE_UNAVAILABLE,
            minutes=_MINUTES,
        ) from error
    except FileNotFoundError:  # another request of the device has just finished it
        _say_again(relay, device)
    except (EnvelopeError, wire.BundleError, ContentUnknownError) as error:
        raise _refuse(relay, device, upload, error) from error
    else:
        _record(relay, device, upload, decoded, originals)


def _announced(relay: Relay, device: Device, sequence: int) -> Upload:
    with relay.database.reading() as session:
        upload = session.get(Upload, device.id)
    if upload is None or upload.sequence != sequence:
        raise RefusedError(
            protocol.SEQUENCE_WRONG, f"Bundle {sequence} was not announced in the last hello."
        )
    if upload.refused:
        raise RefusedError(upload.refused, upload.refused_text)
    return upload


def _check_range(relay: Relay, upload: Upload, offset: int, length: int) -> None:
    if offset > bytes_here(relay, upload):
        raise _wrong_offset(relay, upload)
    if offset + length > upload.size:
        raise RefusedError(protocol.MALFORMED, "The body is longer than the announced bundle.")


def _wrong_offset(relay: Relay, upload: Upload) -> RefusedError:
    here = bytes_here(relay, upload)
    text = f"The relay holds {here} bytes of this bundle."
    return RefusedError(protocol.OFFSET_WRONG, text, offset=here)


def _store(
    relay: Relay, device: Device, upload: Upload, offset: int, length: int, body: Iterable[bytes]
) -> None:
    """Keep what arrives; return when that makes the bundle whole."""
    arrived = relay.uploads.write(file_name(upload), offset, body)
    if arrived:
        with relay.database.transaction() as session:
            session.execute(
                sa.update(Device)
                .where(Device.id == device.id)
                .values(bytes_up=Device.bytes_up + arrived, last_exchange=clock.now())
            )
    if arrived < length:
        log.info("cut device=%s up=%d at=%d", device.name, upload.sequence, offset + arrived)
        raise ConnectionError("the device is gone")
    if bytes_here(relay, upload) < upload.size:
        raise _wrong_offset(relay, upload)


def _open(relay: Relay, device: Device, upload: Upload) -> wire.Decoded:
    assert device.fingerprint is not None
    sealed = relay.uploads.read(file_name(upload))
    if hashlib.sha256(sealed).hexdigest() != upload.sha256:
        raise wire.BundleError("The bytes that arrived are not those that were announced.")
    plain = relay.keyring.open(sealed, device.fingerprint)
    expansion.spend(relay, device, len(sealed), wire.decoded_size(plain))
    with relay.database.reading() as session:
        known = history.load(session, device.id)
    decoded = wire.decode(plain, known, measured=budgets.are_kept(device))
    bundle = decoded.bundle
    if (bundle.device, bundle.direction, bundle.sequence) != (device.name, "up", upload.sequence):
        raise wire.BundleError("The bundle is not the one that was announced.")
    return decoded


def _record(
    relay: Relay, device: Device, upload: Upload, decoded: wire.Decoded, originals: Originals
) -> None:
    """Apply the bundle, once, and wake who sends its mail on, or reads it."""
    with relay.database.transaction() as session:
        now = session.get(Device, device.id, with_for_update=True)
        if (
            now is None
            or now.up_applied >= upload.sequence
            or now.fingerprint != device.fingerprint
        ):
            return
        apply(session, now, decoded.bundle, originals)
        budgets.charge(session, now, _shares(decoded))
        history.append(session, now.id, decoded.record)
        now.up_applied, now.up_sha256, now.error = upload.sequence, upload.sha256, ""
        session.execute(sa.delete(Upload).where(Upload.device_id == now.id))
    relay.uploads.delete(file_name(upload))
    relay.outbox_bell.ring()
    relay.incoming_bell.ring()
    log.info(
        "applied device=%s up=%d size=%d items=%d",
        *(device.name, upload.sequence, upload.size, len(decoded.bundle.items)),
    )


def _shares(decoded: wire.Decoded) -> dict[str, int]:
    """What each villager's mails have cost, if they were measured."""
    shares: dict[str, int] = {}
    for item, cost in zip(decoded.bundle.items, decoded.costs, strict=False):
        if isinstance(item, wire.Mail):
            name = item.message.sender.address.partition("@")[0]
            shares[name] = shares.get(name, 0) + cost
    return shares


def _say_again(relay: Relay, device: Device) -> None:
    """Refuse the bundle as it was refused before, if it was."""
    with relay.database.reading() as session:
        upload = session.get(Upload, device.id)
    if upload is not None and upload.refused:
        raise RefusedError(upload.refused, upload.refused_text) from None


def _refuse(relay: Relay, device: Device, upload: Upload, error: Exception) -> RefusedError:
    """Record that a bundle is refused for good, and why."""
    reason = protocol.BUNDLE_BAD
    if isinstance(error, wire.HistoryUnknownError):
        reason = protocol.HISTORY_UNKNOWN
    elif isinstance(error, ContentUnknownError):
        reason = protocol.CONTENT_UNKNOWN
    text = str(error)
    with relay.database.transaction() as session:
        row = session.get(Upload, device.id, with_for_update=True)
        if row is not None and row.sha256 == upload.sha256:
            row.refused, row.refused_text = reason, text[:500]
        told = f"bundle {upload.sequence} of {device.name} was refused: {text}"
        alerts.record(session, reason, told, device.id)
        session.execute(sa.update(Device).where(Device.id == device.id).values(error=told))
    relay.uploads.delete(file_name(upload))
    return RefusedError(reason, text)
