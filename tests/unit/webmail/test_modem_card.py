# SPDX-License-Identifier: Apache-2.0
"""The SIM card's codes, credit and messages on the keeper's page."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mokanda_firmware.bus.states import ModemState
from mokanda_firmware.bus.statuses import ModemStatus
from mokanda_firmware.modem import messages, networks
from mokanda_firmware.modem.messages import Part
from tests.statuses import READY
from tests.unit.webmail.served_village import Phone, Village
from tests.unit.webmail.test_modem import daemon

LOCKED = ModemStatus(
    ModemState.PIN, model="huawei E303", imei="861195009876543", tries=2, next_order=7
)


@pytest.fixture
def keeper(village: Village) -> Phone:
    return village.villager("awa")


def actions(keeper: Phone) -> set[str]:
    return {form.action for form in keeper.get("/device/modem").forms.values()}


def submit(keeper: Phone, action: str, **fields: str) -> str:
    forms = keeper.get("/device/modem").forms.values()
    form = next(each for each in forms if each.action == action)
    for name, value in fields.items():
        form[name] = value
    return str(form.submit(expect_errors=True).maybe_follow().text)


def test_a_pin_is_asked_for_only_when_the_card_does(keeper: Phone) -> None:
    READY.publish()
    assert "/device/modem/pin" not in actions(keeper)
    LOCKED.publish()
    assert "/device/modem/pin" in actions(keeper)
    assert "Tries left: 2." in keeper.get("/device/modem").text
    replace(LOCKED, state=ModemState.PUK, tries=10).publish()
    assert "/device/modem/puk" in actions(keeper)


def test_the_pin_goes_to_the_card_once_and_into_no_record(keeper: Phone) -> None:
    LOCKED.publish()
    with daemon() as asked:
        text = submit(keeper, "/device/modem/pin", pin=" 1234 ", keep="1")
    form = {"number": 7, "imei": LOCKED.imei}
    assert {"verb": "pin", "pin": "1234", "keep": True, **form} in asked
    assert sum(each["verb"] == "pin" for each in asked) == 1
    assert "The SIM card is unlocked." in text


def test_a_puk_goes_with_its_new_pin(keeper: Phone) -> None:
    replace(LOCKED, state=ModemState.PUK).publish()
    with daemon() as asked:
        submit(keeper, "/device/modem/puk", puk="12345678", pin="4321")
    form = {"number": 7, "imei": LOCKED.imei}
    assert {"verb": "puk", "puk": "12345678", "pin": "4321", **form} in asked


def test_the_code_for_the_balance_stands_in_the_form_where_it_is_known(keeper: Phone) -> None:
    replace(READY, next_order=7).publish()
    with daemon(answer={"text": "Solde: 2.50 USD\n<b>1</b> Forfaits", "menu": True}) as asked:
        text = submit(keeper, "/device/modem/ask", code="*100#")
    code = {"code": "*100#", "zone": ""}
    assert {
        "verb": "ussd",
        "number": 7,
        "menu": 0,
        "card": networks.card(READY.imsi),
        **code,
    } in asked
    assert "Solde: 2.50 USD" in text
    assert "&lt;b&gt;1&lt;/b&gt; Forfaits" in text


def test_the_networks_messages_can_be_read(keeper: Phone) -> None:
    sent = datetime(2026, 11, 29, tzinfo=UTC)
    messages.add([Part("Vodacom", sent, "Bonus: <1 GB>", of_network=True)])
    page = keeper.get("/device/modem")
    assert "Vodacom" in page.text
    assert "Bonus: &lt;1 GB&gt;" in page.text
    assert page.text.count("from the network") == 1


def test_what_a_phone_has_sent_is_not_marked(keeper: Phone) -> None:
    messages.add([Part("+243810000000", None, "Bonus!")])
    assert "from the network" not in keeper.get("/device/modem")
