# SPDX-License-Identifier: Apache-2.0
"""Applying an up bundle, in its one transaction: who lives there, reports, requests, mails."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import assert_never

from sqlalchemy.orm import Session

from mokanda_relay.rendering import device_files, renditions
from mokanda_relay.rendering.renditions import Policy
from mokanda_relay.store import alerts
from mokanda_relay.store.tables import Device
from mokanda_relay.sync import (
    content_requests,
    deduplication,
    rollout,
    unknown_items,
    usage_by_day,
)
from mokanda_relay.sync.up import residents
from mokanda_relay.sync.up.originals import Originals
from mokanda_relay.transport import correspondents, down_queue, filters, outbox, untold
from mokanda_relay.transport.notices import queue_event
from mokanda_relay.transport.proof import Checks
from mokanda_relay.transport.untold import NO_VILLAGER, Writer
from mokanda_wire import bundle as wire
from mokanda_wire.address import AddressError, parse_address
from mokanda_wire.message import Message

_MAX_NAMED = 100  # people in a mail's head; a device lets nobody write to more than 50
_MAX_REPORT = 64 * 1024  # characters


def apply(session: Session, device: Device, bundle: wire.Bundle, originals: Originals) -> None:
    """Apply a bundle to the device, whose row is locked; mails last, as villagers may be new."""
    # What a report counts explains the list of residents beside it.
    for item in sorted(bundle.items, key=lambda each: not isinstance(each, wire.Report)):
        _apply_item(session, device, item)
    if any(isinstance(item, wire.Filter) for item in bundle.items):
        filters.judge(session, device.id)
    unknown_items.keep(session, device, bundle.items)
    untold.settle(session, device)
    for place, item in enumerate(bundle.items):
        if not isinstance(item, wire.Mail):
            continue
        if place not in originals:
            _send_back(session, device, item, "the relay cannot make a mail of it")
        elif deduplication.record_if_new(session, device.id, bundle.sequence, item):
            digest, size = originals[place]
            _send_on(session, device, item, digest, size)
            device_files.record_sent(session, device.id, digest, item.message.attachments)


def apply_known(session: Session, device: Device) -> None:
    """Apply what the device, whose row is locked, sent before this relay was updated to know it."""
    known = unknown_items.take_known(session, device)
    for item in known:
        _apply_item(session, device, item)
    if any(isinstance(item, wire.Filter) for item in known):
        filters.judge(session, device.id)


def _apply_item(session: Session, device: Device, item: wire.Item) -> None:
    """Apply an item that is no mail."""
    match item:
        case wire.Residents():
            residents.replace(session, device, item.names)
        case wire.Report():
            _record_report(session, device, item)
        case wire.Filter():
            filters.replace(session, device.id, item.names, item.fields)
        case wire.ContentRequest():
            content_requests.record(session, device.id, item)
        case wire.Mail() | wire.Unknown():
            pass  # have a turn of their own
        case wire.Stub() | wire.Event() | wire.Grant() | wire.Denial() | wire.Blocked():
            pass  # mean something on the way down alone
        case _:
            assert_never(item)


def _record_report(session: Session, device: Device, report: wire.Report) -> None:
    before = Policy.of(device)
    usage_by_day.record(session, device, report.fields.pop("days", None))
    unknown = report.fields.get("unknown")
    if isinstance(unknown, str):
        told = f"{device.name} does not know what this relay sends it ({unknown[:200]}): update it"
        alerts.record_once(session, "unknown", told, device.id)
    damaged = report.fields.get("damaged")
    if isinstance(damaged, str):
        told = (
            f"{device.name} has met damage in its mail store ({damaged[:200]}): it is mended when"
            " the device is switched off and on"
        )
        alerts.record_once(session, "damaged", told, device.id)
    mended = report.fields.get("mended")
    if isinstance(mended, str):
        told = f"{device.name} has mended its mail store, which was damaged ({mended[:200]})"
        alerts.record_once(session, "mended", told, device.id)
    if (failed := _newly_told(device, report, "update_failed")) is not None:
        told = f"an update of {device.name} has failed: {failed[:200]}"
        alerts.record(session, "update", told, device.id)
    if (rot := _newly_told(device, report, "rot")) is not None:
        told = f"what {device.name} runs from its card has rotted ({rot[:300]})"
        alerts.record(session, "rot", told, device.id)
    version, board = report.fields.get("failed_version"), report.fields.get("board")
    if isinstance(version, str) and isinstance(board, str):
        why = str(report.fields.get("update_failed", ""))[:200]
        rollout.record_failed(session, device, version, board, why)
    if (no_credit := _newly_told(device, report, "no_credit")) is not None:
        told = f"the SIM card of {device.name} seems to have no credit left ({no_credit[:200]})"
        alerts.record(session, "credit", told, device.id)
    device.report = json.dumps(report.fields, default=str, skipkeys=True)[:_MAX_REPORT]
    if Policy.of(device) != before:
        renditions.prepare_anew(session, device.id)


def _newly_told(device: Device, report: wire.Report, field: str) -> str | None:
    """The words of a report's field that the last report had not."""
    told = report.fields.get(field)
    return told if isinstance(told, str) and told != device.last_report().get(field) else None


