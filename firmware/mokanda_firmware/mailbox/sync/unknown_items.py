# SPDX-License-Identifier: Apache-2.0
"""What the relay sends and this software does not know: kept until an update reads it."""

import logging
import sqlite3
from collections.abc import Iterable

from mokanda_firmware.mailbox.store.database import Store
from mokanda_wire import unknown
from mokanda_wire.items import Item, ItemsError, Unknown
from mokanda_wire.message import Message

log = logging.getLogger(__name__)


def keep(connection: sqlite3.Connection, items: Iterable[Item]) -> None:
    """Keep what is not known of these items, within bounds."""
    new = list(unknown.unknown_in(items))
    if not new:
        return
    log.warning("kept until an update knows it: %s", unknown.kinds(new))
    kept = unknown.kept(list(_rows(connection).values()), new)
    connection.execute("DELETE FROM unknown_item")
    connection.executemany(
        "INSERT INTO unknown_item (text, format, ticket) VALUES (?, ?, ?)",
        [(each.text.encode(), each.format, each.ticket) for each in kept],
    )


def take_known(connection: sqlite3.Connection) -> tuple[list[Item], list[tuple[str, Message]]]:
    """Take out what this software knows by now, the oldest first.

    Also returns the fields of mails among it: a mail's ticket, and one with nothing else in it.
    """
    items: list[Item] = []
    fields: list[tuple[str, Message]] = []
    for number, each in _rows(connection).items():
        try:
            if each.ticket and (field := unknown.read_field(each)):
                fields.append((each.ticket, field))
            elif item := unknown.read_again(each):
                items.append(item)
            else:
                continue
        except ItemsError as error:
            log.error("what was kept cannot be read: %s", error)
        connection.execute("DELETE FROM unknown_item WHERE id = ?", (number,))
    return items, fields


def kinds(store: Store) -> str:
    """Name the kinds of what is kept; "" for nothing."""
    with store.reading() as connection:
        return unknown.kinds(_rows(connection).values())


def _rows(connection: sqlite3.Connection) -> dict[int, Unknown]:
    rows = connection.execute("SELECT * FROM unknown_item ORDER BY id")
    return {row["id"]: Unknown(row["text"].decode(), row["format"], row["ticket"]) for row in rows}
