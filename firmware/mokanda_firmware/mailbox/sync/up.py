# SPDX-License-Identifier: Apache-2.0
"""A bundle on its way up: frozen with its number, then confirmed by the relay or released."""

import sqlite3
from collections.abc import Sequence

from mokanda_firmware.mailbox.costs import usage
from mokanda_firmware.mailbox.store import at_relay, clock, content_requests
from mokanda_firmware.mailbox.store.database import Store, StoreError
from mokanda_firmware.mailbox.sync import history
from mokanda_firmware.mailbox.sync.state import PendingUp, read_state, sync_state
from mokanda_wire.bundle import ContentRequest


def freeze_up(
    store: Store,
    sequence: int,
    sealed: PendingUp,
    message_ids: Sequence[str],
    requests: Sequence[ContentRequest] = (),
) -> None:
    """Bind waiting mails and content requests to the sealed bundle `sequence`, the next one.

    Raises:
        StoreError: another bundle is on its way, the number is not the next one, or a mail or
            request is not waiting any more; nothing has changed.
    """
    with store.transaction() as connection:
        before = read_state(connection)
        if before.up_pending is not None or sequence != before.up_sequence + 1:
            raise StoreError(f"bundle {sequence} cannot follow bundle {before.up_sequence} now")
        for message_id in message_ids:
            _bind_mail(connection, sequence, message_id)
        if not content_requests.bind(connection, sequence, requests):
            raise StoreError("a content request was withdrawn")
        connection.execute(
            "UPDATE sync SET up_sequence = ?, pending_size = ?, pending_sha256 = ?,"
            " pending_path = ?, pending_record = ?, pending_format = ?",
            (
                *(sequence, sealed.size, sealed.sha256, str(sealed.path)),
                *(sealed.record, sealed.format),
            ),
        )


def confirm_up(store: Store, sequence: int) -> int:
    """Record that the relay has applied bundle `sequence`: its mails leave the outbox for sent.

    Returns how many mails it carried; 0 when that was known already.
    """
    with store.transaction() as connection:
        pending = read_state(connection).up_pending
        if pending is None or pending.sequence != sequence:
            return 0
        _mark_relayed(connection, sequence)
        _charge_writers(connection, sequence)
        _mark_files_at_relay(connection, sequence)
        content_requests.confirm(connection, sequence)
        history.extend(connection, pending.record)
        _forget_pending(connection)
        return connection.execute(
            "UPDATE outgoing SET state = 'sent' WHERE state = 'bundled' AND sequence = ?",
            (sequence,),
        ).rowcount


def release_up(store: Store, sequence: int, reason: str) -> None:
    """Record that the relay refused bundle `sequence` for good: its mails wait for another."""
    with store.transaction() as connection:
        pending = read_state(connection).up_pending
        if pending is not None and pending.sequence == sequence:
            _release(connection, pending, reason)


def skip_up(store: Store, sequence: int) -> None:
    """Record that the relay has applied bundles up to `sequence` which are not known here.

    So it is when the store was restored from a copy: a new bundle must not take an old number.
    """
    with store.transaction() as connection:
        _release_pending(connection, "its number was used before")
        connection.execute("UPDATE sync SET up_sequence = max(up_sequence, ?)", (sequence,))


def send_forgotten(store: Store, applied: int) -> int:
    """Let mails wait again that the relay, with bundles up to `applied`, knows nothing of.

    It was restored from a copy. What it has told of as sent, or arrived, or not to be sent, stays
    as it is, and so does what its writer has deleted for good. Returns how many mails wait again.
    """
    state = sync_state(store)
    if applied >= state.up_sequence - (state.up_pending is not None):
        return 0
    with store.transaction() as connection:
        mails = [(row["message"],) for row in connection.execute(_FORGOTTEN, (applied,))]
        connection.executemany(
            "UPDATE delivery SET state = 'waiting' WHERE state = 'relayed' AND message = ?", mails
        )
        connection.executemany(
            "UPDATE outgoing SET state = 'waiting', sequence = NULL,"
            " reason = 'the relay was restored from a copy' WHERE message = ?",
            mails,
        )
        return len(mails)


# Mails of later bundles, of which it was not told what became of them.
_FORGOTTEN = (
    "SELECT DISTINCT outgoing.message FROM outgoing"
    " JOIN delivery ON delivery.message = outgoing.message AND delivery.state = 'relayed'"
    " JOIN entry ON entry.message = outgoing.message AND origin = 'written'"
    " WHERE outgoing.state = 'sent' AND sequence > ?"
)