def _send_on(session: Session, device: Device, item: wire.Mail, digest: str, size: int) -> None:
    """Send a villager's mail on: to the world or another village, or back with a reason."""
    message = item.message
    local_part, _, domain = message.sender.address.rpartition("@")
    if domain != device.domain or not down_queue.is_resident(session, device, local_part):
        reason = f"<{message.sender.address}> is not an address of this village"
        _send_back(session, device, item, reason)
        return
    device.mails_out += 1
    world, delivered = [], []
    for recipient in dict.fromkeys(item.recipients):
        writer = Writer(message.sender.address, device.id, message.message_id)
        outcome = _deliver_to_village(session, device, writer, recipient, digest, size)
        if outcome is None:
            world.append(recipient)
        else:
            queue_event(session, device.id, message.message_id, recipient, *outcome)
            delivered += [recipient.lower()] if outcome[0] == "sent" else []
    if world:
        down_queue.record_original(session, digest, size)
        neighbours = _neighbours(session, device, message, delivered)
        outbox.post(session, device.id, message.message_id, digest, world, neighbours)
        correspondents.record(session, device.id, world)


def _neighbours(
    session: Session, device: Device, message: Message, delivered: Collection[str]
) -> list[str]:
    """Who of those named in a mail has got it: of its own village from the device, or by us."""
    found = []
    for each in (*message.to, *message.cc)[:_MAX_NAMED]:
        try:
            address = parse_address(each.address)
        except AddressError:
            continue
        local_part, _, domain = address.rpartition("@")
        is_here = domain == device.domain and down_queue.is_resident(session, device, local_part)
        if is_here or address.lower() in delivered:
            found.append(address)
    return found


def _deliver_to_village(
    session: Session, device: Device, writer: Writer, recipient: str, digest: str, size: int
) -> tuple[wire.EventKind, str] | None:
    """What becomes of a mail to a villager, and why; None if it goes to the world.

    One of another village may have registered since that has last told; of its own villagers the
    device has told in this very bundle.
    """
    try:
        address = parse_address(recipient)
        is_neighbour = address.rpartition("@")[2].lower() == device.domain
        delivery = down_queue.deliver(
            session,
            address,
            digest,
            size,
            Checks((device.domain,)),
            waits_from=None if is_neighbour else writer,
        )
    except AddressError as error:
        return "bounced", str(error)
    if delivery == "unknown village":
        return None
    if delivery == "unknown villager":
        return "bounced", NO_VILLAGER
    return "sent", ""


def _send_back(session: Session, device: Device, item: wire.Mail, reason: str) -> None:
    """Tell the villager and the operator why a mail does not go on."""
    for recipient in item.recipients:
        queue_event(session, device.id, item.message.message_id, recipient, "refused", reason)
    alerts.record_daily(session, "refused", f"{device.name} sent a mail: {reason}", device.id)
