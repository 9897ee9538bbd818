# SPDX-License-Identifier: Apache-2.0
"""The code for the balance on the keeper's page, and what the network has said to it."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from webtest import Form

from mokanda_firmware.mailbox.administration import audit
from mokanda_firmware.modem import networks, readings
from mokanda_firmware.modem.settings import Settings
from tests.statuses import READY
from tests.unit.webmail.served_village import Phone, Village
from tests.unit.webmail.test_modem import daemon

TODAY = date(2026, 11, 29)


@pytest.fixture
def keeper(village: Village) -> Phone:
    return village.villager("awa")


def form_of(keeper: Phone, action: str) -> Form:
    forms = keeper.get("/device/modem").forms.values()
    return next(each for each in forms if each.action == action)


def test_the_keeper_sets_a_code_and_has_it_asked_once_a_day(
    village: Village, keeper: Phone
) -> None:
    form = form_of(keeper, "/device/modem/balance")
    assert not form["balance_daily"].checked
    form["balance_code"], form["balance_daily"].checked = " *100*1# ", True
    with daemon() as asked:
        assert form.submit().location == "/device/modem?note=saved"
    assert asked == [{"verb": "configure_balance", "code": "*100*1#", "daily": True}]
    act = audit.acts(village.store)[0]
    assert (act.actor, act.action, act.subject) == ("awa", "modem", "*100*1#, daily")


def test_what_is_set_stands_in_the_form_and_is_asked_by_hand_too(keeper: Phone) -> None:
    Settings(balance_code="*7#", balance_daily=True).keep()
    form = form_of(keeper, "/device/modem/balance")
    assert (form["balance_code"].value, form["balance_daily"].checked) == ("*7#", True)
    assert form_of(keeper, "/device/modem/ask")["code"].value == "*7#"


def test_an_empty_code_leaves_it_to_what_is_known_of_the_network(keeper: Phone) -> None:
    imsi, known = next(
        (imsi, each["balance"])
        for imsi, each in networks.read()["network"].items()
        if "balance" in each
    )
    replace(READY, imsi=f"{imsi}0123456789"[:15]).publish()
    Settings(balance_code="*7#").keep()
    assert f"to ask by {known}" in keeper.get("/device/modem").text
    form = form_of(keeper, "/device/modem/balance")
    form["balance_code"] = ""
    with daemon() as asked:
        form.submit(status=303)
    assert {"verb": "configure_balance", "code": "", "daily": False} in asked


def test_where_no_code_is_known_that_is_said(keeper: Phone) -> None:
    READY.publish()
    assert "The device knows none for this card" in keeper.get("/device/modem").text


@pytest.mark.parametrize("code", ['*1"#', "*1#\r\nATZ", "+123#", "*" * 31, "abc"])
def test_a_code_that_is_none_is_said_at_its_field(
    village: Village, keeper: Phone, code: str
) -> None:
    before = audit.acts(village.store)
    with daemon() as asked:
        page = keeper.post(
            "/device/modem/balance", status=422, balance_code=code, balance_daily="1"
        )
    assert asked == []
    [wrong] = page.html.select("[aria-invalid]")
    assert wrong["name"] == "balance_code"
    sentence = page.html.find(id=wrong["aria-describedby"].split()[0])
    assert "digits, * and # only, 30 at most" in sentence.get_text()
    assert page.html.select_one("[name=balance_daily]").has_attr("checked")
    assert audit.acts(village.store) == before


def test_a_daemon_that_does_not_answer_leaves_the_form_filled_in(keeper: Phone) -> None:
    page = keeper.post("/device/modem/balance", status=503, balance_code="*7#")
    assert page.html.select_one("[name=balance_code]")["value"] == "*7#"


def test_what_has_not_changed_is_not_noted(village: Village, keeper: Phone) -> None:
    Settings(balance_code="*7#", balance_daily=True).keep()
    before = audit.acts(village.store)
    with daemon():
        form_of(keeper, "/device/modem/balance").submit(status=303)
    assert audit.acts(village.store) == before


def test_the_networks_words_are_shown_with_the_amount_found_in_them(keeper: Phone) -> None:
    READY.publish()
    readings.keep("Solde: 2.50 USD <b>", TODAY, READY.imsi)
    page = keeper.get("/device/modem")
    assert "Solde: 2.50 USD &lt;b&gt;" in page.text
    assert "Kept for that day: 2.50 USD." in page.text


def test_words_without_an_amount_and_no_words_at_all_are_said_as_such(keeper: Phone) -> None:
    READY.publish()
    readings.keep("Revenez demain", TODAY, READY.imsi)
    assert "The device finds no amount in it." in keeper.get("/device/modem").text
    readings.begin(TODAY + timedelta(days=1), READY.imsi)
    assert "On 2026-11-30 the network was asked, and told nothing." in (
        keeper.get("/device/modem").text
    )


def test_the_amount_of_another_card_says_nothing(keeper: Phone) -> None:
    READY.publish()
    readings.keep("Solde: 2.50 USD", TODAY, "630020000000001")
    assert "2.50" not in keeper.get("/device/modem").text
