# SPDX-License-Identifier: Apache-2.0
"""Lists of letters, read by index and without their bodies, so that thousands take no time."""

import re
import sqlite3
import unicodedata
from collections.abc import Sequence
from typing import Any, NamedTuple

from mokanda_firmware.mailbox.letters.entries import Folder
from mokanda_firmware.mailbox.letters.moments import written_at
from mokanda_firmware.mailbox.store import messages
from mokanda_firmware.mailbox.store.database import Store
from mokanda_wire.message import Mailbox

PAGE_LENGTH = 20
_MAX_WORDS = 20  # of a search
_QUOTES = dict.fromkeys(map(ord, "\u201c\u201d\u201e\u00ab\u00bb"), '"')
_SEARCHED = 100_000  # characters of a text that are looked at for an excerpt
# Folders that show one line for each conversation.
BY_CONVERSATION = frozenset({"inbox", "archive"})
# Around the words found, in `Line.found`: control characters, which no letter holds.
MARK, UNMARK = "\x02", "\x03"

_LINE = (
    "entry.id, entry.folder, origin, unread, starred, at, date, entry.thread,"  # noqa: S608
    " sender_address, sender_name, recipients, message.subject, attachments, message.size,"
    " entry.message,"
    " coalesce((SELECT stub.size FROM stub WHERE stub.message = message.id), 0) AS stub,"
    f" {messages.WRITTEN_HERE} AS written_here"
)


class Line(NamedTuple):
    """An entry as a list shows it; it came `at`, and was written at `date`, seconds since 1970.

    In a folder that is listed by conversation it stands for its whole conversation there:
    `letters` counts them, and `unread` holds for any of them.
    """

    id: int
    folder: str
    origin: str
    unread: bool
    at: int
    date: int
    sender: Mailbox
    to: tuple[Mailbox, ...]
    subject: str
    attachments: int
    size: int
    letters: int = 1
    from_outside: bool = False  # it came through the relay
    at_relay: int = 0  # bytes of the letter, or of its files, that are not here
    starred: bool = False
    found: str = ""  # what of the text a search found, between MARK and UNMARK


class Page(NamedTuple):
    """Some lines of a folder, the latest first, and where the pages beside it begin."""

    lines: Sequence[Line] = ()
    newer: int | None = None  # pass as `after`
    older: int | None = None  # pass as `before`


class Query(NamedTuple):
    """What to search for: beginnings of words that must all be there; times as in the store."""

    words: str
    people: str = ""
    subject: str = ""
    since: int | None = None
    until: int | None = None
    starred: bool = False  # only such letters


