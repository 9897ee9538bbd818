# SPDX-License-Identifier: Apache-2.0
"""What the balance was, by day and SIM card: the network tells it when it is asked.

A day on which it was asked and told no amount is there without one, and is not zero.
"""

import contextlib
import json
from datetime import date
from typing import Final, NamedTuple

from mokanda_firmware import paths
from mokanda_firmware.bus import records
from mokanda_firmware.modem import balance
from mokanda_wire import durable

MOST_KEPT: Final = 400
_MAX_BYTES = 1_000_000


class Reading(NamedTuple):
    """What the network told on a day (ISO 8601) of a card: an amount if one could be read.

    `card` is its IMSI, "" where the modem does not tell it; `value` is in billionths.
    """

    day: str
    text: str = ""  # of the newest alone
    value: int | None = None
    currency: str = ""
    card: str = ""


def history() -> list[Reading]:
    """Return the readings in the order in which they were kept: the days may not be in theirs."""
    content = records.read_json(paths.balance(), _MAX_BYTES)
    with contextlib.suppress(ValueError):
        if isinstance(content, list):
            return [records.load(Reading, each) for each in content[-MOST_KEPT:]]
    return []


def of_card(card: str | None) -> list[Reading]:
    """Return the readings of a card, None for that of the newest, the newest last.

    Amounts of another currency than the newest amount's are left out.
    """
    kept = history()
    own = [each for each in kept if each.card == (kept[-1].card if card is None else card)]
    told = [each.currency for each in own if each.value is not None]
    return [each for each in own if each.value is None or each.currency == told[-1]]


def begin(day: date, card: str) -> bool:
    """Note that the network is about to be asked; False: it has been on this day already.

    Raises:
        OSError: that cannot be kept.
    """
    kept, reading = history(), Reading(day.isoformat(), card=card)
    if any((each.day, each.card) == (reading.day, card) for each in kept):
        return False
    _write([*kept, reading])
    return True


def keep(text: str, day: date, card: str, *, is_menu: bool = False) -> Reading:
    """Read an answer, and keep it for its day: the last of a day that tells an amount.

    In a menu the numbers may be its choices and their prices: none is an amount.

    Raises:
        OSError: it cannot be kept.
    """
    amount = None if is_menu else balance.parse(text)
    reading = Reading(day.isoformat(), text[: balance.MAX_TEXT], card=card)
    if amount is not None:
        reading = reading._replace(value=amount.value, currency=amount.currency)
    kept = history()
    before = next((each for each in kept if (each.day, each.card) == (reading.day, card)), None)
    if before is None or before.value is None or reading.value is not None:
        _write([*(each for each in kept if each is not before), reading])
    return reading


def _write(kept: list[Reading]) -> None:
    kept = [*(each._replace(text="") for each in kept[-MOST_KEPT:-1]), kept[-1]]
    durable.write(paths.balance(), json.dumps([records.dump(each) for each in kept]).encode())
