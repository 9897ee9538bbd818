# SPDX-License-Identifier: Apache-2.0
"""USSD through a HiLink stick: it takes the code, and has the answer when that has come.

Not every firmware can. Whether an answer is a menu it does not tell: its text does. One that comes
late is the stick's until it is fetched, or given up.
"""

import logging
from contextlib import suppress
from typing import Final

from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.modem.at.digits import readable
from mokanda_firmware.modem.backend import BEGINS_ANEW, Answer, UssdError
from mokanda_firmware.modem.balance import MAX_TEXT
from mokanda_firmware.modem.clock import Clock
from mokanda_firmware.modem.hilink.menu import is_menu
from mokanda_firmware.modem.hilink.page import Page, PageError, RefusedError, StrangerError
from mokanda_firmware.modem.hilink.stick import NO_RIGHTS, OWN_PAGE
from mokanda_firmware.modem.last_code import LastCode

_log = logging.getLogger(__name__)

_PATIENCE = 30.0  # seconds: networks answer within five, or not at all
_PAUSE = 1.0  # seconds from one question for the answer to the next
_LATE_PAUSE = 5.0  # where it was given up
_UNKNOWN = 100002  # to firmware that has no such path
_UNDER_WAY = 111019
_CANNOT: Final = Sentence(
    "This stick cannot ask the network by a code. Put the SIM card into a phone to do so."
)


class Questions:
    """What the network is asked through a stick, one code after the other."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = LastCode(clock)
        self._is_awaited = False  # whether the stick may still bring the answer to the last code
        self._is_open = False  # whether network and stick may wait for something, as for a choice

    def ask(self, page: Page, code: str, *, leave: bool) -> Answer:
        """Ask the network, or answer its menu; `leave` the menu that comes.

        Raises:
            UssdError: the stick cannot; it or the network refuses, or does not answer in time.
        """
        with self._last.asked(code):
            return self._ask(page, code, leave=leave)

    def _ask(self, page: Page, code: str, *, leave: bool) -> Answer:
        if BEGINS_ANEW.fullmatch(code):
            _release(page)  # of a menu that nobody has answered
        self._is_open = True
        _send(page, code)
        self._is_awaited = True
        end = self._clock.now() + _PATIENCE
        while self._clock.now() < end:
            self._clock.wait((), _PAUSE)
            if text := self._fetch(page, code):
                self._is_awaited = False
                if leave:
                    self.give_up(page)
                return Answer(text, is_menu(text))
        raise UssdError.unanswered(code)

    def hear(self, page: Page) -> float | None:
        """Take in an answer that comes late. Return the seconds after which to look again."""
        if self._is_awaited and self._last.is_owed:
            with suppress(UssdError):
                if text := self._fetch(page, ""):
                    self._last.came(text)
        if self._is_awaited and not self._last.is_owed:
            self.give_up(page)
        return _LATE_PAUSE if self._is_awaited else None

    def give_up(self, page: Page) -> None:
        """Wait for no answer, nor for a choice: what is open may keep calls from coming about."""
        if self._is_open:
            _release(page)
        self._is_open = self._is_awaited = False

    def _fetch(self, page: Page, code: str) -> str:
        """Return the answer; "" where it has not come yet, or the stick says nothing now."""
        try:
            with page.visit():
                return readable(page.get("ussd/get").get("content", ""), 15)[:MAX_TEXT]
        except RefusedError as error:
            if error.code != _UNDER_WAY:
                _log.info("USSD ends: %s", error)
                self.give_up(page)
                raise UssdError.unanswered(code) from error
        except PageError as error:
            _log.debug("USSD: %s", error)
        return ""


def _send(page: Page, code: str) -> None:
    fields = {"content": code, "codeType": "CodeType", "timeout": ""}
    try:
        with page.visit():
            page.post("ussd/send", fields)
    except StrangerError as error:
        raise UssdError(_CANNOT) from error
    except RefusedError as error:
        _log.info("USSD is refused: %s", error)
        if error.code == _UNKNOWN:
            raise UssdError(_CANNOT) from error
        if error.code == NO_RIGHTS:
            raise UssdError(OWN_PAGE) from error
        raise UssdError.refused(code) from error
    except PageError as error:  # it may have gone out: a voucher's code is not sent twice
        raise UssdError.unanswered(code) from error


def _release(page: Page) -> None:
    """Have it end what is open between it and the network, if there is anything."""
    with suppress(PageError), page.visit():
        page.get("ussd/release")
