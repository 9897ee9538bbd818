# SPDX-License-Identifier: Apache-2.0
"""Text messages that come (3GPP TS 27.005): kept, and deleted from where the modem had put them.

That is the SIM card's memory, or the modem's own; some are in none, but come as they are (+CMT).
"""

import logging
import re
from collections import deque
from collections.abc import Collection
from typing import Final

from mokanda_firmware.modem import inbox
from mokanda_firmware.modem.at import pdu
from mokanda_firmware.modem.at.conversation import At
from mokanda_firmware.modem.at.refusals import AtError
from mokanda_firmware.modem.clock import Clock
from mokanda_firmware.modem.credit import Credit
from mokanda_firmware.modem.messages import Part

_log = logging.getLogger(__name__)

ANNOUNCED: Final = ("+CMTI", "+CMT:")
_DIRECT = "+CMT:"
CONTENT: Final = re.compile(r"(?:[0-9A-F]{2}){10,200}", re.IGNORECASE)
_LISTED: Final = re.compile(  # content that is no message is deleted, or the memory fills
    r"\+CMGL: *(?P<index>\d{1,4}),.*|(?P<direct>\+CMT:.*)|(?P<pdu>[0-9A-F]+)",
    re.IGNORECASE,
)
_KNOWN: Final = re.compile(r"\+CPMS: *\(([^)]*)\).*", re.IGNORECASE)
_USED: Final = re.compile(r'\+CPMS: *(?:"\w\w" *, *)?(\d{1,4}) *,.*', re.IGNORECASE)
_MEMORIES: Final = ("SM", "ME")  # the card's, the modem's
_BOTH = "MT"
_AS_IT_IS: Final = ("",)  # of a modem that does not tell which there are
_MOST_AT_ONCE = 30  # of a memory; a card has room for so many, or fewer
_PAUSE = 60.0  # seconds between two looks, however many are announced


class Inbox:
    """The modem's messages; nothing of it holds up mail."""

    def __init__(self, at: At, clock: Clock, credit: Credit) -> None:
        self._at = at
        self._clock = clock
        self._credit = credit
        self._next = 0.0
        self._is_announced = False
        self._memories: Collection[str] = ()
        self._direct: deque[str] = deque(maxlen=_MOST_AT_ONCE)
        self._is_begun = False  # whether the next line is the content of one that came directly

    def hear(self, lines: list[str]) -> None:
        """Take in what the modem says by itself: that a message came, or the message."""
        for line in lines:
            if self._is_begun and CONTENT.fullmatch(line):
                self._direct.append(line)
            self._is_begun = line.upper().startswith(_DIRECT)
            self._is_announced |= line.upper().startswith(ANNOUNCED[0])

    def empty(self, names: Collection[str]) -> float | None:
        """Keep the messages that are there, and delete them there once they are kept.

        Those that come under the network's `names`, or numbers that we know as its own, tell of the
        credit, too. Return the seconds after which to come again; None: there are no more of them.
        """
        self._keep_direct(names)
        now = self._clock.now()
        if now < self._next:
            return self._next - now if self._is_announced else None
        self._next = now + _PAUSE
        self._is_announced = False
        return _PAUSE if self._take_all(names) else None

    def _keep_direct(self, names: Collection[str]) -> None:
        if self._direct and self._keep([_part(each, names) for each in self._direct], names):
            self._direct.clear()

    def _take_all(self, names: Collection[str]) -> bool:
        """Return whether there may be more in one of the memories."""
        try:
            self._at.command("AT+CMGF=0")
        except AtError as error:
            _log.debug("messages: %s", error)
            return False
        if not self._memories:
            self._at.prefer("AT+CNMI=2,1")  # stored and announced: nobody misses it while busy
            self._memories = self._known()
        taken = [self._take(each, names) for each in self._memories]
        return _MOST_AT_ONCE in taken

    def _known(self) -> Collection[str]:
        found = self._at.optional("AT+CPMS=?", _KNOWN)
        known = set(re.findall(r"\w\w", found[1].upper())) if found else set()
        return [each for each in _MEMORIES if each in known] or (
            [_BOTH] if _BOTH in known else _AS_IT_IS
        )

    def _take(self, memory: str, names: Collection[str]) -> int:
        """Return how many messages were taken out of a memory."""
        try:
            if memory:
                used = self._at.ask(f'AT+CPMS="{memory}"', _USED)
                if not int(used[1]):
                    return 0
            listed = self._at.every("AT+CMGL=4", _LISTED, timeout=20)
        except AtError as error:
            _log.debug("messages in %s: %s", memory, error)
            return 0
        found = _parts(listed, names)
        if not self._keep([part for _, part in found], names):
            return 0
        for index, _ in found:
            if index is not None:
                self._at.prefer(f"AT+CMGD={index}")
        return len(found)

    def _keep(self, parts: list[Part | None], names: Collection[str]) -> bool:
        return inbox.keep(filter(None, parts), names, self._credit)


def _parts(
    listed: list[re.Match[str]], names: Collection[str]
) -> list[tuple[int | None, Part | None]]:
    """Return index and content of each message; None for one in no memory, or that is none."""
    found: list[tuple[int | None, Part | None]] = []
    head: re.Match[str] | None = None
    for match in listed:
        if match["pdu"] is None:
            head = match
        elif head is not None and len(found) < _MOST_AT_ONCE:
            index = head["index"]
            found.append((None if index is None else int(index), _part(match["pdu"], names)))
            head = None
    return found


def _part(digits: str, names: Collection[str]) -> Part | None:
    try:
        part = pdu.decode(bytes.fromhex(digits))
    except ValueError as error:
        _log.info("a message cannot be read: %s", error)
        return None
    return inbox.readable(part, names)