def forget_numbers(store: Store) -> None:
    """Forget which bundles carried what was sent: another relay, or claim, has other numbers."""
    with store.transaction() as connection:
        connection.execute("UPDATE outgoing SET sequence = NULL WHERE state = 'sent'")


def restart_history(store: Store, reason: str) -> None:
    """Begin the history anew, as the relay's has come to differ: a bundle waits for another.

    What is here may come again, under other names.
    """
    with store.transaction() as connection:
        _release_pending(connection, reason)
        history.restart(connection)
        connection.execute(
            "UPDATE sync SET repeats_to = (SELECT coalesce(max(id), 0) FROM message)"
        )
        # One end was restored from a backup, and an answer may have come before it was.
        content_requests.ask_again(connection)


def mails_in_bundle(store: Store, sequence: int) -> list[int]:
    """Return the numbers of the mails that are bound to bundle `sequence`."""
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT message FROM outgoing WHERE state = 'bundled' AND sequence = ? ORDER BY 1",
            (sequence,),
        )
        return [row["message"] for row in rows]


def requests_in_bundle(store: Store, sequence: int) -> list[ContentRequest]:
    """Return the content requests that are bound to bundle `sequence`."""
    with store.reading() as connection:
        return content_requests.in_bundle(connection, sequence)


_BUNDLED = "(SELECT message FROM outgoing WHERE state = 'bundled' AND sequence = :sequence)"


def _bind_mail(connection: sqlite3.Connection, sequence: int, message_id: str) -> None:
    changed = connection.execute(
        "UPDATE outgoing SET state = 'bundled', sequence = ?, reason = '' WHERE state = 'waiting'"
        " AND message IN (SELECT id FROM message WHERE message_id = ?)",
        (sequence, message_id),
    ).rowcount
    if changed != 1:
        raise StoreError(f"mail {message_id} does not wait any more")


def _mark_relayed(connection: sqlite3.Connection, sequence: int) -> None:
    """Move the bundle's mails from the outbox to sent, and tell how far they have come."""
    now = {"now": clock.now(), "sequence": sequence}
    connection.execute(
        "UPDATE delivery SET state = 'relayed', at = :now"  # noqa: S608 - a constant
        f" WHERE state = 'waiting' AND message IN {_BUNDLED}",
        now,
    )
    connection.execute(
        "UPDATE entry SET folder = 'sent', at = :now"  # noqa: S608 - a constant
        f" WHERE folder = 'outbox' AND origin = 'written' AND message IN {_BUNDLED}",
        now,
    )


def _charge_writers(connection: sqlite3.Connection, sequence: int) -> None:
    rows = connection.execute(
        "SELECT account, cost FROM outgoing JOIN entry ON entry.message = outgoing.message"
        " AND origin = 'written' WHERE state = 'bundled' AND sequence = ?",
        (sequence,),
    )
    for row in rows.fetchall():
        usage.charge(connection, row["account"], up=row["cost"] or 0)


def _mark_files_at_relay(connection: sqlite3.Connection, sequence: int) -> None:
    carried = connection.execute(
        f"SELECT digest FROM attachment WHERE original = '' AND message IN {_BUNDLED}",  # noqa: S608
        {"sequence": sequence},
    )
    at_relay.mark(connection, [row["digest"] for row in carried])


def _release_pending(connection: sqlite3.Connection, reason: str) -> None:
    """Release the bundle on its way, if there is one."""
    pending = read_state(connection).up_pending
    if pending is not None:
        _release(connection, pending, reason)


def _release(connection: sqlite3.Connection, pending: PendingUp, reason: str) -> None:
    connection.execute(
        "UPDATE outgoing SET state = 'waiting', sequence = NULL, reason = ?"
        " WHERE state = 'bundled' AND sequence = ?",
        (reason, pending.sequence),
    )
    content_requests.release(connection, pending.sequence)
    connection.execute("UPDATE sync SET up_sequence = ?", (pending.sequence - 1,))
    _forget_pending(connection)


def _forget_pending(connection: sqlite3.Connection) -> None:
    connection.execute(
        "UPDATE sync SET pending_size = NULL, pending_sha256 = NULL, pending_path = NULL,"
        " pending_record = NULL"
    )
