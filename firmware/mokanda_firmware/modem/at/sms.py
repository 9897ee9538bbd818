# SPDX-License-Identifier: Apache-2.0
"""Text messages on the SIM card (3GPP TS 27.005): read, kept, and then deleted there."""

import logging
import re
from typing import Final

from mokanda_firmware.modem import messages
from mokanda_firmware.modem.at import pdu
from mokanda_firmware.modem.at.conversation import At, AtError
from mokanda_firmware.modem.clock import Clock
from mokanda_firmware.modem.credit import Credit
from mokanda_firmware.modem.messages import Part

_log = logging.getLogger(__name__)

ANNOUNCED: Final = "+CMTI"
_LISTED: Final = re.compile(
    r"\+CMGL: *(?P<index>\d{1,4}),.*|(?P<pdu>(?:[0-9A-F]{2}){10,200})", re.IGNORECASE
)
_MOST_AT_ONCE = 30  # a card has room for so many, or fewer
_PAUSE = 60.0  # seconds between two looks, however many are announced


class Inbox:
    """The card's messages; nothing of it holds up mail."""

    def __init__(self, at: At, clock: Clock, credit: Credit) -> None:
        self._at = at
        self._clock = clock
        self._credit = credit
        self._next = 0.0
        self._is_announced = False

    def announced(self) -> None:
        """The modem tells that a message came."""
        self._is_announced = True

    def empty(self) -> float | None:
        """Keep the messages on the card, and delete them there once they are kept.

        Return the seconds after which to come again; None: there are no more of them.
        """
        now = self._clock.now()
        if now < self._next:
            return self._next - now if self._is_announced else None
        self._next = now + _PAUSE
        self._is_announced = False
        return _PAUSE if self._take() == _MOST_AT_ONCE else None

    def _take(self) -> int:
        """Return how many messages were taken off the card."""
        try:
            self._at.command("AT+CMGF=0")
            listed = self._at.every("AT+CMGL=4", _LISTED, timeout=10)
        except AtError as error:
            _log.debug("messages: %s", error)
            return 0
        found = _parts(listed)
        if not found:
            return 0
        try:
            messages.add([part for _, part in found if part])
        except OSError as error:
            _log.warning("messages stay on the card: %s", error)
            return 0
        for index, part in found:
            if part is not None:
                self._credit.came(part)
            self._at.prefer(f"AT+CMGD={index}")
        return len(found)


def _parts(listed: list[re.Match[str]]) -> list[tuple[int, Part | None]]:
    """Return index and content of each message; None for one that cannot be read."""
    found: list[tuple[int, Part | None]] = []
    index: int | None = None
    for match in listed:
        if match["index"] is not None:
            index = int(match["index"])
        elif index is not None and len(found) < _MOST_AT_ONCE:
            found.append((index, _part(match["pdu"])))
            index = None
    return found


def _part(digits: str) -> Part | None:
    try:
        return pdu.decode(bytes.fromhex(digits))
    except ValueError as error:
        _log.info("a message cannot be read: %s", error)
        return None
