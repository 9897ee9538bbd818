# SPDX-License-Identifier: Apache-2.0
"""What the courier needs of the store; each call is one transaction.

Bundles are numbered from 1 in each direction. A bundle that goes up is frozen with its number: the
same bytes are offered until the relay confirms them. One that comes down is applied together with
its number, so that a repetition changes nothing.
"""

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mokanda_firmware.bus.sentences import said_again
from mokanda_firmware.mailbox.costs import usage
from mokanda_firmware.mailbox.letters import entries, stubs
from mokanda_firmware.mailbox.store import content_requests, messages
from mokanda_firmware.mailbox.store.database import Store, StoreError
from mokanda_firmware.mailbox.store.settings import set_setting, setting
from mokanda_wire.bundle import Decoded, Denial, Event, Grant, Mail, Stub, Wish
from mokanda_wire.history import Change, History, Row
from mokanda_wire.message import Message

__all__ = [
    "Applied",
    "Outgoing",
    "PendingUp",
    "SessionRecord",
    "SyncState",
    "accounts",
    "apply_down",
    "confirm_up",
    "count_waiting",
    "forget_at_relay",
    "freeze_up",
    "history",
    "hold",
    "in_bundle",
    "known_at_relay",
    "known_costs",
    "next_hello_counter",
    "record_session",
    "release_up",
    "restart_history",
    "sessions",
    "set_aside",
    "set_setting",
    "setting",
    "skip_up",
    "state",
    "untold_wishes",
    "waiting",
]

# Each day that a mail waits makes it count for half its size: small mail goes first, and none
# waits for ever behind smaller ones.
_ORDER = "ORDER BY size >> min(40, max(0, (:now - queued) / 86400)), outgoing.message"
# A recipient's state never goes back, however late an event comes.
_PROGRESS = ("waiting", "relayed", "sent", "delivered", "bounced", "refused")
_SESSIONS_KEPT = 2000


@dataclass(frozen=True, slots=True)
class PendingUp:
    """A sealed bundle on its way up; `size` in bytes, `sha256` in hex.

    `record` is what it adds to the history once the relay has applied it.
    """

    sequence: int
    size: int
    sha256: str
    path: Path
    record: bytes


@dataclass(frozen=True, slots=True)
class SyncState:
    """Where this device stands with its relay; 0 means none yet."""

    up_sequence: int
    up_pending: PendingUp | None
    down_applied: int
    hello_counter: int


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A mail that waits for a bundle: whom outside the village it is for, and whose it is.

    `number` is the mail's in the store.
    """

    message_id: str
    recipients: tuple[str, ...]
    message: Message
    number: int
    account: int


@dataclass(frozen=True, slots=True)
class Applied:
    """What a bundle from the relay changed: all zero when it had been applied before."""

    sequence: int
    mails: int = 0
    events: int = 0
    unknown: tuple[tuple[str, str], ...] = ()  # (Message-ID, recipient) nobody here answers to


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One session with the relay, for the keeper's page.

    `error` is "" when it went well, else a `Sentence` if whoever failed had one to say. `money`
    is in billionths of `currency`.
    """

    started: datetime
    ended: datetime
    link: str
    bytes_up: int
    bytes_down: int
    sent: int
    received: int
    error: str = ""
    money: int = 0
    currency: str = ""


def state(store: Store) -> SyncState:
    """Return where this device stands with its relay."""
    with store.reading() as connection:
        return _state(connection)


def next_hello_counter(store: Store, after: int = 0) -> int:
    """Return a number that no hello has carried yet, greater than `after`."""
    with store.transaction() as connection:
        connection.execute("UPDATE sync SET hello_counter = max(hello_counter, ?) + 1", (after,))
        return _state(connection).hello_counter


def waiting(store: Store, limit_bytes: int, without: Collection[int] = ()) -> list[Outgoing]:
    """Return mail that is in no bundle, small and old first, up to `limit_bytes` of content.

    Mails of the numbers `without` are passed over.
    """
    found = []
    with store.reading() as connection:
        room = limit_bytes
        for row in connection.execute(
            "SELECT message.id, message.size, entry.account FROM outgoing"  # noqa: S608 - constants
            " JOIN message ON message.id = outgoing.message"
            " JOIN entry ON entry.message = message.id AND origin = 'written'"
            f" WHERE state = 'waiting' GROUP BY message.id {_ORDER}",
            {"now": messages.now()},
        ):
            if row["id"] in without:
                continue
            room -= row["size"]
            if room < 0:
                break
            recipients = connection.execute(
                "SELECT address FROM delivery WHERE message = ? AND state = 'waiting'", (row["id"],)
            )
            message = messages.load(connection, row["id"])
            addresses = tuple(recipient["address"] for recipient in recipients)
            found.append(
                Outgoing(message.message_id, addresses, message, row["id"], row["account"])
            )
    return found


