# SPDX-License-Identifier: Apache-2.0
"""Budgets and their counts, with a real courier, a real relay and the sockets' own counters."""

from __future__ import annotations

import random

import pytest

from mokanda_firmware import paths, relaytime
from mokanda_firmware.bus.states import CourierState
from mokanda_firmware.courier.run import run
from mokanda_firmware.mailbox.costs import budget, usage
from mokanda_firmware.mailbox.store.settings import set_setting
from mokanda_firmware.uplink.failures import BudgetSpentError
from mokanda_relay.operator import devices
from mokanda_relay.sync import usage_by_day
from mokanda_relay.sync.down import freeze, frozen
from tests.budgets import (
    WORLD,
    break_off_beyond_the_budget,
    crossed,
    held,
    limit,
    noise,
    send_down,
    sleep,
)
from tests.relay_served import Served
from tests.syncing_village import Village

pytest_plugins = ("tests.syncing_fixtures",)
DAY = 40_000  # bytes
SHORT_DAY = 20_000  # bytes; the longest text that travels with its mail takes more


@pytest.fixture
def village(new_village: Village) -> Village:
    return new_village


def test_a_day_up_keeps_to_its_budget_and_the_rest_goes_on_other_days(village: Village) -> None:
    village.sync()
    for number in range(40):
        village.write(noise(3000, number))
    nights = []
    while village.texts("outbox"):
        limit(village, DAY)
        nights.append(village.sync())
        assert len(nights) < 10
    assert all(crossed(record) <= DAY for record in nights)
    assert all(crossed(record) > DAY - 8000 for record in nights[:-1])  # and it is used
    assert len(village.texts("sent")) == 40


def test_a_day_down_keeps_to_its_budget_and_the_rest_comes_on_other_days(
    village: Village, served: Served
) -> None:
    village.sync()
    send_down(served, *(noise(3000, number) for number in range(40)))
    nights = []
    while len(village.texts("inbox")) < 40:
        limit(village, DAY)
        nights.append(village.sync())
        assert len(nights) < 10
    assert all(crossed(record) <= DAY for record in nights)
    assert all(crossed(record) > DAY - 8000 for record in nights[:-1])


def test_mail_that_comes_down_has_its_half(village: Village, served: Served) -> None:
    village.sync()
    for number in range(40):
        village.write(noise(3000, number))
    send_down(served, *(noise(3000, 100 + number) for number in range(40)))
    limit(village, DAY)
    record = village.sync()
    assert crossed(record) <= DAY
    assert record.sent >= 4
    assert record.received >= 4


def test_small_mail_goes_first_in_both_directions(village: Village, served: Served) -> None:
    village.sync()
    village.write("large " + noise(60_000, 1))
    village.write("small")
    send_down(served, "large " + noise(60_000, 2), "small")
    limit(village, SHORT_DAY)
    assert crossed(village.sync()) <= SHORT_DAY
    assert [text[:5] for text in village.texts("sent")] == ["small"]
    assert [text[:5] for text in village.texts("inbox") if text] == ["small"]


def test_of_mail_that_waits_at_the_relay_a_stub_goes_ahead(
    village: Village, served: Served
) -> None:
    village.sync()
    send_down(served, *("large " + noise(24_000, number) for number in range(3)))
    limit(village, 30_000)
    assert crossed(village.sync()) <= 30_000
    assert sorted(text[:5] for text in village.texts("inbox")) == ["", "", "large"]
    with village.store.reading() as connection:
        rows = connection.execute(
            "SELECT sender_address, subject, stub.size FROM stub JOIN message"
            " ON message.id = stub.message"
        ).fetchall()
    assert [(row["sender_address"], row["subject"]) for row in rows] == [(WORLD, "Mbote")] * 2
    assert all(15_000 < row["size"] < 25_000 for row in rows)
    for _ in range(2):
        limit(village, 30_000)
        assert crossed(village.sync()) <= 30_000
    assert [text[:5] for text in village.texts("inbox")] == ["large"] * 3


def test_a_relay_makes_nothing_that_nobody_can_take(village: Village, served: Served) -> None:
    village.sync()
    send_down(served, "small")
    with served.relay.database.reading() as session:
        device = devices.find(session, "kitenge")
    assert freeze.offer(served.relay, device.id, 0) is None
    assert freeze.offer(served.relay, device.id, 5_000) is not None


def test_stubs_that_never_arrived_are_sent_again(village: Village, served: Served) -> None:
    village.sync()
    send_down(served, "large " + noise(60_000, 1))
    with served.relay.database.reading() as session:
        device = devices.find(session, "kitenge")
    limit(village, SHORT_DAY)
    offered = freeze.offer(served.relay, device.id, 5_000)
    assert offered is not None
    with served.relay.database.transaction() as session:
        frozen.thaw(session, devices.find(session, "kitenge"))
    village.sync()
    village.sync()
    assert village.texts("inbox") == [""]
    assert village.sessions()[0].received == 0


def test_when_nothing_is_left_the_relay_is_not_called(village: Village) -> None:
    village.sync()
    limit(village, 10_000)
    usage.count(village.store, 9_000, 0)
    village.write("waits")
    before = len(village.sessions())
    with pytest.raises(BudgetSpentError, match="goes tomorrow"):
        village.sync()
    assert len(village.sessions()) == before


