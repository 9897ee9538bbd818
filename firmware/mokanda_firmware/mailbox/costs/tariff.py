# SPDX-License-Identifier: Apache-2.0
"""What a megabyte costs at which hour, as the keeper has told it.

A price is a whole number of millionths of the currency for a megabyte of 1,000,000 bytes, so that a
day of small amounts adds up; money is in billionths.
"""

import re
from datetime import datetime, time, tzinfo
from decimal import Decimal
from typing import Any, Final, NamedTuple

from mokanda_firmware.mailbox.store.database import Store
from mokanda_firmware.mailbox.store.settings import setting
from mokanda_wire.limits import MONEY_UNIT

SETTING = "tariff"
PRICE_UNIT = 1_000_000  # of a price in the currency itself
MAX_PRICE = 10**6  # of the currency for a megabyte
MAX_WINDOWS = 4
MAX_AMOUNT = 10**6  # of the currency that changes hands at once
_OF_THOUSANDS: Final = -3  # the exponent of what has three digits behind its point
_WRITTEN: Final = re.compile(r"([0-9]{1,7}|[0-9]{1,3}(?:\s[0-9]{3}){1,2})(?:[.,]([0-9]{1,9}))?")


class Window(NamedTuple):
    """Hours of the day ("HH:MM", local) with a price of their own; they may span midnight."""

    start: str
    end: str
    price: int

    def covers(self, clock: time) -> bool:
        """Whether this time of day is among them; equal ends mean the whole day."""
        start, end = time.fromisoformat(self.start), time.fromisoformat(self.end)
        if start < end:
            return start <= clock < end
        return clock >= start or clock < end


class Tariff(NamedTuple):
    """The price of each hour: the first window's that covers it, else `price`.

    Without a currency nothing is known of prices.
    """

    currency: str = ""
    price: int = 0
    windows: tuple[Window, ...] = ()

    def price_at(self, clock: time) -> int:
        """Return the price of a time of day."""
        for window in self.windows:
            if window.covers(clock):
                return window.price
        return self.price

    def is_cheap(self, clock: time) -> bool:
        """Whether no other time of the day costs less."""
        return self.price_at(clock) == min(map(self.price_at, self.changes()))

    def changes(self) -> list[time]:
        """Return the times of day at which the price may change, midnight among them."""
        ends = {end for window in self.windows for end in (window.start, window.end)}
        return sorted({time(0), *map(time.fromisoformat, ends)})

    def cost(self, size: int, at: datetime, zone: tzinfo) -> int:
        """Return what so many bytes cost at a moment, in billionths of the currency."""
        return money(size, self.price_at(at.astimezone(zone).time()))


def money(size: int, price: int) -> int:
    """Return the cost of bytes at a price, in billionths of the currency, rounded up."""
    return -(-size * price // (PRICE_UNIT * 1_000_000 // MONEY_UNIT))


def payable(amount: int, price: int) -> int:
    """Return how many bytes an amount pays for at a price above 0; negative for a debt."""
    return amount * (PRICE_UNIT * 1_000_000 // MONEY_UNIT) // price


def load(store: Store) -> Tariff:
    """Return the village's tariff; one that cannot be read counts as none."""
    return from_json(setting(store, SETTING, {}))


def from_json(value: Any) -> Tariff:  # noqa: ANN401 - whatever the setting holds
    """Read a tariff as `to_json` wrote it."""
    try:
        windows = tuple(
            Window(_clock(each["start"]), _clock(each["end"]), int(each["price"]))
            for each in value["windows"]
        )
        return Tariff(str(value["currency"]), int(value["price"]), windows)
    except (KeyError, TypeError, ValueError):
        return Tariff()


def to_json(tariff: Tariff) -> dict[str, Any]:
    """Write a tariff for the store's settings."""
    return tariff._asdict() | {"windows": [each._asdict() for each in tariff.windows]}


def parse_price(text: str) -> int:
    """Read a price as people write it, to the millionth.

    Three digits behind a point or comma are taken for thousands by some, so they are none but
    behind 0.

    Raises:
        ValueError: it is no price from 0 to `MAX_PRICE`.
    """
    price = _read(text, decimals=6)
    if price > MAX_PRICE or (price >= 1 and price.as_tuple().exponent == _OF_THOUSANDS):
        raise ValueError(text)
    return int(price * PRICE_UNIT)


def parse_amount(text: str) -> int:
    """Read an amount that changes hands, with cents at most, in billionths.

    Three digits behind a point or comma are taken for thousands by some, so they are none.

    Raises:
        ValueError: it is no amount above 0 and up to `MAX_AMOUNT`.
    """
    amount = _read(text, decimals=2)
    if not 0 < amount <= MAX_AMOUNT:
        raise ValueError(text)
    return int(amount * MONEY_UNIT)


def _read(text: str, decimals: int) -> Decimal:
    """Read digits with a point or comma at most; blanks part them in groups of three only.

    Raises ValueError.
    """
    written = _WRITTEN.fullmatch(text.strip())
    if written is None or len(written[2] or "") > decimals:
        raise ValueError(text)
    return Decimal(f"{''.join(written[1].split())}.{written[2] or 0}")


def _clock(text: str) -> str:
    return f"{time.fromisoformat(text):%H:%M}"
