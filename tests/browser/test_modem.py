# SPDX-License-Identifier: Apache-2.0
"""The keeper's page of modem and SIM card, on a phone without JavaScript."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.bus.states import ModemState
from mokanda_firmware.bus.statuses import ModemStatus, OtherModem
from mokanda_firmware.modem import calls, messages, readings, shop
from mokanda_firmware.modem.backend import Answer
from mokanda_firmware.modem.calls import CallRecord
from mokanda_firmware.modem.messages import Part
from mokanda_firmware.modem.networks import Form, Offer
from mokanda_firmware.modem.orders import Counter
from mokanda_firmware.modem.settings import Settings
from mokanda_firmware.modem.shop import Shop
from tests.browser.conftest import Phones
from tests.browser.test_pages import found
from tests.statuses import READY

pytestmark = pytest.mark.browser
REFUSED = Sentence("The mobile network refused the user name or password of its access point.")


class Network:
    """It answers whatever comes."""

    def ask_network(self, code: str) -> Answer:  # noqa: ARG002
        return Answer("1 Jour\n2 Mois", is_menu=True)

    def send(self, text: str, number: str) -> None:
        """It has gone."""


def a_night() -> None:
    replace(READY, apn="vodanet", others=(OtherModem("ZTE MF190", ModemState.PUK),)).publish()
    Settings("own.cd", "u", "secret", balance_code="*102#", balance_daily=True).keep()
    readings.keep("Solde: 2.50 USD, valable jusqu'au 31/12.", date(2026, 3, 1), READY.imsi)
    began = datetime(2026, 3, 1, 1, 10, tzinfo=UTC)
    calls.keep(CallRecord(began, 95, 12_000, 48_000, "vodanet"))
    balance = "Votre solde est de 2.50 USD, valable jusqu'au 31/12."
    messages.add([Part("Vodacom", began, balance, of_network=True)])
    week = Offer("1 Go semaine", Form("NET1", "1122"), "2 USD", "1 GB")
    shop.keep("63001", Shop(Form("*123*{voucher}#"), (week, Offer("Nuit", Form("*111*2*1#")))))
    counter = Counter()
    counter.carry_out(counter.next_number, "1 Go semaine", week.form, Network())
    counter.carry_out(counter.next_number, "*111#", Form("*111#"), Network())
    calls.keep(CallRecord(None, 3, apn="own.cd", trouble=REFUSED))


@pytest.mark.usefixtures("webmail")
def test_the_keeper_follows_the_signal_and_the_page_looks_again_by_itself(phones: Phones) -> None:
    a_night()
    keeper = phones()
    keeper.register("awa")
    keeper.open("/more")
    keeper.press("Modem and SIM")
    keeper.press("Follow the signal")
    ModemStatus(ModemState.READY, operator="Vodacom CD", signal=90).publish()
    keeper.page.get_by_text("strong, 90 %").wait_for()
    keeper.shoot("followed")
    keeper.press("Stop following")
    assert keeper.page.locator("[name=apn]").input_value() == "own.cd"


@pytest.mark.parametrize("width", [240, 360])
@pytest.mark.parametrize("locale", ["en", "fr"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.usefixtures("webmail")
def test_it_fits_a_phone_and_axe_finds_nothing(
    phones: Phones, locale: str, dark: bool, width: int
) -> None:
    a_night()
    keeper = phones(javascript=True, dark=dark, locale=locale)
    keeper.page.set_viewport_size({"width": width, "height": 640})
    keeper.open("/register")
    keeper.fill(name="awa", display_name="Awa", password="elombe-2026", again="elombe-2026")
    keeper.page.click("main button")
    keeper.open("/device/modem")
    problems = found(keeper.page, "/device/modem", width)
    keeper.shoot(f"modem-{width}", whole=True)
    keeper.fill(apn="réseau", password="é")
    keeper.page.locator("form[action='/device/modem'] button").first.click()
    keeper.page.locator("#wrong-apn").wait_for()
    problems += found(keeper.page, "/device/modem, refused", width)
    keeper.shoot(f"modem-{width}-refused", whole=True)
    keeper.fill(balance_code="solde")
    keeper.page.locator("form[action='/device/modem/balance'] button").click()
    keeper.page.locator("#wrong-balance_code").wait_for()
    problems += found(keeper.page, "/device/modem/balance, refused", width)
    keeper.open("/device/modem")
    keeper.page.click("text=1 Go semaine")
    problems += found(keeper.page, "/device/modem/order", width)
    keeper.shoot(f"modem-{width}-order", whole=True)
    keeper.open("/device/modem/shop")
    keeper.page.click("summary >> nth=0")
    problems += found(keeper.page, "/device/modem/shop", width)
    keeper.page.locator("form:has([name=name])").last.locator("button").click()
    keeper.page.locator(".wrong").wait_for()
    problems += found(keeper.page, "/device/modem/shop, refused", width)
    keeper.shoot(f"modem-{width}-shop", whole=True)
    ModemStatus(ModemState.PIN, model="huawei E303", tries=2).publish()
    keeper.open("/device/modem")
    problems += found(keeper.page, "/device/modem, locked", width)
    keeper.shoot(f"modem-{width}-locked", whole=True)
    assert problems == []
