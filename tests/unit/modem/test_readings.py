# SPDX-License-Identifier: Apache-2.0
"""The balance by day and card, as it is kept."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from mokanda_firmware import paths
from mokanda_firmware.modem.readings import MOST_KEPT, Reading, begin, history, keep, of_card

TODAY = date(2026, 11, 29)
BILLION = 10**9
CARD, OTHER = "630010123456789", "630899876543210"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOKANDA_DATA", str(tmp_path))


def test_an_answer_is_kept_for_its_day_and_card() -> None:
    read = keep("Solde: 5 USD", TODAY, CARD)
    assert read == Reading("2026-11-29", "Solde: 5 USD", 5 * BILLION, "USD", CARD)
    assert history() == [read]


def test_an_answer_without_an_amount_is_kept_too() -> None:
    keep("Revenez demain", TODAY, CARD)
    assert history() == [Reading("2026-11-29", "Revenez demain", card=CARD)]


def test_the_last_amount_of_a_day_counts() -> None:
    keep("Solde: 5 USD", TODAY, CARD)
    keep("Solde: 4 USD", TODAY, CARD)
    assert [each.value for each in history()] == [4 * BILLION]


def test_an_amount_takes_the_place_of_an_answer_without_one_and_keeps_it() -> None:
    keep("Revenez", TODAY, CARD)
    keep("Solde: 4 USD", TODAY, CARD)
    keep("Revenez", TODAY, CARD)
    assert [each.value for each in history()] == [4 * BILLION]


def test_the_text_is_kept_of_the_newest_alone() -> None:
    keep("Solde: 5 USD", TODAY, CARD)
    keep("Solde: 4 USD", TODAY + timedelta(days=1), CARD)
    assert [each.text for each in history()] == ["", "Solde: 4 USD"]


def test_each_card_has_its_amounts() -> None:
    keep("Solde: 5 USD", TODAY, CARD)
    keep("Solde: 900 FC", TODAY, OTHER)
    assert [each.value for each in of_card(CARD)] == [5 * BILLION]
    assert [each.value for each in of_card(OTHER)] == [900 * BILLION]
    assert of_card(None) == of_card(OTHER)
    assert of_card("") == []


def test_amounts_of_another_currency_are_not_beside_the_newest() -> None:
    keep("Solde: 5 USD", TODAY - timedelta(days=2), CARD)
    begin(TODAY - timedelta(days=1), CARD)
    keep("Solde: 900 FC", TODAY, CARD)
    assert [each.value for each in of_card(CARD)] == [None, 900 * BILLION]


def test_what_was_asked_and_not_answered_is_a_day_without_an_amount() -> None:
    assert begin(TODAY, CARD)
    assert history() == [Reading("2026-11-29", card=CARD)]
    assert not begin(TODAY, CARD)
    assert begin(TODAY, OTHER)
    keep("Solde: 4 USD", TODAY, CARD)
    assert [each.value for each in history()] == [None, 4 * BILLION]


def test_a_clock_that_was_ahead_hides_nothing() -> None:
    keep("Solde: 5 USD", TODAY + timedelta(days=300), CARD)
    assert begin(TODAY, CARD)
    keep("Solde: 4 USD", TODAY, CARD)
    assert of_card(CARD)[-1].text == "Solde: 4 USD"


def test_the_oldest_go() -> None:
    many = [{"day": f"{TODAY - timedelta(days=each)}"} for each in range(1, MOST_KEPT + 1)]
    paths.balance().write_text(json.dumps(many[::-1]))
    keep("Solde: 4 USD", TODAY, CARD)
    days = [each.day for each in history()]
    assert (len(days), days[0], days[-1]) == (
        MOST_KEPT,
        f"{TODAY - timedelta(days=MOST_KEPT - 1)}",
        f"{TODAY}",
    )


def test_a_long_answer_is_cut() -> None:
    assert len(keep("x" * 5000, TODAY, CARD).text) < 5000


@pytest.mark.parametrize("content", ["", "{}", "[1]", '[{"day": 5}]', "[" * 100_000, "\udcff"])
def test_a_damaged_history_is_none(content: str) -> None:
    paths.balance().write_text(content, errors="surrogateescape")
    assert of_card(None) == []
    assert keep("Solde: 4 USD", TODAY, CARD) in history()