def count_waiting(store: Store) -> int:
    """Return how many mails have not left yet."""
    with store.reading() as connection:
        rows = connection.execute("SELECT count(*) FROM outgoing WHERE state <> 'sent'")
        return int(rows.fetchone()[0])


def known_costs(store: Store) -> list[tuple[int, int, int]]:
    """Return (number, account, cost) of each waiting mail that was measured before."""
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT outgoing.message, account, cost FROM outgoing"  # noqa: S608 - constants
            " JOIN entry ON entry.message = outgoing.message AND origin = 'written'"
            " JOIN message ON message.id = outgoing.message"
            f" WHERE state = 'waiting' AND cost IS NOT NULL {_ORDER}",
            {"now": messages.now()},
        )
        return [tuple(row) for row in rows]


def hold(store: Store, costs: Mapping[int, int], held: Mapping[int, str]) -> None:
    """Note what mails take in a bundle, and why some of those that wait do not go."""
    with store.transaction() as connection:
        connection.execute("UPDATE outgoing SET held = '' WHERE state = 'waiting'")
        connection.executemany(
            "UPDATE outgoing SET cost = ? WHERE message = ?",
            [(cost, number) for number, cost in costs.items()],
        )
        connection.executemany(
            "UPDATE outgoing SET held = ? WHERE message = ? AND state = 'waiting'",
            [(why, number) for number, why in held.items()],
        )


def untold_wishes(store: Store) -> list[Wish]:
    """Return what villagers want, or no longer want, of what the relay keeps."""
    with store.reading() as connection:
        return content_requests.untold(connection)


def known_at_relay(store: Store, digests: Iterable[str]) -> set[str]:
    """Return which of these files the relay holds, as far as is known."""
    with store.reading() as connection:
        return {digest for digest in digests if content_requests.is_at_relay(connection, digest)}


def forget_at_relay(store: Store) -> None:
    """Note that the relay does not hold all that it was believed to."""
    with store.transaction() as connection:
        connection.execute("DELETE FROM at_relay")


def freeze_up(
    store: Store,
    sequence: int,
    sealed: PendingUp,
    message_ids: Sequence[str],
    wished: Sequence[Wish] = (),
) -> None:
    """Bind waiting mails and wishes to the sealed bundle `sequence`, which must be the next one.

    Raises:
        StoreError: another bundle is on its way, the number is not the next one, or a mail or wish
            is not waiting any more; nothing has changed.
    """
    with store.transaction() as connection:
        before = _state(connection)
        if before.up_pending is not None or sequence != before.up_sequence + 1:
            raise StoreError(f"bundle {sequence} cannot follow bundle {before.up_sequence} now")
        for message_id in message_ids:
            changed = connection.execute(
                "UPDATE outgoing SET state = 'bundled', sequence = ?, reason = '' WHERE"
                " state = 'waiting'"
                " AND message IN (SELECT id FROM message WHERE message_id = ?)",
                (sequence, message_id),
            ).rowcount
            if changed != 1:
                raise StoreError(f"mail {message_id} does not wait any more")
        if not content_requests.bind(connection, sequence, wished):
            raise StoreError("a wish was taken back")
        connection.execute(
            "UPDATE sync SET up_sequence = ?, pending_size = ?, pending_sha256 = ?,"
            " pending_path = ?, pending_record = ?",
            (sequence, sealed.size, sealed.sha256, str(sealed.path), sealed.record),
        )


def confirm_up(store: Store, sequence: int) -> int:
    """Note that the relay has applied bundle `sequence`: its mails leave the outbox for sent.

    Returns how many mails it carried; 0 when that was known already.
    """
    with store.transaction() as connection:
        pending = _state(connection).up_pending
        if pending is None or pending.sequence != sequence:
            return 0
        bundled = "(SELECT message FROM outgoing WHERE state = 'bundled' AND sequence = ?)"
        connection.execute(
            "UPDATE delivery SET state = 'relayed', at = ?"  # noqa: S608 - constants
            f" WHERE state = 'waiting' AND message IN {bundled}",
            (messages.now(), sequence),
        )
        connection.execute(
            "UPDATE entry SET folder = 'sent', at = ?"  # noqa: S608
            f" WHERE folder = 'outbox' AND origin = 'written' AND message IN {bundled}",
            (messages.now(), sequence),
        )
        for row in connection.execute(
            "SELECT account, cost FROM outgoing JOIN entry ON entry.message = outgoing.message"
            " AND origin = 'written' WHERE state = 'bundled' AND sequence = ?",
            (sequence,),
        ).fetchall():
            usage.charge(connection, row["account"], up=row["cost"] or 0)
        carried = connection.execute(
            "SELECT digest FROM attachment WHERE original = ''"  # noqa: S608
            f" AND message IN {bundled}",
            (sequence,),
        )
        content_requests.note_at_relay(
            connection, [row["digest"] for row in carried], messages.now()
        )
        content_requests.confirm(connection, sequence)
        mails = connection.execute(
            "UPDATE outgoing SET state = 'sent' WHERE state = 'bundled' AND sequence = ?",
            (sequence,),
        ).rowcount
        _change_history(connection, _history(connection).append(pending.record))
        _forget_pending(connection)
        return mails


