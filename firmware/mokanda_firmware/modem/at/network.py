# SPDX-License-Identifier: Apache-2.0
"""How the mobile network is: registration, operator, signal.

3GPP TS 27.007: +CREG 7.2, +COPS 7.3, +CFUN 8.2, +CSQ 8.5, +CGATT 10.1.9, +CGREG 10.1.20,
+CEREG 10.1.22.
"""

import logging
import re
from typing import Final

from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.modem.at import names
from mokanda_firmware.modem.at.conversation import At
from mokanda_firmware.modem.backend import Facts, Finding
from mokanda_firmware.modem.machine import Event

_log = logging.getLogger(__name__)

# The answer to a question has two numbers, of which the second is the state; what a modem says by
# itself has the state first, and the cell in quotes after it.
_REGISTRATION: Final = {
    "AT+CGREG?": re.compile(r"\+CGREG: *\d, *(\d{1,2})\b.*", re.IGNORECASE),
    "AT+CEREG?": re.compile(r"\+CEREG: *\d, *(\d{1,2})\b.*", re.IGNORECASE),
    "AT+CREG?": re.compile(r"\+CREG: *\d, *(\d{1,2})\b.*", re.IGNORECASE),
}
_OPERATOR: Final = re.compile(r'\+COPS: *\d *(?:, *\d *, *"(.*)" *(?:, *\d+)?)?', re.IGNORECASE)
_RADIO_OFF: Final = re.compile(r"\+CFUN: *[04]\b.*", re.IGNORECASE)
_ATTACHED: Final = re.compile(r"\+CGATT: *1", re.IGNORECASE)
_SIGNAL: Final = re.compile(r"\+CSQ: *(\d{1,3}) *[,.] *\d{1,2}", re.IGNORECASE)

# Seconds: what is not known at once is looked up in the card or the network.
_LOOKING_UP = 10.0
_ATTACHING = 30.0

_HOME: Final = frozenset({"1", "9"})
_ABROAD: Final = frozenset({"5", "10"})
_DENIED: Final = "3"
_EMERGENCY: Final = "8"
_SMS_ONLY: Final = frozenset({"6", "7"})


def watch(at: At) -> None:
    """Have the modem tell by itself when its registration changes."""
    for question in _REGISTRATION:
        at.prefer(question.replace("?", "=1"))


def switch_on(at: At) -> None:
    """Switch the radio on, which some have off until they are told, or after a step of recovery."""
    if at.optional("AT+CFUN?", _RADIO_OFF):
        _log.info("the radio is off: it is switched on")
        at.prefer("AT+CFUN=1", timeout=15)


def look(at: At, facts: Facts, *, roaming: bool) -> Finding:
    """Find out whether data can go out; `roaming` over others than the card's own network too."""
    data, voice = _data(at), _state(at, "AT+CREG?")
    if voice in _HOME | _ABROAD and not data & (_HOME | _ABROAD | {_DENIED}):
        at.prefer("AT+CGATT=1", timeout=_ATTACHING)  # some go where data goes only when told
        data = {voice} if at.optional("AT+CGATT?", _ATTACHED) else _data(at)
    facts = facts._replace(operator=_operator(at, data, voice), signal=_signal(at))
    event, detail = _judged(data, voice, facts.operator, roaming=roaming)
    return Finding(event, detail, facts)


def _data(at: At) -> set[str]:
    """Return the states of packet data, of the second and third and of the fourth generation."""
    return {_state(at, "AT+CGREG?"), _state(at, "AT+CEREG?")} - {""}


def _state(at: At, question: str) -> str:
    found = at.optional(question, _REGISTRATION[question], timeout=_LOOKING_UP)
    return found[1] if found else ""


def _judged(data: set[str], voice: str, operator: str, *, roaming: bool) -> tuple[Event, Sentence]:
    if data & _HOME or (roaming and data & _ABROAD):
        if operator:
            return Event.REGISTERED, Sentence("Ready on {network}.", network=operator)
        return Event.REGISTERED, Sentence("Ready.")
    if data & _ABROAD:
        return Event.ABROAD, Sentence(
            "The SIM card is in another network than its own, where calls cost more."
            " The keeper can allow that."
        )
    if _DENIED in data or voice == _DENIED:
        return Event.DENIED, Sentence("The mobile network refuses the SIM card.")
    if voice in _HOME | _ABROAD or data & _SMS_ONLY:
        return Event.NO_DATA, Sentence("The mobile network lets the SIM card telephone only.")
    if _EMERGENCY in data or voice == _EMERGENCY:
        return Event.NO_DATA, Sentence(
            "The mobile network lets the SIM card make emergency calls only."
        )
    return Event.SEARCHING, Sentence("Searching for the mobile network.")


def _operator(at: At, data: set[str], voice: str) -> str:
    if not {voice, *data} & (_HOME | _ABROAD | _SMS_ONLY):
        return ""
    at.prefer("AT+COPS=3,0")  # the long name
    found = at.optional("AT+COPS?", _OPERATOR, timeout=_LOOKING_UP)
    return names.readable(found[1]) if found and found[1] else ""


def _signal(at: At) -> int | None:
    """Return percent: rssi goes from 0 (-113 dBm) to 31 (-51 dBm), 99 is unknown."""
    found = at.optional("AT+CSQ", _SIGNAL)
    level = int(found[1]) if found else 99
    if 100 <= level <= 191:  # TD-SCDMA and LTE of some: 100 is -116 dBm
        level = round((level - 100) * 31 / 91)
    return round(level * 100 / 31) if level <= 31 else None
