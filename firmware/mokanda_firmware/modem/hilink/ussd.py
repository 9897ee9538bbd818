# SPDX-License-Identifier: Apache-2.0
"""USSD through a HiLink stick: it takes the code, and has the answer when that has come.

Not every firmware can. Whether an answer is a menu it does not tell: its text does.
"""

import logging
import re
from contextlib import suppress
from typing import Final

from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.modem.at.ussd import readable
from mokanda_firmware.modem.backend import Answer, UssdError
from mokanda_firmware.modem.balance import MAX_TEXT
from mokanda_firmware.modem.clock import Clock
from mokanda_firmware.modem.hilink.page import Page, PageError, RefusedError, StrangerError
from mokanda_firmware.modem.hilink.stick import NO_RIGHTS, OWN_PAGE

_log = logging.getLogger(__name__)

_PATIENCE = 30.0  # seconds: networks answer within five, or not at all
_PAUSE = 1.0  # seconds from one question for the answer to the next
_UNKNOWN = 100002  # to firmware that has no such path
_UNDER_WAY = 111019
_ANEW: Final = re.compile(r"[*#].*#")  # what a code looks like that answers no menu
_CHOICE: Final = re.compile(r"(?:^|\n)1 ?[.):-]? ?[^\W\d_]")
_CANNOT: Final = Sentence(
    "This stick cannot ask the network by a code. Put the SIM card into a phone to do so."
)


def ask(page: Page, clock: Clock, code: str, *, leave: bool) -> Answer:
    """Ask the network, or answer its menu; `leave` the menu that comes.

    Raises:
        UssdError: the stick cannot; it or the network refuses, or does not answer in time.
    """
    if _ANEW.fullmatch(code):
        _release(page)  # of a menu that nobody has answered
    _send(page, code)
    end = clock.now() + _PATIENCE
    while clock.now() < end:
        clock.wait((), _PAUSE)
        if text := _fetch(page, code):
            is_menu = bool(_CHOICE.search(text))
            if leave:
                _release(page)
            return Answer(text, is_menu)
    _release(page)
    raise UssdError.unanswered(code)


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


def _fetch(page: Page, code: str) -> str:
    """Return the answer; "" where it has not come yet, or the stick says nothing now."""
    try:
        with page.visit():
            return readable(page.get("ussd/get").get("content", ""), 15)[:MAX_TEXT]
    except RefusedError as error:
        if error.code != _UNDER_WAY:
            _log.info("USSD ends: %s", error)
            _release(page)
            raise UssdError.unanswered(code) from error
    except PageError as error:
        _log.debug("USSD: %s", error)
    return ""


def _release(page: Page) -> None:
    """Have it end what is open between it and the network, if there is anything."""
    with suppress(PageError), page.visit():
        page.get("ussd/release")