def release_up(store: Store, sequence: int, reason: str) -> None:
    """Note that the relay refused bundle `sequence` for good: its mails wait for another."""
    with store.transaction() as connection:
        pending = _state(connection).up_pending
        if pending is not None and pending.sequence == sequence:
            _release(connection, pending, reason)


def in_bundle(store: Store, sequence: int) -> list[int]:
    """Return the numbers of the mails that are bound to bundle `sequence`."""
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT message FROM outgoing WHERE state = 'bundled' AND sequence = ? ORDER BY 1",
            (sequence,),
        )
        return [row["message"] for row in rows]


def wishes_in_bundle(store: Store, sequence: int) -> list[Wish]:
    """Return the wishes that are bound to bundle `sequence`."""
    with store.reading() as connection:
        return content_requests.bound(connection, sequence)


def deny(store: Store, wish: Wish, reason: str) -> None:
    """Note that the relay does not take a wish; `reason` is a word."""
    with store.transaction() as connection:
        content_requests.deny(connection, wish.kind, wish.name, reason)


def set_aside(store: Store, number: int, reason: str) -> None:
    """Give a waiting mail up: its writer finds it among the sent ones, unread, with the reason."""
    with store.transaction() as connection:
        connection.execute(
            "UPDATE delivery SET state = 'refused', reason = ?, at = ?"
            " WHERE state = 'waiting' AND message = ?",
            (reason, messages.now(), number),
        )
        connection.execute(
            "UPDATE entry SET folder = 'sent', unread = 1, at = ?"
            " WHERE folder = 'outbox' AND origin = 'written' AND message = ?",
            (messages.now(), number),
        )
        connection.execute("UPDATE outgoing SET state = 'sent' WHERE message = ?", (number,))


def restart_history(store: Store, reason: str) -> None:
    """Begin the history anew, as the relay's has come to differ: a bundle waits for another."""
    with store.transaction() as connection:
        pending = _state(connection).up_pending
        if pending is not None:
            _release(connection, pending, reason)
        _change_history(connection, _history(connection).restart())
        # One end was restored from a backup, and an answer may have come before it was.
        content_requests.ask_again(connection)


def history(store: Store) -> History:
    """Return what this device and its relay both remember of their mail."""
    with store.reading() as connection:
        return _history(connection)


def apply_down(store: Store, decoded: Decoded) -> Applied:
    """Deliver what a bundle brought, and remember its number.

    Raises:
        StoreError: or one of its kinds; nothing has changed, the bundle can be applied again.
        ValueError: an attachment's content is not what its digest says.
    """
    bundle = decoded.bundle
    if bundle.sequence <= state(store).down_applied:
        return Applied(bundle.sequence)
    for digest, content in bundle.contents.items():
        with store.incoming_attachment() as incoming:
            incoming.write(content)
            if incoming.keep() != digest:
                raise ValueError(f"attachment {digest} is damaged")
    mails = events = 0
    unknown: list[tuple[str, str]] = []
    with store.transaction() as connection:
        if bundle.sequence <= _state(connection).down_applied:
            return Applied(bundle.sequence)
        costs = decoded.costs or (0,) * len(bundle.items)
        for item, cost in zip(bundle.items, costs, strict=True):
            if isinstance(item, Mail | Stub):
                if isinstance(item, Mail):
                    nobody = stubs.deliver(connection, item)
                    _look_for_files(store, connection, item.message)
                    mails += 1
                else:
                    nobody = stubs.announce(connection, item)
                usage.split(connection, entries.readers(connection, item.recipients), cost)
                unknown += [(item.message.message_id, recipient) for recipient in nobody]
            elif isinstance(item, Grant):
                usage.split(connection, content_requests.grant(connection, item), cost)
            elif isinstance(item, Denial):
                content_requests.deny(connection, item.kind, item.name, item.reason)
            elif isinstance(item, Event):
                _note(connection, item)
                events += 1
        connection.execute("UPDATE sync SET down_applied = ?", (bundle.sequence,))
        _change_history(connection, _history(connection).append(decoded.record))
    return Applied(bundle.sequence, mails, events, tuple(unknown))


