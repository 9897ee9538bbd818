# SPDX-License-Identifier: Apache-2.0
"""What can be read of a damaged mail store, row by row, brought into a new one.

A damaged page ends the reading of its table where it lies. So a table is read from both ends up to
the damage, and what is between is halved until single rows are left that cannot be read.
"""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

from mokanda_firmware.mailbox.store.database import make_schema

_MAX_TRIES = 20_000  # of reading parts of one table
_NOT_COPIED = ("session", "shared_session")  # who was logged in does so again
Row = tuple[Any, ...]
# Columns of JSON, of what type each is, and what (as SQL) takes the place of what is none.
_JSON = (
    ("draft", "fields", "object", "json_object('text', fields)"),
    ("message", "recipients", "object", "'{}'"),
    ("message", "reference_ids", "array", "'[]'"),
    ("people_group", "members", "array", "'[]'"),
)
_log = logging.getLogger(__name__)


def salvage(damaged: Path, target: Path) -> int:
    """Bring all that can be read of a damaged store into a new one at `target`.

    The new one stands where the damaged one stood with its relay, with its history begun anew: the
    two ends then find together what each of them has. Returns how many rows are lost, as far as
    can be told.

    Raises:
        sqlite3.Error: nothing can be read, or there is no room.
        OSError: there is no room.
    """
    target.unlink(missing_ok=True)
    with (
        closing(sqlite3.connect(damaged, isolation_level=None)) as old,
        closing(sqlite3.connect(target, isolation_level=None)) as new,
    ):
        old.text_factory = lambda data: data.decode("utf-8", "replace")
        [version] = old.execute("PRAGMA user_version").fetchone()
        new.execute("BEGIN")
        make_schema(new, version)
        additions = {*_tables(new)} - {*_tables(old)}  # an earlier version has left them out
        tables = [each for each in _tables(new) if each not in {*_NOT_COPIED, *additions}]
        lost = sum(_copy(old, new, table) for table in tables)
        lost += _drop_orphans(new)
        if lost:
            _begin_relations_anew(new)
        _address_what_waits(new)
        lost += _empty_what_is_no_json(new)
        new.execute(
            "INSERT INTO body (message, text, html) SELECT id, '', '' FROM message"
            " WHERE id NOT IN (SELECT message FROM body)"
        )
        new.execute("INSERT INTO search (search) VALUES ('rebuild')")
        new.execute("COMMIT")
    _log.warning("salvaged the mail store; %d rows are lost", lost)
    return lost


