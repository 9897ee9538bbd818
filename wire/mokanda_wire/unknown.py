# SPDX-License-Identifier: Apache-2.0
"""What a newer version of the other end sends and this one does not know: kept until it does.

Each end keeps the texts in its own store, says so to whoever can update it, and reads them again
now and then: once it was updated, they turn out to be items like others.
"""

from collections.abc import Iterable, Iterator, Sequence

from mokanda_wire.history import START, History
from mokanda_wire.items import Item, ItemsError, Mail, Unknown
from mokanda_wire.limits import MAX_UNKNOWN, MAX_UNKNOWN_SIZE
from mokanda_wire.message import EPOCH, Message
from mokanda_wire.reader import Reader


def unknown_in(items: Iterable[Item]) -> Iterator[Unknown]:
    """What of these items is not known here, fields of known ones included."""
    for item in items:
        if isinstance(item, Unknown):
            yield item
        elif isinstance(item, Mail):
            yield from item.unknown


def kept(before: Sequence[Unknown], more: Iterable[Unknown]) -> list[Unknown]:
    """What to keep of what was kept before and of what came after it: the newest, within bounds."""
    room, keep = MAX_UNKNOWN_SIZE, list[Unknown]()
    for each in reversed([*before, *more]):
        size = len(each.text.encode())
        if size <= room and len(keep) < MAX_UNKNOWN:
            keep.append(each)
            room -= size
    return keep[::-1]


def read_again(unknown: Unknown) -> Item | None:
    """Read what was kept; None if it is still not known, or is a field of a mail (`read_field`).

    Raises:
        ItemsError: its kind is known now, and this is none of it.
    """
    if unknown.ticket:
        return None
    reader = Reader(EPOCH, History(), History().generation(START), b"", unknown.format)
    items = reader.read(unknown.text, [], max_items=1, max_text=MAX_UNKNOWN_SIZE)
    if len(items) != 1:
        raise ItemsError("this is no item")
    return None if isinstance(items[0], Unknown) else items[0]


def read_field(unknown: Unknown) -> Message | None:
    """Read a field that was kept, as a mail with nothing else in it; None if it is not known.

    Raises:
        ItemsError: its letter is known now, and this is none of it.
    """
    mail = f"M\n0\nx\n+\n\n\n\n{unknown.text}\n\0"
    item = read_again(Unknown(mail, unknown.format))
    return item.message if isinstance(item, Mail) and not item.unknown else None


def kinds(unknown: Iterable[Unknown]) -> str:
    """Name the kinds, for people: `N, Eq, field x`."""
    return ", ".join(sorted({each.kind for each in unknown}))
