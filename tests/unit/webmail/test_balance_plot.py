# SPDX-License-Identifier: Apache-2.0
"""The SIM card's balance beside what mail has cost, on 'Data and money'."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from mokanda_firmware import relaytime
from mokanda_firmware.mailbox.costs import usage
from mokanda_firmware.modem import readings
from mokanda_firmware.modem.readings import MOST_KEPT
from tests.statuses import READY
from tests.unit.webmail.served_village import Phone, Village

FIRST = date(2026, 3, 1)
CARD = READY.imsi


@pytest.fixture
def keeper(village: Village) -> Phone:
    return village.villager("awa")


def a_week(village: Village) -> None:
    """Mail on each of seven days."""
    for number in range(7):
        relaytime.remember(datetime(2026, 3, 1, 12, tzinfo=UTC) + timedelta(days=number))
        usage.count(village.store, 1_000, 2_000, run=True)


def told(*amounts: str | None, card: str = CARD) -> None:
    """What the network has told from the first day on; "" for no amount, None for no question."""
    for number, amount in enumerate(amounts):
        day = FIRST + timedelta(days=number)
        if amount:
            readings.keep(f"Solde: {amount}", day, card)
        elif amount == "":
            readings.begin(day, card)


def plot(page: Any) -> list[tuple[float, float, str]]:  # noqa: ANN401 - webtest's
    """The bars of the balance: where each stands, how high it is, and of which kind."""
    found = page.html.select("svg.plot .rest, svg.plot .rise")
    return [(float(bar["x"]), float(bar["height"]), bar["class"][0]) for bar in found]


def table(page: Any) -> dict[str, str]:  # noqa: ANN401
    """What the table says of the balance, by day."""
    heads = [each.get_text() for each in page.html.select("thead th")]
    rows = [
        [cell.get_text() for cell in row.select("th, td")] for row in page.html.select("tbody tr")
    ]
    return {row[0]: row[heads.index("balance")] for row in rows}


def test_days_without_an_answer_are_gaps_and_a_top_up_is_a_rise(
    village: Village, keeper: Phone
) -> None:
    a_week(village)
    READY.publish()
    told("2 USD", "1.50 USD", None, "", "0 USD", "4 USD", "3 USD")
    page = keeper.get("/spending")
    assert plot(page) == [
        (0, 30, "rest"),
        (10, 22.5, "rest"),
        (40, 1.5, "rest"),
        (50, 60, "rise"),
        (60, 45, "rest"),
    ]
    assert table(page) == {
        "2026-03-07": "3.00 USD",
        "2026-03-06": "4.00 USD",
        "2026-03-05": "0.00 USD",
        "2026-03-04": "not told",
        "2026-03-03": "",
        "2026-03-02": "1.50 USD",
        "2026-03-01": "2.00 USD",
    }
    assert "Balance of the SIM card on 2026-03-07: 3.00 USD" in page.text
    pictures = page.html.select("svg.plot")
    assert [each["role"] for each in pictures] == ["img", "img"]
    assert all("the table below has the numbers" in each["aria-label"] for each in pictures)
    assert len({each["viewbox"].split()[2] for each in pictures}) == 1


def test_a_day_of_which_only_the_balance_is_known_stands_among_the_others(
    village: Village, keeper: Phone
) -> None:
    a_week(village)
    readings.keep("Solde: 5 USD", date(2026, 3, 9), CARD)
    assert table(keeper.get("/spending"))["2026-03-09"] == "5.00 USD"


def test_without_a_balance_the_page_says_nothing_of_one(village: Village, keeper: Phone) -> None:
    a_week(village)
    page = keeper.get("/spending")
    assert plot(page) == []
    assert "alance" not in page.html.select_one("main").get_text()


def test_an_answer_that_never_came_is_no_amount(village: Village, keeper: Phone) -> None:
    a_week(village)
    told("")
    page = keeper.get("/spending")
    assert plot(page) == []
    assert table(page)["2026-03-01"] == "not told"
    assert "Balance of the SIM card on" not in page.text


def test_each_card_and_currency_has_its_own_plot(village: Village, keeper: Phone) -> None:
    a_week(village)
    told("9 USD", "8 USD", card="630020000000001")
    told(None, None, "900 FC", "7 USD", "6 USD")
    READY.publish()
    assert [x for x, _, _ in plot(keeper.get("/spending"))] == [30, 40]
    READY.__class__(READY.state, imsi="630020000000001").publish()
    assert [x for x, _, _ in plot(keeper.get("/spending"))] == [0, 10]
    READY.__class__(READY.state, imsi="630899876543210").publish()
    assert plot(keeper.get("/spending")) == []


def test_the_last_thirty_days_are_shown(keeper: Phone) -> None:
    for number in range(MOST_KEPT + 5):
        readings.keep("Solde: 5 USD", FIRST + timedelta(days=number), CARD)
    assert len(plot(keeper.get("/spending"))) == 30


@pytest.mark.parametrize("amount", ["-3 USD", "0 USD"])
def test_less_than_nothing_is_not_drawn_as_something(
    village: Village, keeper: Phone, amount: str
) -> None:
    a_week(village)
    told(amount)
    assert plot(keeper.get("/spending")) == [(0, 1.5, "rest")]
    assert table(keeper.get("/spending"))["2026-03-01"] == f"{amount[:-4]}.00 USD"


def test_an_amount_of_no_known_currency_is_shown_as_a_number(
    village: Village, keeper: Phone
) -> None:
    a_week(village)
    told("120 unites")
    assert table(keeper.get("/spending"))["2026-03-01"] == "120.00"
