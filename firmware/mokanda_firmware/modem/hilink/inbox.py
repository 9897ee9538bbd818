# SPDX-License-Identifier: Apache-2.0
"""The messages of a HiLink stick: it puts their parts together, and keeps them until told not to.

It announces none, so that it is asked now and then. Some want a log-in for it; those keep theirs.
"""

import logging
import re
from collections.abc import Collection
from contextlib import suppress
from datetime import datetime
from typing import Final

from mokanda_firmware.modem import inbox
from mokanda_firmware.modem.clock import Turns
from mokanda_firmware.modem.credit import Credit
from mokanda_firmware.modem.hilink.page import (
    Page,
    PageError,
    RefusedError,
    StrangerError,
)
from mokanda_firmware.modem.messages import Part

_log = logging.getLogger(__name__)

_PAUSE = 60.0  # seconds between two looks, however many messages there are
_REST = 600.0  # where there are no more, or the stick has told none
_VISIT = 3.0  # seconds for each step; nobody else waits for it
_MOST_AT_ONCE = 20  # as its own page has it
_MAX_TEXT = 20 * 160  # characters of a message, as of those that come in parts
_MAX_SENDER = 40
_INDEX: Final = re.compile(r"\d{1,9}", re.ASCII)
_REPORTS: Final = frozenset({"7", "8"})  # SmsType: whether another message has come, or has not


class _Box:
    """One of the stick's memories, which is read from its oldest message on."""

    def __init__(self, name: str, number: str) -> None:
        self.name = name  # of its count in sms/sms-count
        self._number = number
        self._begin()

    def _begin(self) -> None:
        self._size, self._at = _MOST_AT_ONCE, 1

    def _go_on(self, count: int) -> bool:
        """Go past what comes next; whether there is more behind it, of so many messages."""
        self._at += 1
        if (self._at - 1) * self._size < count:
            return True
        self._begin()
        return False

    def read(self, page: Page) -> list[dict[str, str]]:
        """Return what the stick lists next. Raises PageError; StrangerError: it is unusable."""
        wanted = {
            "PageIndex": str(self._at),
            "ReadCount": str(self._size),
            "BoxType": self._number,
            "SortType": "0",
            "Ascending": "1",
            "UnreadPreferred": "0",
        }
        return page.post("sms/sms-list", wanted).rows[: self._size]

    def is_unusable(self, count: int) -> bool:
        """One message spoils the list: go on by single ones; whether there are more."""
        if self._size == 1:
            return self._go_on(count)
        self._size, self._at = 1, 1
        return True

    def was_read(self, found: int, deleted: int, count: int) -> bool:
        """Go past what cannot be deleted; whether there are more."""
        if found and not deleted:
            return self._go_on(count)
        is_last = found < self._size and deleted == found
        self._begin()
        return not is_last


class Inbox:
    """The stick's messages; nothing of it holds up mail."""

    def __init__(self, clock: Turns, credit: Credit) -> None:
        self._clock = clock
        self._credit = credit
        self._boxes = (_Box("LocalInbox", "1"), _Box("SimInbox", "5"))
        self._next = 0.0
        self._has_more = False

    def empty(self, page: Page, names: Collection[str]) -> float:
        """Keep the messages that are there, and have them deleted there once they are kept.

        The network's `names` are those of `inbox.names_of`. Return the seconds after which to come
        again.
        """
        now = self._clock.now()
        if now >= self._next:
            try:
                self._has_more = self._take_all(page, names)
                self._next = now + _PAUSE
            except PageError as error:
                _log.info("the stick tells no messages: %s", error)
                self._has_more = False
                self._next = now + _REST
        return self._next - now if self._has_more else _REST

    def _take_all(self, page: Page, names: Collection[str]) -> bool:
        """Return whether there may be more in one of the memories."""
        with self._clock.others_meanwhile(), page.visit(_VISIT):
            told = page.get("sms/sms-count")
        counts = [(box, _count(told.get(box.name, ""))) for box in self._boxes]
        left = [self._take(page, box, count, names) for box, count in counts if count]
        return any(left)

    def _take(self, page: Page, box: _Box, count: int, names: Collection[str]) -> bool:
        try:
            with self._clock.others_meanwhile(), page.visit(_VISIT):
                rows = box.read(page)
        except StrangerError as error:
            _log.info("messages cannot be read: %s", error)
            return box.is_unusable(count)
        if not inbox.keep(_parts(rows, names), names, self._credit):
            return False
        with self._clock.others_meanwhile():
            deleted = _delete(page, [row.get("Index", "") for row in rows])
        return box.was_read(len(rows), deleted, count)


def _count(text: str) -> int:
    return int(text) if re.fullmatch(r"\d{1,4}", text, re.ASCII) else 0


def _delete(page: Page, indexes: list[str]) -> int:
    """Have messages deleted, as many as there is time for; return how many were."""
    deleted = 0
    with suppress(PageError), page.visit(_VISIT):
        for index in filter(_INDEX.fullmatch, indexes):
            with suppress(RefusedError):
                page.post("sms/delete-sms", {"Index": index})
                deleted += 1
    return deleted


def _parts(rows: list[dict[str, str]], names: Collection[str]) -> list[Part]:
    return [
        inbox.readable(
            Part(
                row.get("Phone", "")[:_MAX_SENDER],
                _time(row.get("Date", "")),
                row.get("Content", "")[:_MAX_TEXT],
            ),
            names,
        )
        for row in rows
        if row.get("SmsType") not in _REPORTS
    ]


def _time(date: str) -> datetime | None:
    """Return when a message was sent: by the centre's clock, whose zone the stick leaves out."""
    with suppress(ValueError):
        sent = datetime.strptime(date, "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007
        return sent if 2000 <= sent.year < 2100 else None
    return None
