# SPDX-License-Identifier: Apache-2.0
"""What a day has cost, and how far budgets reach, as the relay keeps them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from mokanda_relay.__main__ import main
from mokanda_relay.operator import fleet
from mokanda_relay.relay import Relay
from mokanda_relay.store.clock import now
from mokanda_relay.store.tables import Device, Incoming
from mokanda_relay.sync import budgets, usage_by_day
from mokanda_relay.sync.budgets import Budget
from mokanda_relay.transport.down_queue import deliver
from mokanda_wire.limits import MONEY_UNIT, SEAL
from tests.relay_served import BOTH_DATABASES

pytest_plugins = ("tests.relay_fixtures",)
TODAY = f"{now():%Y-%m-%d}"


def device_of(session: Session, **fields: object) -> Device:
    """A device that is added if need be."""
    device = session.scalar(sa.select(Device))
    if device is None:
        device = Device(name="kitenge", domain="kitenge.example", added=now(), **fields)
        session.add(device)
        session.flush()
    return device


def told(relay: Relay, *rows: object) -> None:
    with relay.database.transaction() as session:
        usage_by_day.record(session, device_of(session), list(rows))


def kept(relay: Relay) -> list[tuple[str, str, int, int, int]]:
    with relay.database.reading() as session:
        return [
            (day.day, day.currency, day.bytes_up, day.bytes_down, day.money)
            for day in usage_by_day.of_device(session, device_of(session), 1000)
        ]


@BOTH_DATABASES
def test_a_day_that_is_told_again_has_gone_on(relay: Relay) -> None:
    told(relay, ["2026-03-01", "USD", 1, 2, 3])
    told(relay, ["2026-03-01", "USD", 5, 6, 7], ["2026-03-02", "USD", 1, 1, 1])
    assert kept(relay) == [("2026-03-02", "USD", 1, 1, 1), ("2026-03-01", "USD", 5, 6, 7)]


@pytest.mark.parametrize(
    "rows",
    [
        None,
        7,
        [7],
        [["2026-03-01", "USD", 1, 2]],
        [["2026-02-30", "USD", 1, 2, 3]],
        [["20260301", "USD", 1, 2, 3]],
        [["2026-03-01", "USD", -1, 2, 3]],
        [["2026-03-01", 5, 1, 2, 3]],
        [["2026-03-01", "USD", True, 2, 3]],
        [["2026-03-01", "USD", 2**63, 2, 3]],
    ],
)
def test_what_is_no_day_is_passed_over(relay: Relay, rows: object) -> None:
    with relay.database.transaction() as session:
        usage_by_day.record(session, device_of(session), rows)
    assert kept(relay) == []


@BOTH_DATABASES
def test_four_hundred_days_are_kept(relay: Relay) -> None:
    start = date(2026, 1, 1)
    for first in (0, 300):
        told(
            relay,
            *(
                [str(start + timedelta(days=number)), "USD", 1, 1, 1]
                for number in range(first, first + 210)
            ),
        )
    assert len(kept(relay)) == 400
    assert kept(relay)[0][0] == "2027-05-25"


def test_money_of_several_currencies_is_summed_apart(relay: Relay) -> None:
    told(
        relay,
        [TODAY, "USD", 1000, 2000, 1_200_000_000],
        [TODAY, "CDF", 3000, 0, 2_500 * MONEY_UNIT],
        ["2020-01-01", "USD", 9, 9, 9],
    )
    with relay.database.reading() as session:
        [village] = fleet.villages(session)
    assert (village.month.up, village.month.down) == (4000, 2000)
    assert village.month.price() == "2500.00 CDF, 1.20 USD"


def test_the_command_shows_what_a_village_costs(
    relay: Relay, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOKANDA_RELAY_DATABASE", relay.settings.database)
    told(relay, [TODAY, "USD", 1_500_000, 2_000_000, 2_100_000_000], ["2020-01-01", "", 9, 0, 0])
    data = ["--data", str(relay.settings.data)]
    assert main(["device", "costs", "kitenge", *data]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[1] == [TODAY, "1.5", "MB", "2.0", "MB", "2.10", "USD"]
    assert lines[3] == ["all", "1.5", "MB", "2.0", "MB", "2.10", "USD"]
    assert main(["device", "list", *data]) == 0
    assert "3.5 MB, 2.10 USD" in capsys.readouterr().out
    assert main(["device", "costs", "nowhere", *data]) == 1


def entry(number: int, name: str = "amina") -> Incoming:
    return Incoming(id=number, recipient=f"{name}@kitenge.example")


@given(st.lists(st.integers(1, 5000), max_size=20), st.integers(0, 20_000))
def test_what_goes_fits_the_room(costs: list[int], room: int) -> None:
    mails = [([entry(number)], cost) for number, cost in enumerate(costs)]
    over = Budget(room).mails_over(mails, 100)
    going = sum(cost for number, cost in enumerate(costs) if number not in over)
    assert not going or going + 100 + SEAL <= room
    for number in over:
        assert costs[number] + going + 100 + SEAL > room


def test_a_villager_who_has_spent_it_all_waits_and_others_do_not() -> None:
    mails = [([entry(1), entry(2, "bako")], 1000), ([entry(3)], 400)]
    assert set(Budget(10_000, {"amina": 450}).mails_over(mails, 0)) == {1}
    assert set(Budget(10_000, {"amina": 600}).mails_over(mails, 0)) == {3}
    assert Budget(None, {"amina": 0}).mails_over(mails, 0) == {}


@pytest.mark.parametrize("told", ["7", '{"villager": "much"}', '{"villagers": [1]}', "{}"])
def test_budgets_that_cannot_be_read_are_none(relay: Relay, told: str) -> None:
    with relay.database.transaction() as session:
        device = device_of(session, report=f'{{"budgets": {told}}}')
        assert not budgets.are_kept(device)
        assert budgets.of_device(session, device, 5000) == Budget(5000)


@BOTH_DATABASES
def test_what_a_villager_has_spent_holds_for_the_day_in_the_village(relay: Relay) -> None:
    report = '{"budgets": {"villager": 1000, "villagers": {"bako": 50}, "zone": "Africa/Goma"}}'
    with relay.database.transaction() as session:
        device = device_of(session, report=report)
        budgets.charge(session, device, {"amina": 300})
        budgets.charge(session, device, {"amina": 100, "bako": 20})
        for name in ("amina", "bako", "cyr"):
            deliver(session, f"{name}@kitenge.example", name * 8, 10)
        budget = budgets.of_device(session, device, 5000)
        assert budget == Budget(5000, {"amina": 600, "bako": 30, "cyr": 1000})
