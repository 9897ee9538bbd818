# SPDX-License-Identifier: Apache-2.0
"""Lists of letters, read by index and without their bodies, so that thousands take no time."""

import json
import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mokanda_firmware.mailbox import messages
from mokanda_firmware.mailbox.entries import Folder
from mokanda_firmware.mailbox.store import Store
from mokanda_wire.message import Mailbox

PAGE_LENGTH = 20
# Folders that show one line for each conversation.
BY_CONVERSATION = frozenset({"inbox", "archive"})
# Around the words found, in `Line.found`: control characters, which no letter holds.
MARK, UNMARK = "\x02", "\x03"

_LINE = (
    "entry.id, entry.folder, origin, unread, at, entry.thread, sender_address, sender_name,"
    " recipients, message.subject, attachments, size"
)


@dataclass(frozen=True, slots=True)
class Line:
    """An entry as a list shows it, ``at`` in seconds since 1970.

    In a folder that is listed by conversation it stands for its whole conversation there:
    ``letters`` counts them, and ``unread`` holds for any of them.
    """

    id: int
    folder: str
    origin: str
    unread: bool
    at: int
    sender: Mailbox
    to: tuple[Mailbox, ...]
    subject: str
    attachments: int
    size: int
    letters: int = 1
    found: str = ""  # what of the text a search found, between MARK and UNMARK


@dataclass(frozen=True, slots=True)
class Page:
    """Some lines of a folder, the latest first, and where the pages beside it begin."""

    lines: list[Line] = field(default_factory=list)
    newer: int | None = None  # pass as ``after``
    older: int | None = None  # pass as ``before``


@dataclass(frozen=True, slots=True)
class Query:
    """What to search for: beginnings of words that must all be there; times as in the store."""

    words: str
    people: str = ""
    subject: str = ""
    since: int | None = None
    until: int | None = None


def page(
    store: Store,
    account: int,
    folder: Folder,
    *,
    before: int | None = None,
    after: int | None = None,
    limit: int = PAGE_LENGTH,
) -> Page:
    """Return the ``limit`` lines of a folder next to an entry, or its first ones."""
    bound, order, edge = "", "DESC", 0
    if before is not None:
        bound, edge = "AND entry.id < :edge", before
    elif after is not None:
        bound, order, edge = "AND entry.id > :edge", "ASC", after
    mine = "account = :account AND folder = :folder"
    if folder in BY_CONVERSATION:
        mine += " AND newest"
    with store.reading() as connection:
        rows = connection.execute(
            f"SELECT {_LINE} FROM entry JOIN message ON message.id = entry.message"  # noqa: S608
            f" WHERE {mine} {bound} ORDER BY entry.id {order} LIMIT :limit",
            {"account": account, "folder": folder, "edge": edge, "limit": limit},
        ).fetchall()
        if not rows:
            return Page()
        rows.sort(key=lambda row: -row["id"])
        lines = [_line(row, **_conversation(connection, account, row)) for row in rows]
        ends = {"account": account, "folder": folder, "a": rows[0]["id"], "b": rows[-1]["id"]}
        newer, older = connection.execute(
            f"SELECT EXISTS (SELECT 1 FROM entry WHERE {mine} AND id > :a),"  # noqa: S608
            f" EXISTS (SELECT 1 FROM entry WHERE {mine} AND id < :b)",
            ends,
        ).fetchone()
    return Page(lines, ends["a"] if newer else None, ends["b"] if older else None)


def search(
    store: Store,
    account: int,
    query: Query,
    *,
    before: int | None = None,
    limit: int = PAGE_LENGTH,
) -> Page:
    """Return the latest letters that have every word, in all folders but the trash.

    Accents and case do not matter. Pass the last line's ``older`` as ``before`` for more; a page
    of a search has no ``newer``.
    """
    match = _match(query)
    if not match:
        return Page()
    with store.reading() as connection:
        # FTS5 walks the letters from the latest one and stops at the limit.
        rows = connection.execute(
            f"SELECT {_LINE}, search.rowid AS number FROM search"  # noqa: S608
            " CROSS JOIN entry ON entry.message = search.rowid"
            " CROSS JOIN message ON message.id = search.rowid"
            " WHERE search MATCH :match AND account = :account AND entry.folder <> 'trash'"
            " AND search.rowid < :before AND at >= :since AND at < :until"
            " ORDER BY search.rowid DESC, entry.id DESC LIMIT :limit",
            {
                "match": match,
                "account": account,
                "before": _NEVER if before is None else before,
                "since": query.since or 0,
                "until": _NEVER if query.until is None else query.until,
                "limit": limit + 1,
            },
        ).fetchall()
        lines = [_line(row, found=_found(connection, match, row["number"])) for row in rows[:limit]]
    return Page(lines, older=rows[limit - 1]["number"] if len(rows) > limit else None)


def unread(store: Store, account: int) -> dict[str, int]:
    """Count the unread entries of each folder that has any."""
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT folder, count(*) FROM entry WHERE account = ? AND unread GROUP BY folder",
            (account,),
        )
        return dict(tuple(row) for row in rows)


_NEVER = 1 << 62


def _conversation(connection: sqlite3.Connection, account: int, row: sqlite3.Row) -> dict[str, Any]:
    if row["folder"] not in BY_CONVERSATION:
        return {}
    letters, any_unread = connection.execute(
        "SELECT count(*), max(unread) FROM entry WHERE account = ? AND thread = ? AND folder = ?",
        (account, row["thread"], row["folder"]),
    ).fetchone()
    return {"letters": letters, "unread": bool(any_unread)}


def _line(row: Mapping[str, Any], **changes: Any) -> Line:  # noqa: ANN401
    fields = {
        "id": row["id"],
        "folder": row["folder"],
        "origin": row["origin"],
        "unread": bool(row["unread"]),
        "at": row["at"],
        "sender": Mailbox(row["sender_address"], row["sender_name"]),
        "to": messages.people_from_json(json.loads(row["recipients"])["to"]),
        "subject": row["subject"],
        "attachments": row["attachments"],
        "size": row["size"],
    }
    return Line(**{**fields, **changes})


def _match(query: Query) -> str:
    """Write a query of FTS5; nothing that is typed is an operator of it."""
    parts = [_words(query.words)]
    parts += [f"people : ({words})" for words in [_words(query.people)] if words]
    parts += [f"subject : ({words})" for words in [_words(query.subject)] if words]
    return " AND ".join(part for part in parts if part)


def _words(text: str) -> str:
    return " AND ".join(f'"{word}"*' for word in re.findall(r"\w+", text)[:20])


def _found(connection: sqlite3.Connection, match: str, number: int) -> str:
    text = connection.execute(
        "SELECT snippet(search, 2, ?, ?, '…', 12) FROM search WHERE search MATCH ? AND rowid = ?",
        (MARK, UNMARK, match, number),
    ).fetchone()[0]
    return " ".join(str(text).split(" ")) if MARK in text else ""
