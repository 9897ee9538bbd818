# SPDX-License-Identifier: Apache-2.0
"""What each village's mail costs by day, as the devices count it and tell in their reports."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.store.tables import Device, UsageByDay
from mokanda_wire.limits import DAYS_KEPT, MONEY_UNIT

_MAX_COUNT = 2**60


@dataclass(slots=True)
class Sum:
    """Bytes, and money in billionths, by currency: a keeper may have changed it."""

    up: int = 0
    down: int = 0
    money: dict[str, int] = field(default_factory=dict)

    def add(self, day: UsageByDay) -> None:
        """Add a day."""
        self.up += day.bytes_up
        self.down += day.bytes_down
        if day.currency and day.money:
            self.money[day.currency] = self.money.get(day.currency, 0) + day.money

    def price(self) -> str:
        """The money for people: `1.20 USD`, "" for none."""
        return ", ".join(
            f"{amount / MONEY_UNIT:.2f} {currency}"
            for currency, amount in sorted(self.money.items())
        )


def record(session: Session, device: Device, told: object) -> None:
    """Keep what a report tells of days: a day that is told again has gone on."""
    for day, currency, up, down, money in _readable(told):
        session.merge(
            UsageByDay(
                device_id=device.id,
                day=day,
                currency=currency,
                bytes_up=up,
                bytes_down=down,
                money=money,
            )
        )
    session.flush()
    kept = (
        sa.select(UsageByDay.day)
        .where(UsageByDay.device_id == device.id)
        .distinct()
        .order_by(UsageByDay.day.desc())
        .limit(DAYS_KEPT)
    )
    session.execute(
        sa.delete(UsageByDay).where(UsageByDay.device_id == device.id, UsageByDay.day.not_in(kept)),
        execution_options={"synchronize_session": False},
    )


def months(session: Session, month: str) -> dict[int, Sum]:
    """What each device has used in a month (YYYY-MM), by its id."""
    sums: dict[int, Sum] = {}
    for day in session.scalars(
        sa.select(UsageByDay).where(sa.func.substr(UsageByDay.day, 1, 7) == month)
    ):
        sums.setdefault(day.device_id, Sum()).add(day)
    return sums


def of_device(session: Session, device: Device, most: int) -> list[UsageByDay]:
    """The last days of a device, the latest first."""
    rows = sa.select(UsageByDay).where(UsageByDay.device_id == device.id)
    return list(
        session.scalars(rows.order_by(UsageByDay.day.desc(), UsageByDay.currency).limit(most))
    )


def total(days: Iterable[UsageByDay]) -> Sum:
    """The sum of days."""
    together = Sum()
    for day in days:
        together.add(day)
    return together


def _readable(told: object) -> Iterator[tuple[str, str, int, int, int]]:
    for row in told[:DAYS_KEPT] if isinstance(told, list) else []:
        if not isinstance(row, list) or len(row) != 5:
            continue
        day, currency, *numbers = row
        if _is_day(day) and isinstance(currency, str) and all(map(_is_count, numbers)):
            yield day, currency[:10], *numbers


def _is_day(value: Any) -> bool:  # noqa: ANN401 - whatever a report holds
    try:
        return isinstance(value, str) and str(dt.date.fromisoformat(value)) == value
    except ValueError:
        return False


def _is_count(value: Any) -> bool:  # noqa: ANN401 - whatever a report holds
    return type(value) is int and 0 <= value < _MAX_COUNT
