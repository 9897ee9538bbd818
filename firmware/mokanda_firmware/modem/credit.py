# SPDX-License-Identifier: Apache-2.0
"""Whether the SIM card's credit is used up: no network says so plainly, but there are signs.

Somebody else answers in the relay's place; the network writes a message; the balance is nothing.
A sign holds, over restarts too, until the relay is reached. That a balance is nothing is none once
mail has gone through with it, or where the answer tells of data: a bundle pays then. Where there is
doubt there is no sign, as calls that fail show as well.
"""

import json
import logging
import re
from datetime import date
from typing import Final

from mokanda_firmware import paths, relaytime
from mokanda_firmware.bus import records
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.modem import balance, readings
from mokanda_firmware.modem.backend import Answer
from mokanda_firmware.modem.messages import Message
from mokanda_firmware.zones import zone_of
from mokanda_wire import durable

_log = logging.getLogger(__name__)

_MAX_BYTES = 5000
_MAX_WORDS = 160  # characters of a message that are told on
_PORTAL: Final = Sentence(
    "The mobile network answers in the relay's place, as it does when the credit is used up."
)
_NOTHING_LEFT: Final = Sentence("The balance that the network tells is nothing.")
# French, English, Portuguese, Swahili: what is at its end, and that it is; in this order or the
# other, within one sentence.
_WHAT = (
    r"\b(?:cr[ée]dit|solde|forfait|volume|data|internet|balance|bundle|airtime|"
    r"saldo|plano|salio|kifurushi)"
)
_ENDED = (
    r"\b(?:(?:[ée]puis[ée]|(?:a|est) expir[ée]|(?<!se )termin[ée])e?s?\b|insuffisant|"
    r"insufficient|exhausted|used up|finished|expired|run out|depleted|"
    r"esgot(?:ad[oa]|ou)|expirou|insuficiente|limekwisha|kimekwisha|imekwisha|halitoshi|limeisha)"
)
_USED_UP: Final = re.compile(rf"{_WHAT}.{{0,60}}{_ENDED}|{_ENDED}.{{0,60}}{_WHAT}", re.IGNORECASE)
# What makes such a sentence another one: it asks, denies, supposes, foretells, offers, or tells of
# a part, or of what carries no mail.
_DOUBT: Final = re.compile(
    r"\?|\d ?%|\b(?:pas|non|jamais|not|never|n[ãa]o|nunca|haija\w*|hakija\w*|\w+n['\u2019]t"
    r"|si|quand|lorsque|avant|if|when|before|until|unless|(?<!-)se [oa]|quando|caso|antes"
    r"|ikiwa|kama|kabla"
    r"|dans|va|sera|seront|bient[ôo]t|presque|will|soon|almost|nearly|vai|ser[áa]|quase|karibu"
    r"|achet\w*|gagn\w*|profit\w*|buy|win|get|compre|ganhe|nunua|shinda"
    r"|sms|appels?|minutes?|voix|calls?|voice|chamadas|bonus|b[óo]nus)\b",
    re.IGNORECASE,
)
_SENTENCES: Final = re.compile(r"(?<=[.!?])\s+|\n")


class Credit:
    """The latest sign."""

    def __init__(self) -> None:
        self.sign = Sentence.from_json(records.read_json(paths.credit(), _MAX_BYTES))
        self._is_tried = False  # whether somebody wanted to reach the relay, and has not yet
        self._reached_with: str | None = None  # the card with which it was reached last

    def stranger_answered(self) -> None:
        """Somebody else than the relay answered through the modem."""
        self._note(_PORTAL)

    def came(self, message: Message) -> None:
        """A message came from the network itself; one of which a part is missing tells nothing."""
        if all(message.parts) and _tells_end(message.text):
            words = " ".join(message.text.split())[:_MAX_WORDS]
            self._note(Sentence("The mobile network wrote: {words}", words=words))

    def begin_day(self, card: str, zone: str) -> bool:
        """Note that the card's balance is asked for; False: it must not be.

        It has been on this day of the village's, or the day is not known, or cannot be noted.
        """
        day = _today(zone)
        try:
            return day is not None and readings.begin(day, card)
        except OSError as error:
            _log.warning("the balance is not asked for, as that cannot be noted: %s", error)
            return False

    def balance_told(self, answer: Answer, card: str, zone: str) -> None:
        """The network has told the card's balance: keep it for its day, if that is known."""
        day = _today(zone)
        if day is None:
            return
        amounts = [each.value for each in readings.of_card(card) if each.value is not None]
        try:
            told = readings.keep(answer.text, day, card, is_menu=answer.is_menu)
        except OSError as error:
            _log.warning("the balance is not kept: %s", error)
            return
        if told.value is None:
            return
        if told.value > 0 and self.sign == _NOTHING_LEFT:
            self._note(None)
        was_nothing = bool(amounts) and amounts[-1] <= 0
        has_gone = was_nothing or self._reached_with == card
        mail_goes = has_gone and self.sign is None and not self._is_tried
        if told.value <= 0 and not mail_goes and not balance.has_data_left(answer.text):
            self._note(_NOTHING_LEFT)

    def relay_wanted(self) -> None:
        """Somebody is about to reach the relay through the modem."""
        self._is_tried = True

    def relay_reached(self, card: str) -> None:
        """Mail went through with a card: whatever the signs were, there is credit."""
        self._is_tried = False
        self._reached_with = card
        self._note(None)

    def _note(self, sign: Sentence | None) -> None:
        if sign == self.sign:
            return
        self.sign = sign
        try:
            if sign is None:
                paths.credit().unlink(missing_ok=True)
            else:
                durable.write(paths.credit(), json.dumps(sign.to_json()).encode())
        except OSError as error:
            _log.warning("the sign of missing credit is not kept: %s", error)


def _tells_end(text: str) -> bool:
    """Whether one of the sentences tells that the credit is used up, and nothing else."""
    sentences = _SENTENCES.split(text)
    return any(_USED_UP.search(each) and not _DOUBT.search(each) for each in sentences)


def _today(zone: str) -> date | None:
    """Return the day in a time zone, None before the relay has told the time."""
    now = relaytime.now()
    return None if now is None else now.astimezone(zone_of(zone)).date()
