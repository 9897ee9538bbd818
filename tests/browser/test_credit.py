# SPDX-License-Identifier: Apache-2.0
"""Credit that the keeper sells, on phones without JavaScript; and the receipt on paper."""

from datetime import UTC, datetime

import pytest

from mokanda_firmware import relaytime
from mokanda_firmware.mailbox.costs import ledger, tariff, usage
from mokanda_firmware.mailbox.costs.tariff import Tariff
from mokanda_firmware.mailbox.store.settings import set_setting
from mokanda_firmware.mailbox.sync.sessions import SessionRecord, record_session
from mokanda_wire.limits import MONEY_UNIT
from tests.browser.conftest import PASSWORD, Phone, Phones, Webmail
from tests.browser.test_pages import LOOKS, found

pytestmark = pytest.mark.browser
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
RUN = SessionRecord(NOON, NOON, "ppp0", 0, 0, 0, 0)


def tell_prices(webmail: Webmail) -> None:
    relaytime.remember(NOON)
    set_setting(webmail.store, "tariff", tariff.to_json(Tariff("USD", 600_000)))


def night(webmail: Webmail, account: int, size: int) -> None:
    with webmail.store.transaction() as connection:
        usage.charge(connection, account, up=size)
    usage.count(webmail.store, size + 1_100, 0)
    record_session(webmail.store, RUN)


def sell(keeper: Phone) -> None:
    keeper.open("/more")
    keeper.press("Villagers' credit")
    keeper.page.get_by_label("Villagers pay for their letters").check()
    keeper.page.get_by_label("Letters to the world wait when the credit is used up").check()
    keeper.press("Save")


def test_credit_is_bought_and_used_up_and_a_letter_waits(phones: Phones, webmail: Webmail) -> None:
    keeper, ben = phones(), phones()
    keeper.register("awa", "Awa Mboyo")
    ben.register("ben", "Ben Ilunga")
    tell_prices(webmail)
    sell(keeper)
    keeper.page.locator("main").get_by_role("link", name="Ben Ilunga").click()
    keeper.page.get_by_label("Amount").first.fill("5")
    keeper.press("Pay in")
    assert "5.00 USD" in keeper.page.inner_text("main")
    keeper.shoot("receipt")
    keeper.page.emulate_media(media="print")
    keeper.shoot("receipt-on-paper")
    assert not keeper.page.get_by_text("Back").is_visible()
    keeper.page.emulate_media(media="screen")
    keeper.page.reload()
    keeper.press("Back")
    assert keeper.page.locator(".attachments li").count() == 1
    keeper.shoot("a-villager")
    night(webmail, 2, 20_000_000)
    keeper.open("/credit")
    keeper.shoot("totals", whole=True)
    ben.open("/write")
    assert "Your credit is used up." in ben.page.inner_text("main")
    ben.shoot("write")
    ben.fill(to="friend@example.org", subject="Dear", text="Mbote")
    ben.press("Send")
    assert "It waits until you have paid in" in ben.page.inner_text(".letters")
    ben.shoot("outbox")
    ben.open("/account")
    ben.press("My credit")
    ben.shoot("own")


def test_a_mistake_is_undone_without_javascript(phones: Phones, webmail: Webmail) -> None:
    keeper = phones()
    keeper.register("awa")
    keeper.open("/villagers/new")
    keeper.fill(name="ben", display_name="Ben")
    keeper.page.click("main button")
    tell_prices(webmail)
    sell(keeper)
    keeper.open("/credit/2")
    keeper.page.get_by_label("Amount").first.fill("500")
    keeper.press("Pay in")
    keeper.press("Back")
    keeper.page.locator("summary", has_text="Undo").click()
    keeper.page.get_by_label("Yes, this payment was a mistake").check()
    keeper.page.get_by_role("button", name="Undo").click()
    assert "Receipt 1 undone" in keeper.page.inner_text("main")
    keeper.shoot("undone")
    assert ledger.balances(webmail.store, 2) == {}


@LOOKS
def test_these_pages_fit_a_phone_and_axe_finds_nothing(
    phones: Phones, webmail: Webmail, locale: str, dark: bool
) -> None:
    keeper = phones(javascript=True, dark=dark, locale=locale)
    keeper.open("/register")
    keeper.fill(name="awa", display_name="Awa", password=PASSWORD, again=PASSWORD)
    keeper.page.click("main button")
    tell_prices(webmail)
    set_setting(webmail.store, ledger.SETTING, ledger.Rules(on=True, refuse=True).to_json())
    ledger.pay(webmail.store, "awa", 1, 123_456 * MONEY_UNIT, "USD", "a")
    ledger.correct(webmail.store, "awa", 1)
    ledger.pay(webmail.store, "awa", 1, 7 * MONEY_UNIT, "CDF", "b")
    night(webmail, 1, 12_345)
    with webmail.store.transaction() as connection:
        connection.execute("UPDATE account SET role = 'villager'")
    night(webmail, 1, 1_234_567)
    keeper.open("/write")
    problems = found(keeper.page, "/write")
    keeper.shoot("write")
    with webmail.store.transaction() as connection:
        connection.execute("UPDATE account SET role = 'keeper'")
    for path in ("/credit", "/credit/1", "/credit/receipt/1", "/account/credit", "/villagers/1"):
        keeper.open(path)
        for summary in keeper.page.locator("main summary").all():
            summary.click()
        problems += found(keeper.page, path)
        keeper.shoot(path.strip("/").replace("/", "-"), whole=True)
    assert problems == []