def _tables(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute(
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
        " AND name NOT LIKE 'sqlite_%' ORDER BY name"
    )
    return [name for (name,) in rows]


def _copy(old: sqlite3.Connection, new: sqlite3.Connection, table: str) -> int:
    """Copy what can be read of a table; return how many rows cannot be."""
    columns = list(new.execute("SELECT name, pk FROM pragma_table_info(?)", (table,)))
    names = ", ".join(name for name, _ in columns)
    keys = [name for name, place in sorted(columns, key=lambda each: each[1]) if place]
    insert = f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608 - names of our own schema
    if table == "sync":  # the row that a new store has already
        insert = insert.replace("IGNORE", "REPLACE", 1)
    failed = 0
    for direction in ("ASC", "DESC"):
        order = ", ".join(f"{key} {direction}" for key in keys or ["rowid"])
        select = f"SELECT {names} FROM {table} NOT INDEXED ORDER BY {order}"  # noqa: S608
        is_whole = False
        for row in _read(old, select):
            if row is None:
                is_whole = True
            else:
                failed += _insert(new, insert, row)
        if is_whole:
            return failed
    if len(keys) != 1:
        return failed + 1  # at least
    for row in _between(old, new, table, names, keys[0]):
        failed += 1 if row is None else _insert(new, insert, row)
    return failed


def _read(old: sqlite3.Connection, select: str) -> Iterator[Row | None]:
    """Read rows up to the first that cannot be; None at last if all can."""
    try:
        rows = old.execute(select)
        while (row := rows.fetchone()) is not None:
            yield row
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        _log.warning("%s: %s", select.partition(" FROM ")[2], error)
    else:
        yield None


def _insert(new: sqlite3.Connection, insert: str, row: Row) -> int:
    """Insert a row, unless it is there; return 1 if what was read of it is none."""
    try:
        new.execute(insert, row)
    except sqlite3.IntegrityError:
        return 1
    return 0


def _between(
    old: sqlite3.Connection, new: sqlite3.Connection, table: str, names: str, key: str
) -> Iterator[Row | None]:
    """Read the rows between those that were read from both ends; None for each that fails."""
    rows = new.execute(f"SELECT {key} FROM {table} ORDER BY {key}").fetchall()  # noqa: S608
    numbers = [number for (number,) in rows if isinstance(number, int)]
    if len(numbers) != len(rows):
        yield None
        return
    end = max([*numbers, _highest_number(old)])
    gaps = [(low + 1, high - 1) for low, high in pairwise([0, *numbers, end + 1]) if high - low > 1]
    select = f"SELECT {names} FROM {table} NOT INDEXED WHERE {key} BETWEEN ? AND ?"  # noqa: S608
    for _ in range(_MAX_TRIES):
        if not gaps:
            return
        low, high = gaps.pop()
        try:
            found = old.execute(select, (low, high)).fetchall()
        except (sqlite3.DatabaseError, UnicodeDecodeError):
            if low == high:
                yield None
                continue
            middle = (low + high) // 2
            gaps += [(low, middle), (middle + 1, high)]
        else:
            yield from found
    yield None  # there may be more


def _highest_number(old: sqlite3.Connection) -> int:
    """Return the highest number that a row of any table had, as far as can be read."""
    try:
        [number] = old.execute("SELECT max(seq) FROM sqlite_sequence").fetchone()
    except sqlite3.DatabaseError:
        return 0
    return int(number or 0)


def _drop_orphans(new: sqlite3.Connection) -> int:
    """Delete rows that refer to rows that are lost; return how many."""
    dropped = 0
    while broken := new.execute("PRAGMA foreign_key_check").fetchall():
        for table, number, *_ in broken:
            if number is None:  # a table without row numbers tells none: look for all of them
                dropped += _drop_orphans_of(new, table)
            else:
                statement = f"DELETE FROM {table} WHERE rowid = ?"  # noqa: S608
                dropped += new.execute(statement, (number,)).rowcount
    return dropped


def _drop_orphans_of(new: sqlite3.Connection, table: str) -> int:
    dropped = 0
    for _, _, parent, column, to, *_ in new.execute(
        "SELECT * FROM pragma_foreign_key_list(?)", (table,)
    ).fetchall():
        dropped += new.execute(
            f"DELETE FROM {table} WHERE {column} NOT IN (SELECT {to or 'id'} FROM {parent})"  # noqa: S608
        ).rowcount
    return dropped


def _empty_what_is_no_json(new: sqlite3.Connection) -> int:
    """Put what says nothing in the place of JSON that nobody can read; return in how many rows."""
    changed = new.execute("DELETE FROM setting WHERE NOT json_valid(value)").rowcount
    tables = _tables(new)  # a version that is older may lack one
    for table, column, kind, empty in _JSON:
        if table in tables:
            changed += new.execute(
                f"UPDATE {table} SET {column} = {empty}"  # noqa: S608 - constants
                f" WHERE iif(json_valid({column}), json_type({column}), '') <> ?",
                (kind,),
            ).rowcount
    return changed


def _begin_relations_anew(new: sqlite3.Connection) -> None:
    """Claim nothing towards the relay that may be untrue now.

    A bundle on its way may carry what is lost, so it is given up: should the relay have applied it,
    the next one of its number tells it that mails may come again. That villagers are lost does not
    mean that they were deleted.
    """
    new.execute("UPDATE outgoing SET state = 'waiting', sequence = NULL WHERE state = 'bundled'")
    columns = {name for (name,) in new.execute("SELECT name FROM pragma_table_info('sync')")}
    pending = [name for name in columns if name.startswith("pending_") and name != "pending_format"]
    emptied = ", ".join(f"{name} = NULL" for name in pending)
    new.execute(
        f"UPDATE sync SET up_sequence = up_sequence - 1, {emptied}"  # noqa: S608
        " WHERE pending_path IS NOT NULL"
    )
    new.execute("DELETE FROM history")
    new.execute("DELETE FROM setting WHERE key LIKE 'courier\\_%' ESCAPE '\\'")


def _address_what_waits(new: sqlite3.Connection) -> None:
    """Give letters that wait to leave, and have lost whom they go to, what stands in their head."""
    new.execute(
        "INSERT INTO delivery (message, address, state, at)"
        " SELECT DISTINCT message.id, json_extract(mailbox.value, '$[0]'), 'waiting', queued"
        " FROM outgoing JOIN message ON message.id = outgoing.message,"
        " json_each(iif(json_valid(recipients), recipients, '{}')) AS field,"
        " json_each(field.value) AS mailbox"
        " WHERE outgoing.state = 'waiting' AND field.key IN ('to', 'cc')"
        " AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.message = message.id)"
        # Neighbours have it already.
        " AND mailbox.value NOT LIKE '%' || substr(sender_address, instr(sender_address, '@'))"
        " || '\"%'"
    )
