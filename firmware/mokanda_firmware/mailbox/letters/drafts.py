# SPDX-License-Identifier: Apache-2.0
"""Letters not yet sent: what stands in the form, and the files that came with it."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mokanda_firmware.mailbox.store import clock, damage
from mokanda_firmware.mailbox.store.database import Store
from mokanda_wire.message import Attachment


class Draft(NamedTuple):
    """A letter being written; `fields` are the form's, `updated` is seconds since 1970.

    Of one that `is_damaged` all that is left stands in its text.
    """

    id: int
    fields: dict[str, str]
    attachments: tuple[Attachment, ...]
    updated: int
    is_damaged: bool = False


def save(
    connection: sqlite3.Connection,
    account: int,
    draft: int | None,
    fields: Mapping[str, str],
    attachments: Sequence[Attachment],
) -> int:
    """Keep what is being written, inside the caller's transaction.

    Returns the draft's number, a new one if `draft` is none of the account's.
    """
    text = json.dumps(dict(fields), ensure_ascii=False)
    changed = connection.execute(
        "UPDATE draft SET fields = ?, updated = ? WHERE id = ? AND account = ?",
        (text, clock.now(), draft, account),
    ).rowcount
    if draft is None or not changed:
        draft = connection.execute(
            "INSERT INTO draft (account, fields, updated) VALUES (?, ?, ?)",
            (account, text, clock.now()),
        ).lastrowid
        assert draft is not None
    connection.execute("DELETE FROM draft_attachment WHERE draft = ?", (draft,))
    connection.executemany(
        "INSERT INTO draft_attachment (draft, position, name, media_type, size, digest, original,"
        " original_size) VALUES (:draft, :position, :name, :media_type, :size, :digest, :original,"
        " :original_size)",
        [
            {"draft": draft, "position": position, **part._asdict()}
            for position, part in enumerate(attachments)
        ],
    )
    return draft


def load(store: Store, account: int, draft: int) -> Draft | None:
    """Return this draft if it is the account's own."""
    with store.reading() as connection:
        row = connection.execute(
            "SELECT * FROM draft WHERE id = ? AND account = ?", (draft, account)
        ).fetchone()
        return None if row is None else _from_row(connection, row)


def find(store: Store, account: int, once: str) -> Draft | None:
    """Return the account's draft of a form, by the field that tells forms apart."""
    with store.reading() as connection:
        row = connection.execute(
            "SELECT * FROM draft WHERE account = ? AND json_valid(fields)"
            " AND fields ->> 'once' = ? ORDER BY updated DESC, id DESC",
            (account, once),
        ).fetchone()
        return None if row is None else _from_row(connection, row)


def all_of(store: Store, account: int) -> list[Draft]:
    """Return the account's drafts, the latest first."""
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT * FROM draft WHERE account = ? ORDER BY updated DESC, id DESC", (account,)
        )
        return [_from_row(connection, row) for row in rows.fetchall()]


def discard(connection: sqlite3.Connection, account: int, draft: int) -> None:
    """Forget this draft, inside the caller's transaction."""
    connection.execute("DELETE FROM draft WHERE id = ? AND account = ?", (draft, account))


def _from_row(connection: sqlite3.Connection, row: sqlite3.Row) -> Draft:
    attachments = connection.execute(
        "SELECT name, media_type, digest, size, original, original_size FROM draft_attachment"
        " WHERE draft = ? ORDER BY position",
        (row["id"],),
    )
    fields = _fields(row["fields"])
    return Draft(
        row["id"],
        {"text": row["fields"]} if fields is None else fields,
        tuple(Attachment(**dict(part)) for part in attachments),
        row["updated"],
        fields is None,
    )


def _fields(text: str) -> dict[str, str] | None:
    """Read the fields of a form; None if they are damaged."""
    try:
        return {name: str(value) for name, value in json.loads(text).items()}
    except (AttributeError, ValueError):
        damage.note("the mail store has a draft that is damaged")
        return None
