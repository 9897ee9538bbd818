# SPDX-License-Identifier: Apache-2.0
"""Mail from a device: bytes kept as they arrive, then one transaction that applies the bundle."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.relay import Relay
from mokanda_relay.rendering import device_files, photos
from mokanda_relay.store import alerts
from mokanda_relay.store.tables import Device, Resident, Upload
from mokanda_relay.sync import (
    budgets,
    content_requests,
    deduplication,
    history,
    unknown_items,
    usage_by_day,
)
from mokanda_relay.sync.refusals import RefusedError
from mokanda_relay.transport import down_queue, outbox
from mokanda_wire import bundle as wire
from mokanda_wire import protocol
from mokanda_wire.address import AddressError, parse_address
from mokanda_wire.envelope import EnvelopeError
from mokanda_wire.message import compose

_MAX_REPORT = 64 * 1024  # characters

log = logging.getLogger(__name__)


def announce(session: Session, device: Device, sealed: protocol.Sealed | None) -> bool:
    """Note what the device, whose row is locked, is about to upload; forget what it was before.

    Returns False when the number is that of another bundle, so that nothing can come of it.
    """
    old = session.get(Upload, device.id)
    if old is not None:
        if sealed is not None and _is(old, sealed):
            return True
        session.delete(old)
        session.flush()
    if sealed is None:
        return True
    if sealed.sequence <= device.up_applied:
        last = (device.up_applied, device.up_sha256)
        if (sealed.sequence, sealed.sha256.hex()) == last:  # its receipt got lost
            return True
        deduplication.expect(session, device.id, sealed.sequence)
        return False
    if not 0 < sealed.size <= protocol.MAX_BUNDLE or len(sealed.sha256) != 32:
        most = protocol.MAX_BUNDLE
        raise RefusedError(
            protocol.MALFORMED,
            f"A bundle of {sealed.size} bytes is announced; at most {most} are taken.",
        )
    session.add(
        Upload(
            device_id=device.id,
            sequence=sealed.sequence,
            size=sealed.size,
            sha256=sealed.sha256.hex(),
        )
    )
    return True


def _is(upload: Upload, sealed: protocol.Sealed) -> bool:
    announced = (sealed.sequence, sealed.size, sealed.sha256.hex())
    return (upload.sequence, upload.size, upload.sha256) == announced


def held(relay: Relay, upload: Upload | None) -> int:
    """How many bytes of the announced bundle are here; all of them, if it was refused."""
    if upload is None:
        return 0
    if upload.refused:
        return upload.size  # the device sends nothing, and is told again
    return min(relay.uploads.size(_file(upload)), upload.size)


def _file(upload: Upload) -> str:
    return f"{upload.device_id}-{upload.sequence}-{upload.sha256}"


def receive(
    relay: Relay, device: Device, sequence: int, offset: int, length: int, body: Iterable[bytes]
) -> None:
    """Take the rest of the announced bundle, and apply it when it is whole.

    What arrives is kept, even when it is cut; two requests at once write the same bytes to the same
    places. A bundle that was applied already is left alone.

    Raises:
        RefusedError: it is not what was announced, or the bundle is refused.
        ConnectionError: the device is gone before all was there.
    """
    if sequence <= device.up_applied:
        return  # the receipt got lost
    with relay.database.reading() as session:
        upload = session.get(Upload, device.id)
    if upload is None or upload.sequence != sequence:
        raise RefusedError(
            protocol.SEQUENCE_WRONG, f"Bundle {sequence} was not announced in the last hello."
        )
    if upload.refused:
        raise RefusedError(upload.refused, upload.refused_text)
    here = held(relay, upload)
    if offset > here:
        raise RefusedError(
            protocol.OFFSET_WRONG, f"The relay holds {here} bytes of this bundle.", offset=here
        )
    if offset + length > upload.size:
        raise RefusedError(protocol.MALFORMED, "The body is longer than the announced bundle.")
    arrived = relay.uploads.write(_file(upload), offset, body)
    with relay.database.transaction() as session:
        session.execute(
            sa.update(Device)
            .where(Device.id == device.id)
            .values(bytes_up=Device.bytes_up + arrived)
        )
    if arrived < length:
        log.info("cut device=%s up=%d at=%d", device.name, sequence, offset + arrived)
        raise ConnectionError("the device is gone")
    here = held(relay, upload)
    if here < upload.size:
        raise RefusedError(
            protocol.OFFSET_WRONG, f"The relay holds {here} bytes of this bundle.", offset=here
        )
    _finish(relay, device, upload)


def _finish(relay: Relay, device: Device, upload: Upload) -> None:
    """Open and apply a bundle that is all here; or refuse it, for good."""
    try:
        decoded = _open(relay, device, upload, relay.uploads.read(_file(upload)))
        originals = _compose(relay, device, decoded.bundle)
    except FileNotFoundError:
        # Another request of the device has just finished it.
        with relay.database.reading() as session:
            again = session.get(Upload, device.id)
        if again is not None and again.refused:
            raise RefusedError(again.refused, again.refused_text) from None
        return
    except (EnvelopeError, wire.BundleError, _ContentUnknownError) as error:
        reason = protocol.BUNDLE_BAD
        if isinstance(error, wire.HistoryUnknownError):
            reason = protocol.HISTORY_UNKNOWN
        elif isinstance(error, _ContentUnknownError):
            reason = protocol.CONTENT_UNKNOWN
        _refuse(relay, device, upload, reason, str(error))
        raise RefusedError(reason, str(error)) from error
    with relay.database.transaction() as session:
        now = session.get(Device, device.id, with_for_update=True)
        if (
            now is None
            or now.up_applied >= upload.sequence
            or now.fingerprint != device.fingerprint
        ):
            return
        _apply(session, now, decoded.bundle, originals)
        budgets.charge(session, now, _shares(decoded))
        history.append(session, now.id, decoded.record)
        now.up_applied, now.up_sha256 = upload.sequence, upload.sha256
        session.execute(sa.delete(Upload).where(Upload.device_id == now.id))
    relay.uploads.delete(_file(upload))
    relay.outbox_bell.ring()
    log.info(
        "applied device=%s up=%d size=%d items=%d",
        *(device.name, upload.sequence, upload.size, len(decoded.bundle.items)),
    )


def _open(relay: Relay, device: Device, upload: Upload, sealed: bytes) -> wire.Decoded:
    assert device.fingerprint is not None
    if hashlib.sha256(sealed).hexdigest() != upload.sha256:
        raise wire.BundleError("The bytes that arrived are not those that were announced.")
    plain = relay.keyring.open(sealed, device.fingerprint)
    with relay.database.reading() as session:
        known = history.load(session, device.id)
    decoded = wire.decode(plain, known, measured=budgets.are_kept(device))
    bundle = decoded.bundle
    if (bundle.device, bundle.direction, bundle.sequence) != (device.name, "up", upload.sequence):
        raise wire.BundleError("The bundle is not the one that was announced.")
    return decoded


class _ContentUnknownError(Exception):
    """A mail has a file that is neither in its bundle nor here."""


def _compose(relay: Relay, device: Device, bundle: wire.Bundle) -> dict[int, tuple[str, int]]:
    """Keep each mail as MIME among the originals: digest and size by the item's place.

    A mail of which no MIME can be made is missing, and holds up no other.
    """
    kept = {}
    for place, item in enumerate(bundle.items):
        if isinstance(item, wire.Mail):
            files = dict(bundle.contents)
            with relay.database.reading() as session:
                for part in item.message.attachments:
                    if part.digest not in files:
                        here = device_files.fetch(relay, session, device.id, part.digest)
                        if here is None:
                            raise _ContentUnknownError(
                                f"The content of {part.name!r} is neither here nor in the bundle."
                            )
                        files[part.digest] = here
            try:
                raw = compose(item.message, files)
            except Exception:
                log.exception("no MIME can be made of a mail")
                continue
            kept[place] = relay.originals.write_by_digest([raw])
    return kept


def _refuse(relay: Relay, device: Device, upload: Upload, reason: str, text: str) -> None:
    with relay.database.transaction() as session:
        row = session.get(Upload, device.id, with_for_update=True)
        if row is not None and row.sha256 == upload.sha256:
            row.refused, row.refused_text = reason, text[:500]
        told = f"bundle {upload.sequence} of {device.name} was refused: {text}"
        alerts.record(session, reason, told, device.id)
        session.execute(sa.update(Device).where(Device.id == device.id).values(error=told))
    relay.uploads.delete(_file(upload))


def _apply(
    session: Session, device: Device, bundle: wire.Bundle, originals: dict[int, tuple[str, int]]
) -> None:
    for item in bundle.items:
        _take(session, device, item)
    unknown_items.keep(session, device, bundle.items)
    for place, item in enumerate(bundle.items):
        if isinstance(item, wire.Mail) and place not in originals:
            _send_back(session, device, item, "the relay cannot make a mail of it")
        elif isinstance(item, wire.Mail) and deduplication.note(
            session, device.id, bundle.sequence, item
        ):
            digest, size = originals[place]
            _post(session, device, item, digest, size)
            device_files.note_sent(session, device.id, digest, item.message.attachments)


def take_known(session: Session, device: Device) -> None:
    """Apply what the device, whose row is locked, sent before this relay was updated to know it."""
    for item in unknown_items.take_known(session, device):
        _take(session, device, item)


def _take(session: Session, device: Device, item: wire.Item) -> None:
    """Apply an item that is no mail."""
    match item:
        case wire.Residents():
            _settle_residents(session, device, item.names)
        case wire.Report():
            _take_report(session, device, item)
        case wire.Wish():
            content_requests.take(session, device.id, item)


def _take_report(session: Session, device: Device, report: wire.Report) -> None:
    form = photos.Format.of(device)
    usage_by_day.note(session, device, report.fields.pop("days", None))
    unknown = report.fields.get("unknown")
    if isinstance(unknown, str):
        told = f"{device.name} does not know what this relay sends it ({unknown[:200]}): update it"
        alerts.record_once(session, "unknown", told, device.id)
    device.report = json.dumps(report.fields, default=str, skipkeys=True)[:_MAX_REPORT]
    if photos.Format.of(device) != form:
        photos.prepare_anew(session, device.id)


def _shares(decoded: wire.Decoded) -> dict[str, int]:
    """What each villager's mails have cost, if they were measured."""
    shares: dict[str, int] = {}
    for item, cost in zip(decoded.bundle.items, decoded.costs, strict=False):
        if isinstance(item, wire.Mail):
            name = item.message.sender.address.partition("@")[0]
            shares[name] = shares.get(name, 0) + cost
    return shares


