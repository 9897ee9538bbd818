# SPDX-License-Identifier: Apache-2.0
"""When the next sync is due: at the keeper's times of day, and again after failures."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DEFAULT_TIMES = ("02:10",)
NIGHT = timedelta(hours=3)  # how long after a scheduled time failures are made good
_RETRIES = [timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 20, 30)]
_CLAIM_RETRIES = [timedelta(seconds=seconds) for seconds in (5, 10, 20, 30, 60, 120, 300, 600)]

log = logging.getLogger(__name__)


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


def zone_of(name: str) -> tzinfo:
    """The time zone of this name; UTC when it is not known."""
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        log.warning("the time zone %r is not known", name)
        return UTC


def retry_delay(failures: int) -> timedelta:
    """How long to wait after this many failures of a scheduled sync in a row."""
    return _RETRIES[min(failures, len(_RETRIES)) - 1]


def claim_delay(failures: int) -> timedelta:
    """How long to wait after this many failures to claim: somebody may stand beside it."""
    return _CLAIM_RETRIES[min(failures, len(_CLAIM_RETRIES)) - 1]
