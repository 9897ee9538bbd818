# SPDX-License-Identifier: Apache-2.0
"""USSD (27.007, 7.15): a code such as *100# is asked, the network answers by a text or a menu.

Modems differ in what they take and give: the text as it is, packed in seven bits as hexadecimal
digits (Huawei), or UCS-2 as such digits. Each is tried, and each is read.
"""

import logging
import re
from collections.abc import Sequence
from typing import Final

from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.modem.at import alphabet
from mokanda_firmware.modem.at.announcements import announcements
from mokanda_firmware.modem.at.conversation import At
from mokanda_firmware.modem.at.digits import readable
from mokanda_firmware.modem.at.refusals import AtAbandonedError, AtError, AtTimeoutError
from mokanda_firmware.modem.backend import BEGINS_ANEW, Answer, UssdError
from mokanda_firmware.modem.balance import MAX_TEXT

_log = logging.getLogger(__name__)

_ANSWER: Final = re.compile(
    r'\+CUSD: *(\d)(?: *, *"?(.*?)"? *(?:, *(\d{1,3}))?)? *', re.IGNORECASE | re.DOTALL
)
_ENDED: Final = re.compile(r"\+CUSD: *2 *", re.IGNORECASE)
_ENDS: Final = ("0", "2")  # after which the network waits for nothing
_MENU: Final = "1"
_UNKNOWN: Final = "4"
_WAYS = 3  # as it is, packed, in UCS-2
_LEAVE = "AT+CUSD=2"
_PATIENCE = 30.0  # seconds: networks answer within five, or not at all
_FIRST = 10.0  # seconds: the end of an earlier question may be told before the answer
_ANOTHER = 3.0


class Questions:
    """What the network is asked through a modem, one code after the other."""

    def __init__(self, at: At) -> None:
        self._at = at
        self._way: int | None = None  # in which the modem takes codes
        self._is_open: bool | None = None  # whether the network waits for a choice; None: who knows

    def ask(self, code: str, *, leave: bool = False) -> Answer:
        """Ask the network, or answer its menu; `leave` the menu that comes.

        A session that is open, or may be, takes whatever comes for a choice (27.007, 7.15): it is
        ended before a new code.

        Raises:
            UssdError: the network refuses it, or does not answer in time.
        """
        if BEGINS_ANEW.fullmatch(code) and self._is_open is not False:
            self._leave()
        was_open, ways = self._is_open, _ways(code)
        for way in self._fitting(code):
            self._is_open = None
            try:
                said = self._at.announced(f"AT+CUSD=1,{ways[way]},15", _PATIENCE, _more)
            except AtTimeoutError:
                self._at.prefer(_LEAVE)
                raise UssdError.unanswered(code) from None
            except AtAbandonedError:  # a voucher's code is not sent twice
                raise UssdError.unanswered(code) from None
            except AtError as error:
                _log.debug("USSD %s: %s", ways[way], error)
                self._is_open = was_open
                continue
            self._way = way
            self._at.overlook(_ENDED)  # told of the session before
            self._note(said)
            answer = _read(said, code)
            if leave and self._is_open is not False:
                self._leave()
            return answer
        raise UssdError.refused(code)

    def hear(self, lines: Sequence[str]) -> bool:
        """Take in what the modem has said by itself; whether the network has said something."""
        if said := announcements("+CUSD:", lines):
            self._note(said)
            self._is_open = self._is_open or None  # it may have been about an earlier session
        return bool(said)

    def leave_menu(self) -> None:
        """End the session if one is open."""
        if self._is_open:
            self._leave()

    def _leave(self) -> None:
        self._at.prefer(_LEAVE)
        self._is_open = False

    def _note(self, said: Sequence[str]) -> None:
        last = _ANSWER.fullmatch(said[-1])
        self._is_open = None if last is None else last[1] == _MENU

    def _fitting(self, code: str) -> Sequence[int]:
        """Return the ways to try; a choice such as "12" may be taken for digits of packed text."""
        if self._way is not None and code.isdigit():
            return (self._way,)
        return range(_WAYS)


def _ways(code: str) -> tuple[str, ...]:
    septets = alphabet.padded(alphabet.to_septets(code))
    return (
        f'"{code}"',
        alphabet.pack(septets).hex().upper(),
        f'"{code.encode("utf-16-be").hex().upper()}"',
    )


def _more(said: Sequence[str]) -> float | None:
    """Return the seconds in which another answer may come: the result of what is "under way"."""
    last = _ANSWER.fullmatch(said[-1])
    if last is None:
        return None
    if last[1] not in _ENDS:
        return 0.0
    return _ANOTHER if any(map(_text, said)) else _FIRST


def _text(said: str) -> str:
    """Return the text of an answer, "" if it has none."""
    match = _ANSWER.fullmatch(said)
    if match is None or match[1] not in (*_ENDS, _MENU) or not match[2]:
        return ""
    return readable(match[2], int(match[3] or 15))


def said(lines: Sequence[str]) -> str:
    """Return what the network has told by itself, "" for nothing."""
    return "\n".join(filter(None, map(_text, announcements("+CUSD:", lines))))[:MAX_TEXT]


def _read(said: Sequence[str], code: str) -> Answer:
    last = _ANSWER.fullmatch(said[-1])
    if texts := list(dict.fromkeys(filter(None, map(_text, said)))):
        return Answer(
            "\n".join(texts[-2:])[:MAX_TEXT], is_menu=last is not None and last[1] == _MENU
        )
    if last is not None and last[1] == _UNKNOWN:
        raise UssdError(Sentence("The network does not know {code}.", code=code))
    raise UssdError.unanswered(code)
