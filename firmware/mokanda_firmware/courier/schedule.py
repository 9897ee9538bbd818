# SPDX-License-Identifier: Apache-2.0
"""When the next sync is due: at the keeper's times of day, and again after failures."""

import hashlib
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any, NamedTuple

from mokanda_firmware.mailbox.costs.tariff import Tariff
from mokanda_firmware.mailbox.store.database import Store
from mokanda_firmware.mailbox.store.settings import setting
from mokanda_firmware.uplink import identity

SETTING = "schedule"
DAY = 24 * 60  # minutes
NIGHT = timedelta(hours=3)  # how long after a scheduled time failures are made good
# Over which minutes of the night the devices whose keepers have no plan of their own are spread.
_SPREAD_FROM, _SPREAD = time(1, 10), 150
# The relay may put off a run, not a village: so long at most.
_LONGEST_WAIT = timedelta(hours=3)
_RETRIES = [timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 20, 30)]
_CLAIM_RETRIES = [timedelta(seconds=seconds) for seconds in (5, 10, 20, 30, 60, 120, 300, 600)]

log = logging.getLogger(__name__)


class Plan(NamedTuple):
    """When the courier goes by itself: `every` so many minutes, between two times of day ("HH:MM").

    DAY is once a day, at the `first` of them; 0 is never. With `cheap_only` it does not go at
    hours that cost more than others; if no time is left then, it goes as the cheap hours begin.
    """

    every: int = DAY
    first: str = "02:10"
    last: str = "02:10"
    cheap_only: bool = True

    def times(self, tariff: Tariff) -> list[str]:
        """The times of day at which it goes."""
        if not self.every:
            return []
        first, last = (_minutes(time.fromisoformat(text)) for text in (self.first, self.last))
        span = (last - first) % DAY if self.every < DAY else 0
        planned = [(first + passed) % DAY for passed in range(0, span + 1, self.every)]
        clocks = [_clock(minutes) for minutes in planned]
        if self.cheap_only:
            clocks = [clock for clock in clocks if tariff.is_cheap(clock)] or [
                _a_little_after(_cheap_from(tariff), tariff)
            ]
        return [f"{clock:%H:%M}" for clock in clocks]


_USUAL = Plan()


def plan_of(store: Store) -> Plan:
    """The keeper's plan, or the device's own."""
    return plan_from_json(setting(store, SETTING, {}), _own_plan())


def _own_plan() -> Plan:
    """Once a night, at a minute that the device's name gives: villages do not all call at once."""
    own = identity.read()
    if own is None:
        return _USUAL
    digest = hashlib.sha256(own.outcome.device.encode()).digest()
    passed = int.from_bytes(digest[:4], "big") % _SPREAD
    clock = f"{_clock((_minutes(_SPREAD_FROM) + passed) % DAY):%H:%M}"
    return Plan(first=clock, last=clock)


def plan_from_json(value: Any, otherwise: Plan = _USUAL) -> Plan:  # noqa: ANN401 - a setting
    """Read a plan as `plan_to_json` wrote it; `otherwise` where it cannot be read."""
    try:
        plan = Plan(
            int(value["every"]), value["first"], value["last"], cheap_only=bool(value["cheap_only"])
        )
        plan.times(Tariff())
    except (KeyError, TypeError, ValueError):
        return otherwise
    return plan


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """Write a plan for the store's settings."""
    return plan._asdict()


def _minutes(clock: time) -> int:
    return clock.hour * 60 + clock.minute


def _clock(minutes: int) -> time:
    return time(minutes // 60, minutes % 60)


def _cheap_from(tariff: Tariff) -> time:
    """When the cheap hours begin, the evening before if they span midnight."""
    changes = tariff.changes()
    for before, clock in zip([changes[-1], *changes], changes, strict=False):
        if tariff.is_cheap(clock) and not tariff.is_cheap(before):
            return clock
    return changes[0]


def _a_little_after(clock: time, tariff: Tariff) -> time:
    """Ten minutes later, if that is as cheap: clocks differ, also the operator's."""
    later = _clock((_minutes(clock) + 10) % DAY)
    return later if tariff.is_cheap(later) else clock


def next_time(times: Sequence[str], zone: tzinfo, now: datetime) -> datetime | None:
    """The first of these times of day ("HH:MM", local) after `now`; None when there are none."""
    found: list[datetime] = []
    today = now.astimezone(zone).date()
    for text in times:
        try:
            clock = time.fromisoformat(text)
        except ValueError:
            log.warning("%r is no time of day", text)
            continue
        for days in (0, 1, 2):  # a time may be skipped when summer time begins
            day = today + timedelta(days=days)
            due = datetime.combine(day, clock, zone).astimezone(UTC)
            if due > now:
                found.append(due)
                break
    return min(found, default=None)


def retry_delay(failures: int, asked: timedelta = timedelta()) -> timedelta:
    """How long to wait after this many failures of a scheduled sync in a row.

    Not shorter than the relay has `asked` for, within reason.
    """
    return max(_RETRIES[min(failures, len(_RETRIES)) - 1], min(asked, _LONGEST_WAIT))


def claim_delay(failures: int) -> timedelta:
    """How long to wait after this many failures to claim: somebody may stand beside it."""
    return _CLAIM_RETRIES[min(failures, len(_CLAIM_RETRIES)) - 1]
