# SPDX-License-Identifier: Apache-2.0
"""What bytes cost at which hour."""

import re
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mokanda_firmware.mailbox.costs import tariff
from mokanda_firmware.mailbox.costs.tariff import Tariff, Window
from mokanda_wire.limits import MONEY_UNIT

KINSHASA = ZoneInfo("Africa/Kinshasa")  # UTC+1 all year
CONGO = Tariff("USD", 600_000, (Window("22:00", "06:00", 1_000),))

clocks = st.times().map(lambda clock: clock.replace(second=0, microsecond=0))
texts = clocks.map(lambda clock: f"{clock:%H:%M}")
windows = st.builds(Window, texts, texts, st.integers(0, 10**9))
tariffs = st.builds(
    Tariff, st.just("CDF"), st.integers(0, 10**9), st.lists(windows, max_size=4).map(tuple)
)


def test_a_megabyte_costs_what_its_hour_costs() -> None:
    noon = datetime(2026, 3, 1, 11, tzinfo=UTC)
    assert CONGO.cost(1_000_000, noon, KINSHASA) == 600_000_000
    assert CONGO.cost(1_000_000, noon + timedelta(hours=10), KINSHASA) == 1_000_000
    assert CONGO.cost(1_000_000, noon + timedelta(hours=18), KINSHASA) == 600_000_000


def test_hours_may_span_midnight_and_end_before_their_end() -> None:
    night = Window("22:00", "06:00", 0)
    inside = [time(22), time(23, 59), time(0), time(5, 59)]
    outside = [time(6), time(12), time(21, 59)]
    assert [night.covers(clock) for clock in inside + outside] == [True] * 4 + [False] * 3


@given(tariffs, clocks)
def test_no_hour_is_cheaper_than_a_cheap_one(prices: Tariff, clock: time) -> None:
    cheap = [each for each in prices.changes() if prices.is_cheap(each)]
    assert cheap
    assert prices.price_at(cheap[0]) <= prices.price_at(clock)
    assert prices.is_cheap(clock) == (prices.price_at(clock) == prices.price_at(cheap[0]))


@given(st.lists(st.integers(0, 10**9), max_size=20), st.integers(0, 10**12))
def test_many_small_amounts_cost_what_they_cost_together(parts: list[int], price: int) -> None:
    apart = sum(tariff.money(part, price) for part in parts)
    together = tariff.money(sum(parts), price)
    assert together <= apart < together + len(parts) + 1


@given(tariffs)
def test_the_store_keeps_a_tariff_as_it_is(prices: Tariff) -> None:
    assert tariff.from_json(tariff.to_json(prices)) == prices


@pytest.mark.parametrize("value", [None, 7, [], {}, {"currency": "USD"}, {"windows": 3}])
def test_a_tariff_that_cannot_be_read_is_none(value: object) -> None:
    assert tariff.from_json(value) == Tariff()


@pytest.mark.parametrize(
    ("text", "price"),
    [
        *(("0.60", 600_000), ("0,001", 1_000), ("0.000001", 1), ("0", 0)),
        *((" 1700 ", 1_700_000_000), ("1 700", 1_700_000_000)),
        *(("0.500", 500_000), ("00,125", 125_000), ("1.2500", 1_250_000), ("1,25", 1_250_000)),
    ],
)
def test_a_price_is_read_as_people_write_it(text: str, price: int) -> None:
    assert tariff.parse_price(text) == price


@pytest.mark.parametrize(
    "text",
    ["1e-30", "1e5", "1_000", "1 00", "0.0000001", "0.6.0", "+1", "-0", ".5", "\u0665", "NaN"],
)
def test_a_price_has_digits_and_one_point_or_comma(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        tariff.parse_price(text)


@pytest.mark.parametrize("text", ["1.000", "2.500", "2,500", "1 000,500", "10.000"])
def test_a_price_that_may_be_read_as_thousands_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        tariff.parse_price(text)


@given(st.text())
def test_what_is_no_price_is_refused(text: str) -> None:
    try:
        price = tariff.parse_price(text)
    except ValueError:
        return
    assert 0 <= price <= tariff.MAX_PRICE * tariff.PRICE_UNIT
    assert MONEY_UNIT % tariff.PRICE_UNIT == 0
