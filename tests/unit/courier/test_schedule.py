# SPDX-License-Identifier: Apache-2.0
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from mokanda_firmware.courier import schedule

KINSHASA = ZoneInfo("Africa/Kinshasa")  # UTC+1 all year
PARIS = ZoneInfo("Europe/Paris")


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-03-01T00:00", "2026-03-01T01:10"),
        ("2026-03-01T01:10", "2026-03-01T13:00"),
        ("2026-03-01T13:30", "2026-03-02T01:10"),
        ("1970-01-01T00:00", "1970-01-01T01:10"),
    ],
)
def test_the_next_of_the_days_times_is_found(now: str, due: str) -> None:
    found = schedule.next_time(
        ["02:10", "14:00"], KINSHASA, datetime.fromisoformat(now).replace(tzinfo=UTC)
    )
    assert found == datetime.fromisoformat(due).replace(tzinfo=UTC)


def test_a_night_without_that_hour_is_no_obstacle() -> None:
    before = datetime(2026, 3, 28, 12, tzinfo=UTC)  # summer time begins that night
    found = schedule.next_time(["02:30"], PARIS, before)
    assert found is not None
    assert found - before < timedelta(hours=24)


def test_without_a_time_nothing_is_due() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    assert schedule.next_time([], UTC, now) is None
    assert schedule.next_time(["noon", "25:00"], UTC, now) is None


def test_an_unknown_time_zone_counts_as_utc() -> None:
    assert schedule.zone_of("Congo/Kinshasa") is UTC
    assert schedule.zone_of("../../etc/passwd") is UTC
    assert schedule.zone_of("") is UTC
    assert schedule.zone_of("Africa/Kinshasa") == KINSHASA


def test_waits_after_failures_grow_to_a_bound() -> None:
    waits = [schedule.retry_delay(failures) for failures in range(1, 20)]
    assert waits[0] == timedelta(minutes=1)
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(minutes=30)