def _settle_residents(session: Session, device: Device, names: Iterable[str]) -> None:
    session.execute(sa.delete(Resident).where(Resident.device_id == device.id))
    session.add_all(Resident(device_id=device.id, name=name) for name in {n.lower() for n in names})
    device.residents_known = True
    session.flush()


def _send_back(session: Session, device: Device, item: wire.Mail, reason: str) -> None:
    """Tell the villager and the operator why a mail does not go on."""
    for recipient in item.recipients:
        down_queue.notify(session, device.id, item.message.message_id, recipient, "refused", reason)
    alerts.record(session, "refused", f"{device.name} sent a mail: {reason}", device.id)


def _post(session: Session, device: Device, item: wire.Mail, digest: str, size: int) -> None:
    """Send a villager's mail on: to the world or another village, or back with a reason."""
    message = item.message
    local_part, _, domain = message.sender.address.rpartition("@")
    if domain != device.domain or not down_queue.is_resident(session, device, local_part):
        reason = f"<{message.sender.address}> is not an address of this village"
        _send_back(session, device, item, reason)
        return
    device.mails_out += 1
    world = []
    for recipient in dict.fromkeys(item.recipients):
        try:
            delivery = down_queue.deliver(session, parse_address(recipient), digest, size)
        except AddressError as error:
            down_queue.notify(
                session, device.id, message.message_id, recipient, "bounced", str(error)
            )
            continue
        if delivery == "unknown village":
            world.append(recipient)
        elif delivery == "queued":
            down_queue.notify(session, device.id, message.message_id, recipient, "sent")
        else:
            reason = "There is no such villager."
            down_queue.notify(session, device.id, message.message_id, recipient, "bounced", reason)
    if world:
        down_queue.keep_original(session, digest, size)
        outbox.post(session, device.id, message.message_id, digest, world)