def test_a_mail_larger_than_a_day_waits_for_the_keepers_word(village: Village) -> None:
    village.sync()
    village.write("huge " + noise(90_000, 1))
    village.write("small")
    for _ in range(2):
        limit(village, DAY)
        assert crossed(village.sync()) <= DAY
    assert village.texts("sent") == ["small"]
    assert held(village) == ["large"]
    run(village.store, lambda *_: None, beyond=True)
    assert len(village.texts("sent")) == 2


def test_a_villager_keeps_to_a_budget_both_ways(village: Village, served: Served) -> None:
    limit(village, villager=8_000)
    village.sync()
    for number in range(4):
        village.write(noise(3000, number))
        village.write(noise(3000, 10 + number), sender="bako")
    send_down(served, *(noise(3000, 20 + number) for number in range(4)))
    with village.store.transaction() as connection:
        connection.execute("UPDATE account SET budget = 90000 WHERE name = 'bako'")
    village.sync()
    village.sync()
    charged = usage.month_of_villagers(village.store, usage.this_month(village.store))
    assert len(village.texts("sent", "bako")) == 4
    assert 6_000 < charged[village.accounts["amina"]].size <= 8_000
    assert len([text for text in village.texts("sent") + village.texts("inbox") if text]) < 4
    assert set(held(village)) == {"villager"}


def test_a_bundle_that_is_more_than_a_day_goes_over_several_by_resume(
    village: Village, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    village.sync()
    village.write("huge " + noise(90_000, 1))
    break_off_beyond_the_budget(village, monkeypatch)
    send_down(served, "comes meanwhile")
    nights = 0
    while village.texts("outbox"):
        limit(village, DAY)
        assert crossed(village.sync()) <= DAY + 1000
        assert village.texts("inbox") == ["comes meanwhile"]
        nights += 1
        assert nights < 6
    assert nights > 1


def test_a_down_bundle_that_is_more_than_a_day_comes_over_several(
    village: Village, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    village.sync()
    send_down(served, "huge " + noise(90_000, 1))
    break_off_beyond_the_budget(village, monkeypatch, "fetch")
    nights = 0
    while not village.texts("inbox"):
        limit(village, SHORT_DAY)
        assert crossed(village.sync()) <= SHORT_DAY + 1000
        nights += 1
        assert nights < 6
    assert nights > 1


def test_after_a_reboot_the_relay_is_asked_what_day_it_is(village: Village) -> None:
    village.sync()
    limit(village, DAY)
    usage.count(village.store, DAY, 0)
    with village.store.transaction() as connection:
        for statement in (
            "UPDATE traffic SET day = '2026-01-01'",
            "UPDATE sync SET day = '2026-01-01'",
        ):
            connection.execute(statement)
    paths.status("clock").unlink()
    assert budget.left(village.store).village == 0
    village.write("goes all the same")
    assert village.sync().sent == 1
    now = relaytime.now()
    assert now is not None
    assert usage.days(village.store)[0].day == now.date().isoformat()


def test_the_shares_of_all_are_less_than_what_crossed(village: Village, served: Served) -> None:
    set_setting(village.store, "tariff", {"currency": "USD", "price": 600_000, "windows": []})
    village.sync()
    sleep(village)
    village.write("x" * 2000 + noise(2000, 1))
    village.write(noise(6000, 2), sender="bako")
    send_down(served, noise(3000, 3))
    record = village.sync()
    month = usage.this_month(village.store)
    total, charged = (
        usage.month(village.store, month),
        usage.month_of_villagers(village.store, month),
    )
    assert (total.up, total.down) == (record.bytes_up, record.bytes_down)
    assert total.money == record.money
    assert abs(total.money - crossed(record) * 600) <= 2000
    amina, bako = (charged[village.accounts[name]] for name in ("amina", "bako"))
    assert 1500 < amina.up < bako.up < 6000
    assert 2200 < amina.down < 3100
    assert bako.down == 0
    assert crossed(record) - 4000 < amina.size + bako.size < crossed(record)
    assert amina.money == amina.size * 600


def test_the_operator_learns_what_the_village_costs(village: Village, served: Served) -> None:
    set_setting(village.store, "tariff", {"currency": "USD", "price": 600_000, "windows": []})
    village.write(noise(90_000, 1))
    village.sync()  # tells what was counted before it
    used = usage.days(village.store)[0]
    set_setting(village.store, "budget", {"village": None, "villager": 90_000})
    village.sync()  # the report is told anew, as budgets have changed
    with served.relay.database.reading() as session:
        device = devices.find(session, "kitenge")
        [day] = usage_by_day.of_device(session, device, 5)
    assert (day.day, day.currency) == (used.day, "USD")
    assert used.used.up <= day.bytes_up < used.used.up + 3000
    assert day.money >= used.used.money > 0
    assert "USD" in served.get("/")[1]


def test_what_was_counted_outlives_a_power_cut(
    village: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    village.sync()
    sleep(village)
    village.write("big", files={"film.bin": random.Random(1).randbytes(400_000)})
    monkeypatch.setattr("mokanda_firmware.courier.quota._COUNTED_EVERY", 0.0)
    seen = []

    def tell(_: CourierState, part: float | None) -> None:
        if part and part > 0.5:
            seen.append(usage.days(village.store)[0].used.up)

    run(village.store, tell)
    assert seen[0] > 150_000