def page(
    store: Store,
    account: int,
    folder: Folder,
    *,
    before: int | None = None,
    after: int | None = None,
    limit: int = PAGE_LENGTH,
) -> Page:
    """Return the `limit` lines of a folder next to an entry, or its first ones."""
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
        lines = [
            _line(store, connection, row, **_conversation(connection, account, row)) for row in rows
        ]
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

    Without a word, days or stars alone choose them. Accents and case do not matter. Pass the last
    line's `older` as `before` for more; a page of a search has no `newer`.
    """
    if not (_match(query) or query.starred or (query.since, query.until) != (None, None)):
        return Page()
    words = _split(query.words)
    with store.reading() as connection:
        rows = _matching(connection, account, query, before, limit + 1)
        if len(rows) > limit and rows[limit]["number"] == rows[limit - 1]["number"]:
            limit -= 1  # a letter to oneself is two entries: keep them on one page
        lines = [
            _line(store, connection, row, found=_excerpt(_text(connection, row["number"]), words))
            for row in rows[:limit]
        ]
    return Page(lines, older=rows[limit - 1]["number"] if len(rows) > limit else None)


def _matching(
    connection: sqlite3.Connection, account: int, query: Query, before: int | None, limit: int
) -> list[sqlite3.Row]:
    """Return the latest letters that a query finds; `number` is that of the mail."""
    match = _match(query)
    number, found = "message.id", "entry JOIN message ON message.id = entry.message WHERE"
    if match:
        # FTS5 walks the letters from the latest one and stops at the limit. The + keeps SQLite from
        # using the bound on rowid for the index of `entry` too, instead of the equality.
        number = "search.rowid"
        found = (
            "search CROSS JOIN entry ON entry.message = +search.rowid"
            " CROSS JOIN message ON message.id = search.rowid WHERE search MATCH :match AND"
        )
    return connection.execute(
        f"SELECT {_LINE}, {number} AS number FROM {found}"  # noqa: S608 - constants
        " account = :account AND entry.folder <> 'trash'"
        f" AND {number} < :before{' AND entry.starred' if query.starred else ''}"
        " AND (at >= :since AND at < :until OR date >= :since AND date < :until)"
        f" ORDER BY {number} DESC LIMIT :limit",
        {
            "match": match,
            "account": account,
            "before": _NEVER if before is None else before,
            "since": query.since or 0,
            "until": _NEVER if query.until is None else query.until,
            "limit": limit,
        },
    ).fetchall()


def _text(connection: sqlite3.Connection, number: int) -> str:
    row = connection.execute(
        "SELECT substr(text, 1, ?) AS text FROM body WHERE message = ?", (_SEARCHED, number)
    ).fetchone()
    return str(row["text"])


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


def _at_relay(store: Store, connection: sqlite3.Connection, row: sqlite3.Row) -> int:
    """Return how many bytes of a letter have not come: all of it, or files."""
    if row["stub"] or not row["attachments"]:
        return int(row["stub"])
    files = connection.execute(
        "SELECT original, original_size FROM attachment WHERE message = ? AND digest = original",
        (row["message"],),
    )
    away = (file for file in files if not store.attachments.path(file["original"]).exists())
    return sum(file["original_size"] for file in away)


def _line(
    store: Store,
    connection: sqlite3.Connection,
    row: sqlite3.Row,
    **changes: Any,  # noqa: ANN401
) -> Line:
    fields = {
        "id": row["id"],
        "folder": row["folder"],
        "origin": row["origin"],
        "unread": bool(row["unread"]),
        "starred": bool(row["starred"]),
        "at": row["at"],
        "date": written_at(row["date"], row["at"]),
        "sender": Mailbox(row["sender_address"], row["sender_name"]),
        "to": messages.people_of(row["recipients"])["to"],
        "subject": row["subject"],
        "attachments": row["attachments"],
        "size": row["size"],
        "from_outside": not row["written_here"],
        "at_relay": _at_relay(store, connection, row),
    }
    return Line(**{**fields, **changes})


def _match(query: Query) -> str:
    """Write a query of FTS5; nothing that is typed is an operator of it."""
    parts = [_words(query.words)]
    parts += [f"people : ({words})" for words in [_words(query.people)] if words]
    parts += [f"subject : ({words})" for words in [_words(query.subject)] if words]
    return " AND ".join(part for part in parts if part)


def _words(text: str) -> str:
    """Write what is searched for: beginnings of words, and what stands in quotes as it stands."""
    plain, phrases = "", []
    for at, part in enumerate(text.translate(_QUOTES).split('"')):
        if at % 2 and (words := _split(part)):
            phrases.append('"' + " ".join(words) + '"')
        else:
            plain += f" {part}"
    return " AND ".join([*phrases, *(f'"{word}"*' for word in _split(plain))])


def _split(text: str) -> list[str]:
    return _WORD.findall(text)[:_MAX_WORDS]


def _excerpt(text: str, words: list[str]) -> str:
    """Return what of a text stands around the first word found, the words between the marks.

    Marking is done here and not by FTS5, which would look every word up again for each letter.
    """
    folded = text.lower().translate(_WITHOUT_ACCENTS)
    if not words or len(folded) != len(text):
        return ""
    beginnings = "|".join(re.escape(word.lower().translate(_WITHOUT_ACCENTS)) for word in words)
    hits = [hit.span() for hit in re.finditer(rf"\b(?:{beginnings})\w*", folded)]
    if not hits:
        return ""
    start = max(0, hits[0][0] - 40)
    end = min(len(text), hits[0][1] + 60)
    start = 0 if start == 0 else text.find(" ", start, hits[0][0]) + 1 or start
    parts, at = ["…" if start else ""], start
    for begin, stop in hits:
        if stop > end:
            break
        parts += [text[at:begin], MARK, text[begin:stop], UNMARK]
        at = stop
    parts += [text[at:end], "…" if end < len(text) else ""]
    return " ".join("".join(parts).split())


# Accents that stand by themselves (ɛ́) are of a word, as for FTS5.
_WORD = re.compile(r"[\w\u0300-\u0331]+")
_WITHOUT_ACCENTS = {code: unicodedata.normalize("NFD", chr(code))[0] for code in range(0xC0, 0x250)}
