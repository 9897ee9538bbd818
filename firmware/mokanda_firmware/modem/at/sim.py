# SPDX-License-Identifier: Apache-2.0
"""How the SIM card is, by +CPIN and +CIMI."""

import logging
import re
from typing import Final

from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.modem.at.conversation import At
from mokanda_firmware.modem.at.refusals import AtError, AtTimeoutError, error_code
from mokanda_firmware.modem.backend import Finding
from mokanda_firmware.modem.clock import Clock
from mokanda_firmware.modem.machine import Event

_log = logging.getLogger(__name__)

_STATE: Final = re.compile(r'\+CPIN: *"?([A-Z0-9 -]+?)"?', re.IGNORECASE)
_IMSI: Final = re.compile(r"(?:\+CIMI: *)?\"?(\d{14,15})\"?")
# A card that starts, or that a shake of the stick has parted from its contacts, is refused by these
# for a while (3GPP TS 27.007, 9.2; 310 of 27.005; 515 of Sierra and Cinterion); so is one that is
# missing, by some. None is a plain ERROR.
_USABLE: Final = frozenset(
    {"READY", "SIM PIN2", "SIM PUK2"}
)  # what the second codes guard, nobody needs
_PASSING: Final = frozenset({None, 3, 4, 10, 13, 14, 15, 30, 100, 310, 515})
_MISSING: Final = frozenset({10, 310})
_READING = 10.0  # seconds that the card may take
_PATIENCE = 60.0  # seconds after which what passes with others has not passed


class SimCard:
    """What asking for it finds, and since when it finds nothing."""

    def __init__(self, at: At, clock: Clock) -> None:
        self._at = at
        self._clock = clock
        self._doubted: float | None = None  # since when the card cannot be read

    def trouble(self) -> Finding | None:
        """Return why the card cannot be used; None: it can.

        Raises AtTimeoutError.
        """
        try:
            said = self._at.ask("AT+CPIN?", _STATE, timeout=_READING)[1].upper()
        except AtTimeoutError:
            raise
        except AtError as error:
            _log.info("SIM card: %s", error)
            return self._refused(error.code)
        if said in ("SIM PIN", "SIM PUK"):
            return _locked(said[4:])
        if said.startswith("PH-"):
            detail = Sentence("The modem takes only SIM cards of another mobile network.")
            return Finding(Event.DENIED, detail)
        if said in _USABLE:
            return None
        return self._refused(error_code(said))  # "NOT READY", "SIM busy"

    def imsi(self) -> str | Finding:
        """Return the card's number, or why it cannot be read."""
        found = self._at.optional("AT+CIMI", _IMSI, timeout=_READING)
        if found is None:
            return self._doubt(Sentence("The SIM card does not answer. Take it out and put it in."))
        self._doubted = None
        return found[1]

    def _refused(self, code: int | None) -> Finding:
        if code in (11, 12):
            return _locked("PIN" if code == 11 else "PUK")
        if code in _MISSING:
            return self._doubt(Sentence("There is no SIM card in the modem."))
        if code not in _PASSING:
            _log.warning("SIM card: error %s", code)
        return self._doubt(Sentence("The SIM card does not answer. Take it out and put it in."))

    def _doubt(self, lasting: Sentence) -> Finding:
        """Say that the card is starting, for a while; then what is wrong with it."""
        now = self._clock.now()
        if self._doubted is None:
            self._doubted = now
        if now - self._doubted < _PATIENCE:
            return Finding(Event.SIM_STARTING, Sentence("The SIM card is starting."))
        return Finding(Event.SIM_MISSING, lasting)


def _locked(code: str) -> Finding:
    if code == "PIN":
        return Finding(Event.PIN_ASKED, Sentence("The SIM card asks for its PIN."))
    return Finding(Event.PUK_ASKED, Sentence("The SIM card is locked and asks for its PUK."))