def skip_up(store: Store, sequence: int) -> None:
    """Note that the relay has applied bundles up to `sequence` which this store knows nothing of.

    So it is when the store was restored from a copy: a new bundle must not take an old number.
    """
    with store.transaction() as connection:
        pending = _state(connection).up_pending
        if pending is not None:
            _release(connection, pending, "its number was used before")
        connection.execute("UPDATE sync SET up_sequence = max(up_sequence, ?)", (sequence,))


def accounts(store: Store) -> list[str]:
    """Return the local part of every account and alias, in order."""
    with store.reading() as connection:
        names = connection.execute(
            "SELECT name FROM account UNION SELECT name FROM alias ORDER BY 1"
        )
        return [row["name"] for row in names]


def record_session(store: Store, record: SessionRecord) -> None:
    """Keep `record` for the keeper's page."""
    with store.transaction() as connection:
        connection.execute(
            "INSERT INTO sync_session"
            " (started, ended, link, bytes_up, bytes_down, sent, received, error, error_said,"
            " money, currency) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                int(record.started.timestamp()),
                int(record.ended.timestamp()),
                record.link,
                record.bytes_up,
                record.bytes_down,
                record.sent,
                record.received,
                record.error,
                json.dumps(getattr(record.error, "said", None)),
                record.money,
                record.currency,
            ),
        )
        connection.execute(
            "DELETE FROM sync_session WHERE id <= (SELECT max(id) FROM sync_session) - ?",
            (_SESSIONS_KEPT,),
        )


def sessions(store: Store, limit: int) -> list[SessionRecord]:
    """Return the last `limit` sessions, the latest first."""
    with store.reading() as connection:
        return [
            SessionRecord(
                datetime.fromtimestamp(row["started"], UTC),
                datetime.fromtimestamp(row["ended"], UTC),
                row["link"],
                row["bytes_up"],
                row["bytes_down"],
                row["sent"],
                row["received"],
                said_again(json.loads(row["error_said"]), row["error"]),
                row["money"],
                row["currency"],
            )
            for row in connection.execute(
                "SELECT * FROM sync_session ORDER BY id DESC LIMIT ?", (limit,)
            )
        ]


def _state(connection: sqlite3.Connection) -> SyncState:
    row = connection.execute("SELECT * FROM sync").fetchone()
    pending = None
    if row["pending_path"] is not None:
        pending = PendingUp(
            row["up_sequence"],
            row["pending_size"],
            row["pending_sha256"],
            Path(row["pending_path"]),
            row["pending_record"],
        )
    return SyncState(row["up_sequence"], pending, row["down_applied"], row["hello_counter"])


def _release(connection: sqlite3.Connection, pending: PendingUp, reason: str) -> None:
    connection.execute(
        "UPDATE outgoing SET state = 'waiting', sequence = NULL, reason = ?"
        " WHERE state = 'bundled' AND sequence = ?",
        (reason, pending.sequence),
    )
    connection.execute("UPDATE sync SET up_sequence = ?", (pending.sequence - 1,))
    content_requests.release(connection, pending.sequence)
    _forget_pending(connection)


def _look_for_files(store: Store, connection: sqlite3.Connection, message: Message) -> None:
    """Note what the relay holds; ask it for a file that it took to be here and that is not.

    Files are only ever removed within a transaction, so one that is here now stays.
    """
    for part in message.attachments:
        if not part.held_back and not store.attachments.path(part.digest).exists():
            content_requests.ask(connection, "file", part.digest, None)
    at_relay = [part.original or part.digest for part in message.attachments]
    content_requests.note_at_relay(connection, at_relay, messages.now())


def _forget_pending(connection: sqlite3.Connection) -> None:
    connection.execute(
        "UPDATE sync SET pending_size = NULL, pending_sha256 = NULL, pending_path = NULL,"
        " pending_record = NULL"
    )


def _history(connection: sqlite3.Connection) -> History:
    return History(Row(*row) for row in connection.execute("SELECT * FROM history"))


def _change_history(connection: sqlite3.Connection, change: Change) -> None:
    for kind, position in change.forget.items():
        connection.execute("DELETE FROM history WHERE kind = ? AND position < ?", (kind, position))
    for row in change.rows:
        connection.execute(
            "INSERT INTO history (kind, position, data) VALUES (?, ?, ?)",
            (row.kind, row.position, row.data),
        )


def _note(connection: sqlite3.Connection, event: Event) -> None:
    """Write down how far a mail came; its writer sees a mail that did not arrive as unread."""
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
