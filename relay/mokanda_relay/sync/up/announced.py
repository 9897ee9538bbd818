# SPDX-License-Identifier: Apache-2.0
"""The bundle that a device has said it will upload, and how much of it is here."""

from __future__ import annotations

from sqlalchemy.orm import Session

from mokanda_relay.relay import Relay
from mokanda_relay.store import alerts
from mokanda_relay.store.tables import Device, Upload
from mokanda_relay.sync import deduplication
from mokanda_relay.sync.refusals import RefusedError
from mokanda_wire import protocol


def announce(session: Session, device: Device, sealed: protocol.Sealed | None) -> bool:
    """Note what the device, whose row is locked, is about to upload; forget what it was before.

    Returns False when the number is that of another bundle, so that nothing can come of it.

    Raises:
        RefusedError: no bundle of this size is taken.
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
        deduplication.allow_repeats(session, device.id, sealed.sequence)
        return False
    if sealed.sequence > device.up_applied + 1:
        _recognise_gap(session, device, sealed.sequence)
    if not 0 < sealed.size <= protocol.MAX_BUNDLE or len(sealed.sha256) != 32:
        raise RefusedError(
            protocol.MALFORMED,
            f"A bundle of {sealed.size} bytes is announced;"
            f" at most {protocol.MAX_BUNDLE} are taken.",
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


def _recognise_gap(session: Session, device: Device, sequence: int) -> None:
    """Let all be repeated by a device that has had bundles applied which this relay does not know.

    Its claim was renewed, or the relay was restored from a copy. What is sent again may be known
    all the same, where a relay that was taken for lost runs again.
    """
    deduplication.allow_repeats(session, device.id, 0)
    if device.up_applied:
        alerts.record_once(
            session,
            "restored",
            f"this relay was restored from a copy: {device.name} has sent bundles up to"
            f" {sequence - 1}, and only {device.up_applied} is known here. It sends again what may"
            " be lost; mail for it that came in after the copy and that it has not fetched is gone",
            device.id,
        )


def _is(upload: Upload, sealed: protocol.Sealed) -> bool:
    announced = (sealed.sequence, sealed.size, sealed.sha256.hex())
    return (upload.sequence, upload.size, upload.sha256) == announced


def bytes_here(relay: Relay, upload: Upload | None) -> int:
    """How many bytes of the announced bundle are here; all of them, if it was refused."""
    if upload is None:
        return 0
    if upload.refused:
        return upload.size  # the device sends nothing, and is told again
    return min(relay.uploads.size(file_name(upload)), upload.size)


def file_name(upload: Upload) -> str:
    """What the file of the bundle is called."""
    return f"{upload.device_id}-{upload.sequence}-{upload.sha256}"
