# SPDX-License-Identifier: Apache-2.0
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mokanda_firmware.courier import schedule
from mokanda_firmware.courier.schedule import DAY, Plan
from mokanda_firmware.mailbox.costs.tariff import Tariff, Window
from mokanda_firmware.mailbox.store.database import Store
from mokanda_firmware.mailbox.store.settings import set_setting
from mokanda_firmware.uplink import identity
from mokanda_firmware.uplink.identity import Answer, Identity, Outcome
from mokanda_firmware.uplink.places import Place
from mokanda_firmware.zones import zone_of
from mokanda_wire.claimfile import ClaimFile
from tests.ready_made.mail_store import write_mail_store

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


FLAT = Tariff("USD", 600_000)
NIGHTS = Tariff("USD", 600_000, (Window("23:00", "01:00", 1_000),))
clocks = st.times().map(lambda clock: f"{clock:%H:%M}")
tariffs = st.builds(
    Tariff,
    st.just("CDF"),
    st.integers(0, 9),
    st.lists(st.builds(Window, clocks, clocks, st.integers(0, 9)), max_size=4).map(tuple),
)
plans = st.builds(
    Plan, st.sampled_from([0, 60, 240, DAY]), clocks, clocks, cheap_only=st.booleans()
)


def test_at_first_the_courier_goes_once_a_night() -> None:
    assert Plan().times(Tariff()) == ["02:10"]
    assert Plan().times(FLAT) == ["02:10"]


def test_it_goes_every_so_often_between_two_times() -> None:
    plan = Plan(240, "06:00", "18:30", cheap_only=False)
    assert plan.times(FLAT) == ["06:00", "10:00", "14:00", "18:00"]
    assert Plan(60, "23:00", "01:00").times(FLAT) == ["23:00", "00:00", "01:00"]
    assert Plan(0).times(FLAT) == []


def test_it_prefers_the_cheap_hours() -> None:
    assert Plan(60, "22:00", "02:00").times(NIGHTS) == ["23:00", "00:00"]
    assert Plan().times(NIGHTS) == ["23:10"]
    assert Plan(cheap_only=False).times(NIGHTS) == ["02:10"]


@given(plans, tariffs)
def test_a_plan_has_a_time_unless_it_is_never_and_keeps_to_cheap_hours(
    plan: Plan, tariff: Tariff
) -> None:
    times = plan.times(tariff)
    assert bool(times) == bool(plan.every)
    assert len(set(times)) == len(times)
    if plan.cheap_only:
        assert all(tariff.is_cheap(time.fromisoformat(each)) for each in times)


@given(plans)
def test_the_store_keeps_a_plan_as_it_is(plan: Plan) -> None:
    assert schedule.plan_from_json(schedule.plan_to_json(plan)) == plan


@pytest.mark.parametrize("value", [None, {}, [], {"every": "x"}, {"every": 5, "first": "25:00"}])
def test_a_plan_that_cannot_be_read_is_the_first_one(value: object) -> None:
    assert schedule.plan_from_json(value) == Plan()


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
    assert zone_of("Congo/Kinshasa") is UTC
    assert zone_of("../../etc/passwd") is UTC
    assert zone_of("") is UTC
    assert zone_of("Africa/Kinshasa") == KINSHASA


def test_waits_after_failures_grow_to_a_bound() -> None:
    waits = [schedule.retry_delay(failures) for failures in range(1, 20)]
    assert waits[0] == timedelta(minutes=1)
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(minutes=30)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("MOKANDA_DATA", str(tmp_path))
    write_mail_store(tmp_path / "mail.db")
    opened = Store(tmp_path / "mail.db", tmp_path / "attachments")
    yield opened
    opened.close()


def time_of(store: Store, name: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """When the device of this name goes, if nobody has made a plan."""
    outcome = Outcome(Answer.CLAIMED, "code", name, f"{name}.example", "")
    claim = ClaimFile("https://relay.example", "code", name, f"{name}.example", "")
    monkeypatch.setattr(identity, "read", lambda: Identity(claim, outcome, Place.of_claim(claim)))
    [at] = schedule.plan_of(store).times(FLAT)
    return at


def test_villages_without_a_plan_do_not_all_go_at_the_same_minute(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = [time_of(store, f"village{number}", monkeypatch) for number in range(300)]
    assert all("01:10" <= each < "03:40" for each in times)
    assert max(times.count(each) for each in times) < 12
    assert time_of(store, "village7", monkeypatch) == times[7]


def test_a_keepers_own_plan_is_kept_to(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Plan(first="20:30", last="20:30")
    set_setting(store, schedule.SETTING, schedule.plan_to_json(plan))
    assert time_of(store, "kitenge", monkeypatch) == "20:30"


def test_the_relays_word_is_kept_to_within_reason() -> None:
    assert schedule.retry_delay(1, timedelta(minutes=17)) == timedelta(minutes=17)
    assert schedule.retry_delay(6, timedelta(minutes=17)) == timedelta(minutes=30)
    assert schedule.retry_delay(1, timedelta(days=365)) == timedelta(hours=3)
