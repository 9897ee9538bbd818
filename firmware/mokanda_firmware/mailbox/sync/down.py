# SPDX-License-Identifier: Apache-2.0
"""Applying a bundle from the relay: its mail is delivered, and its number kept, both or neither."""

import sqlite3
from typing import NamedTuple, assert_never

from mokanda_firmware.mailbox.costs import usage
from mokanda_firmware.mailbox.letters import entries, stubs
from mokanda_firmware.mailbox.people import unwanted
from mokanda_firmware.mailbox.store import at_relay, content_requests, messages
from mokanda_firmware.mailbox.store.database import Store
from mokanda_firmware.mailbox.store.settings import write_setting
from mokanda_firmware.mailbox.sync import history, unknown_items
from mokanda_firmware.mailbox.sync.state import read_state, sync_state
from mokanda_wire.bundle import (
    Blocked,
    Bundle,
    ContentRequest,
    Decoded,
    Denial,
    Event,
    Filter,
    Grant,
    Item,
    Mail,
    Report,
    Residents,
    Stub,
    Unknown,
)
from mokanda_wire.message import Message

# A recipient's state never goes back, however late an event comes.
_PROGRESS = ("waiting", "relayed", "sent", "delivered", "bounced", "refused")

Nobody = tuple[str, str]  # (Message-ID, recipient) nobody here answers to


class Applied(NamedTuple):
    """What a bundle from the relay changed: all zero when it had been applied before."""

    sequence: int
    mails: int = 0
    events: int = 0
    unknown: tuple[Nobody, ...] = ()


def apply_down(store: Store, decoded: Decoded) -> Applied:
    """Deliver what a bundle brought, and remember its number.

    Raises:
        StoreError: or one of its kinds; nothing has changed, the bundle can be applied again.
        ValueError: an attachment's content is not what its digest says.
    """
    bundle = decoded.bundle
    if bundle.sequence <= sync_state(store).down_applied:
        return Applied(bundle.sequence)
    _keep_contents(store, bundle)
    costs = decoded.costs or (0,) * len(bundle.items)
    unknown: list[Nobody] = []
    with store.adding() as connection:
        if bundle.sequence <= read_state(connection).down_applied:
            return Applied(bundle.sequence)
        for item, cost in zip(bundle.items, costs, strict=True):
            unknown += _apply(store, connection, item, cost)
        unknown_items.keep(connection, bundle.items)
        history.extend(connection, decoded.record)
        connection.execute("UPDATE sync SET down_applied = ?", (bundle.sequence,))
    mails = sum(isinstance(item, Mail) for item in bundle.items)
    events = sum(isinstance(item, Event) for item in bundle.items)
    return Applied(bundle.sequence, mails, events, tuple(unknown))


def apply_known(store: Store) -> None:
    """Apply what came before this software was updated to know it."""
    with store.transaction() as connection:
        items, fields = unknown_items.take_known(connection)
        for item in items:
            _apply(store, connection, item, cost=0)
        for ticket, field in fields:
            messages.add_origin(connection, ticket, field)


def _keep_contents(store: Store, bundle: Bundle) -> None:
    """Put the files of a bundle on the disk, before a row names them."""
    for digest, content in bundle.contents.items():
        with store.incoming_attachment() as incoming:
            incoming.write(content)
            if incoming.keep() != digest:
                raise ValueError(f"attachment {digest} is damaged")


def _apply(store: Store, connection: sqlite3.Connection, item: Item, cost: int) -> list[Nobody]:
    """Apply one item and charge those whom it is for; return whom nobody here answers to."""
    match item:
        case Mail() | Stub():
            nobody = _deliver(store, connection, item)
            usage.split(connection, entries.readers(connection, item.recipients), cost)
            return [(item.message.message_id, recipient) for recipient in nobody]
        case Grant():
            usage.split(connection, content_requests.grant(connection, item), cost)
        case Denial():
            if item.kind == "blocked":  # the stubs have come, or there are none
                content_requests.fulfil(connection, item.kind, item.name)
            else:
                content_requests.deny(connection, item.kind, item.name, item.reason)
        case Event():
            _record_progress(connection, item)
        case Unknown():
            pass  # has a turn of its own
        case Blocked():
            write_setting(connection, unwanted.COUNTS, dict(item.counts))
        case Residents() | Report() | Filter() | ContentRequest():
            pass  # mean something on the way up alone
        case _:
            assert_never(item)
    return []


def _deliver(store: Store, connection: sqlite3.Connection, item: Mail | Stub) -> list[str]:
    if isinstance(item, Stub):
        return stubs.announce(connection, item)
    nobody = stubs.deliver(connection, item)
    _request_missing_files(store, connection, item.message)
    return nobody


def _request_missing_files(store: Store, connection: sqlite3.Connection, message: Message) -> None:
    """Record what the relay holds; request a file that it took to be here and that is not.

    Files are only ever removed within a transaction, so one that is here now stays.
    """
    for part in message.attachments:
        if not part.held_back and not store.attachments.path(part.digest).exists():
            content_requests.ask(connection, "file", part.digest, None)
    at_relay.mark(connection, [part.original or part.digest for part in message.attachments])


def _record_progress(connection: sqlite3.Connection, event: Event) -> None:
    """Record how far a mail came; its writer sees a mail that did not arrive as unread."""
    row = connection.execute(
        "SELECT delivery.message, delivery.state FROM delivery"
        " JOIN message ON message.id = delivery.message"
        " WHERE message.message_id = ? AND delivery.address = ?",
        (event.message_id, event.recipient),
    ).fetchone()
    if row is None or _PROGRESS.index(event.kind) <= _PROGRESS.index(row["state"]):
        return
    connection.execute(
        "UPDATE delivery SET state = ?, reason = ?, at = ? WHERE message = ? AND address = ?",
        (event.kind, event.reason, int(event.at.timestamp()), row["message"], event.recipient),
    )
    if event.kind in {"bounced", "refused"}:
        connection.execute(
            "UPDATE entry SET unread = 1 WHERE message = ? AND origin = 'written'",
            (row["message"],),
        )
