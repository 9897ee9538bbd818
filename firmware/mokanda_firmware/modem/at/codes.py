# SPDX-License-Identifier: Apache-2.0
"""The SIM card's PIN and PUK: given by the keeper's hand, or the kept one (`kept_pin.py`).

Three wrong PINs lock a card, ten wrong PUKs end it. So a PIN is kept only after this very card, by
its number (ICCID), has taken it and is open.
"""

import logging
import re
from typing import Final

from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.modem import kept_pin
from mokanda_firmware.modem.at.conversation import At
from mokanda_firmware.modem.at.refusals import AtError, AtTimeoutError
from mokanda_firmware.modem.backend import PinError
from mokanda_firmware.modem.clock import Clock
from mokanda_firmware.modem.kept_pin import KeptPin

_log = logging.getLogger(__name__)

PIN: Final = re.compile(r"\d{4,8}", re.ASCII)
PUK: Final = re.compile(r"\d{8}", re.ASCII)
_TIMEOUT = 20.0  # seconds: the card computes
_OPEN: Final = re.compile(r'\+CPIN: *"?READY"?', re.IGNORECASE)
_GUARDS: Final = re.compile(r"\+CLCK: *1\b.*", re.IGNORECASE)
_LOOKS = 8  # at whether a PIN was taken: the card is busy for a while after it
_LOOK_PAUSE = 1.0  # seconds
# 27.007, 8.65; Huawei's own, with the tries of PUK and PIN after the code that is asked for.
_TRIES: Final = {
    "AT+CPINR": r"\+CPINR: *\"?SIM {code}\"?, *(\d{{1,2}})\b.*",
    "AT^CPIN?": r"\^CPIN: *SIM {code}, *(\d{{1,2}})\b.*",
}
_NUMBER: Final = {
    "AT+CCID": re.compile(r"(?:\+CCID: *)?\"?(\d{18,20}F?)\"?", re.IGNORECASE),
    "AT+ICCID": re.compile(r"(?:\+?ICCID: *)?\"?(\d{18,20}F?)\"?", re.IGNORECASE),
    "AT^ICCID?": re.compile(r"\^ICCID: *\"?(\d{18,20}F?)\"?", re.IGNORECASE),
}


def tries_left(at: At, code: str) -> int | None:
    """Return how many tries there are for "PIN" or "PUK"; None: the modem does not tell."""
    for question, shape in _TRIES.items():
        found = at.optional(question, re.compile(shape.format(code=code), re.IGNORECASE))
        if found:
            return int(found[1])
    return None


def guards(at: At) -> bool:
    """Whether the card asks for its PIN at each start (27.007, 7.4)."""
    return at.optional('AT+CLCK="SC",2', _GUARDS) is not None


def enter(at: At, clock: Clock, pin: str, *, keep: bool) -> None:
    """Give the card the PIN that the keeper has typed; `keep` it if the card takes it.

    Raises:
        PinError: the card refuses it, or it is none.
        AtTimeoutError: the modem does not answer.
    """
    if not PIN.fullmatch(pin):
        raise PinError(Sentence("A PIN has four to eight digits."))
    _give(at, f'AT+CPIN="{pin}"', "PIN")
    kept_pin.forget()
    if keep and _is_taken(at, clock) and (number := card(at)):
        KeptPin(pin, number).keep()


def unlock(at: At, puk: str, pin: str) -> None:
    """Give the card its PUK and a new PIN. Raises as `enter` does."""
    if not PUK.fullmatch(puk):
        raise PinError(Sentence("A PUK has eight digits."))
    if not PIN.fullmatch(pin):
        raise PinError(Sentence("A PIN has four to eight digits."))
    _give(at, f'AT+CPIN="{puk}","{pin}"', "PUK")
    kept_pin.forget()


def give_kept(at: At, clock: Clock, tries: int | None) -> bool:
    """Give the card the PIN that it took before, if it is that card; whether it was taken."""

    def give(pin: str) -> None:
        _give(at, f'AT+CPIN="{pin}"', "PIN")
        if not _is_taken(at, clock):
            raise PinError.refused("PIN", None)

    return kept_pin.give(lambda: card(at), tries, give)


def _give(at: At, command: str, code: str) -> None:
    try:
        at.command(command, timeout=_TIMEOUT)
    except AtTimeoutError:
        raise
    except AtError as error:
        tries = tries_left(at, code)
        _log.warning("the card refuses the %s (error %s), tries left: %s", code, error.code, tries)
        raise PinError.refused(code, tries) from error


def _is_taken(at: At, clock: Clock) -> bool:
    """Whether the card is open: some modems say OK to a PIN that is wrong."""
    for _ in range(_LOOKS):
        if at.optional("AT+CPIN?", _OPEN):
            return True
        clock.wait((), _LOOK_PAUSE)
    return False


def card(at: At) -> str:
    """Return the card's number, which it tells while it is locked, too; "" where it does not."""
    for question, shape in _NUMBER.items():
        if found := at.optional(question, shape):
            return found[1]
    return ""
