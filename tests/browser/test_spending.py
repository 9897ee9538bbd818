# SPDX-License-Identifier: Apache-2.0
"""The keeper's pages of times, prices and costs, on a phone without JavaScript."""

from datetime import UTC, datetime, timedelta

import pytest

from mokanda_firmware import relaytime
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.bus.states import CourierState
from mokanda_firmware.bus.statuses import CourierStatus
from mokanda_firmware.mailbox.costs import budget, tariff, usage
from mokanda_firmware.mailbox.sync import outgoing
from mokanda_firmware.mailbox.sync.sessions import SessionRecord, record_session
from mokanda_firmware.modem import readings
from tests.browser.conftest import Phone, Phones, Webmail
from tests.browser.test_pages import LOOKS, found

pytestmark = pytest.mark.browser
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def fill_plan(keeper: Phone) -> None:
    keeper.open("/more")
    keeper.press("Times and prices")
    keeper.page.select_option("[name=every]", "360")
    keeper.page.select_option("[name=zone]", "Africa/Kinshasa")
    keeper.fill(first="06:00", last="18:00", price="0,60", currency="USD")
    keeper.fill(start0="00:00", end0="06:30", price0="0,001")
    keeper.press("Save")


def a_month(webmail: Webmail) -> None:
    """Thirty days of mail, one with a run that failed, some without a word of the balance."""
    for number in range(30):
        day = (NOON + timedelta(days=number)).date()
        if number % 7 != 3:
            readings.keep(f"Solde: {9 - number % 10:.2f} USD", day, "630010123456789")
        relaytime.remember(NOON + timedelta(days=number))
        usage.count(webmail.store, 9_000 + 700 * number, 40_000 - 900 * number, run=True)
    usage.count(webmail.store, 2_000, 0, run=True, failed=True)
    ended = relaytime.now()
    assert ended is not None
    silent = Sentence("The modem is silent.")
    record = SessionRecord(ended, ended, "ppp0", 2_000, 0, 0, 0, silent, 7, "USD")
    record_session(webmail.store, record)
    with webmail.store.transaction() as connection:
        usage.charge(connection, 1, up=120_000, down=300_000)


def test_the_keeper_tells_prices_and_times_without_javascript(
    phones: Phones, webmail: Webmail
) -> None:
    keeper = phones()
    keeper.register("awa")
    fill_plan(keeper)
    assert "Now it goes at 06:00." in keeper.page.inner_text("main")
    prices = tariff.load(webmail.store)
    assert (prices.currency, prices.price, prices.windows[0].price) == ("USD", 600_000, 1_000)
    keeper.shoot("plan")


def test_the_keeper_sees_what_a_month_has_cost_and_sets_a_budget(
    phones: Phones, webmail: Webmail
) -> None:
    keeper = phones()
    keeper.register("awa")
    fill_plan(keeper)
    a_month(webmail)
    keeper.open("/more")
    keeper.press("Data and money")
    used, balance = keeper.page.locator("svg.plot").all()
    assert used.locator("rect").count() == 61
    assert balance.locator("rect").count() == 26
    assert balance.locator(".rise").count() == 2
    for plot in (used, balance):
        box = plot.bounding_box()
        assert box is not None
        assert box["height"] > 50
    keeper.page.get_by_text("The numbers").click()
    assert keeper.page.locator("tbody tr").count() == 30
    assert "2, 1 failed" in keeper.page.locator("tbody tr").first.inner_text()
    keeper.page.select_option("[name=village]", "500000")
    keeper.press("Save")
    assert budget.load(webmail.store).village == 500_000
    assert "are left" in keeper.page.inner_text("main")
    keeper.shoot("spending")


def test_a_villager_sees_why_a_letter_waits_and_what_it_costs(
    phones: Phones, webmail: Webmail
) -> None:
    CourierStatus(CourierState.IDLE, next_sync=datetime(2026, 3, 2, 1, 10, tzinfo=UTC)).publish()
    relaytime.remember(NOON)
    keeper = phones()
    keeper.register("awa")
    fill_plan(keeper)
    keeper.write("friend@example.org", "Large", "x" * 30_000)
    keeper.press("Send")
    [mail] = outgoing.waiting(webmail.store, 1_000_000)
    outgoing.hold(webmail.store, {mail.number: 60_000}, {mail.number: "large"})
    keeper.open("/outbox")
    assert "The keeper can send it all the same. 60 KB" in keeper.page.inner_text(".letters")
    keeper.shoot("outbox")
    keeper.open("/device")
    assert "1 letter is too much for today." in keeper.page.inner_text("main")
    assert keeper.page.get_by_role("button", name="Send all of it now").is_visible()
    keeper.shoot("device")


@LOOKS
def test_these_pages_fit_a_phone_and_axe_finds_nothing(
    phones: Phones, webmail: Webmail, locale: str, dark: bool
) -> None:
    keeper = phones(javascript=True, dark=dark, locale=locale)
    keeper.open("/register")
    keeper.fill(name="awa", display_name="Awa", password="elombe-2026", again="elombe-2026")
    keeper.page.click("main button")
    a_month(webmail)
    problems = []
    for path in ("/plan", "/spending", "/account", "/villagers/1", "/device"):
        keeper.open(path)
        for summary in keeper.page.locator("main summary").all():
            summary.click()
        problems += found(keeper.page, path)
        keeper.shoot(path.strip("/").replace("/", "-"))
    assert problems == []
