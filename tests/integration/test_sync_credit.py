# SPDX-License-Identifier: Apache-2.0
"""The villagers' credit, with a real courier, a real relay and the sockets' own counters."""

from __future__ import annotations

import pytest

from mokanda_firmware.courier.run import run
from mokanda_firmware.mailbox.costs import ledger, usage
from mokanda_firmware.mailbox.costs.ledger import Rules
from mokanda_firmware.mailbox.store.settings import set_setting
from mokanda_wire.limits import MONEY_UNIT
from tests.budgets import break_off_beyond_the_budget, crossed, held, limit, noise, send_down
from tests.relay_served import Served
from tests.syncing_village import Village

pytest_plugins = ("tests.syncing_fixtures",)
PRICE = 600  # billionths a byte
SHORT_DAY = 15_000  # bytes


@pytest.fixture
def village(new_village: Village) -> Village:
    """A village that sells credit, and lets no letter leave without."""
    tariff = {"currency": "USD", "price": 600_000, "windows": []}
    set_setting(new_village.store, "tariff", tariff)
    set_setting(new_village.store, ledger.SETTING, Rules(on=True, refuse=True).to_json())
    new_village.sync()
    return new_village


def pay(village: Village, name: str, amount: int = MONEY_UNIT) -> None:
    ledger.pay(village.store, "keeper", village.accounts[name], amount, "USD", f"{name}-{amount}")


def spent(village: Village) -> dict[str, int]:
    """What each villager's letters have cost; "" is the village's own."""
    with village.store.reading() as connection:
        rows = connection.execute(
            "SELECT name, -sum(amount) AS amount FROM ledger WHERE kind = 'spent' GROUP BY name"
        )
        return {row["name"]: row["amount"] for row in rows}


def test_all_that_a_night_costs_is_divided_to_the_unit(village: Village, served: Served) -> None:
    for name in village.accounts:
        pay(village, name)
    village.write(noise(2000, 1))
    village.write(noise(6000, 2), sender="bako")
    send_down(served, noise(3000, 3))
    village.sync()
    [total] = ledger.totals(village.store)
    assert total.agree
    assert total.open == 0
    assert total.link == sum(record.money for record in village.sessions())
    assert total.link == usage.month(village.store, usage.this_month(village.store)).money
    shares = usage.month_of_villagers(village.store, usage.this_month(village.store))
    for name, number in village.accounts.items():
        assert abs(spent(village)[name] - shares[number].size * PRICE) <= PRICE


def test_without_credit_letters_wait_and_mail_arrives(village: Village, served: Served) -> None:
    pay(village, "bako")
    village.write("waits")
    village.write("goes", sender="bako")
    send_down(served, "comes")
    run(village.store, lambda *_: None, beyond=True)  # the keeper's word is for budgets
    assert held(village) == ["credit"]
    assert village.texts("sent", "bako") == ["goes"]
    assert village.texts("inbox") == ["comes"]
    [debt] = ledger.balances(village.store, village.accounts["amina"]).values()
    assert debt < 0
    pay(village, "amina", -debt)
    village.sync()
    assert village.texts("outbox") == ["waits"]  # at zero
    pay(village, "amina")
    village.sync()
    assert village.texts("sent") == ["waits"]


def test_the_last_letter_may_take_more_than_there_is_and_no_other(village: Village) -> None:
    pay(village, "amina", 500 * PRICE)
    for number in range(4):
        village.write(noise(3000, number))
    village.sync()
    village.sync()
    assert len(village.texts("sent")) == 1
    assert held(village) == ["credit"] * 3


def test_a_letter_of_several_nights_is_paid_by_its_writer(
    village: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    pay(village, "amina")
    before = spent(village)[""]
    village.write("huge " + noise(90_000, 1))
    break_off_beyond_the_budget(village, monkeypatch)
    nights = 0
    while village.texts("outbox"):
        assert "amina" not in spent(village)
        limit(village, 40_000)
        assert crossed(village.sync()) <= 41_000
        nights += 1
    assert 1 < nights < 6
    [letter] = usage.month_of_villagers(village.store, usage.this_month(village.store)).values()
    assert abs(spent(village)["amina"] - letter.size * PRICE) <= PRICE
    assert spent(village)[""] - before < 30_000 * PRICE  # calls, and what was cut
    [total] = ledger.totals(village.store)
    assert total.agree
    assert total.open == 0


def begin_a_mail_of_several_nights(
    village: Village, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Have a part of it come, as far as a day's budget reaches."""
    send_down(served, "huge " + noise(90_000, 1))
    break_off_beyond_the_budget(village, monkeypatch, "fetch")
    limit(village, SHORT_DAY)
    record = village.sync()
    assert (record.error, village.texts("inbox")) == (None, [])
    assert record.bytes_down > 5_000


def test_a_mail_of_several_nights_is_paid_by_its_reader(
    village: Village, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = spent(village)[""]
    begin_a_mail_of_several_nights(village, served, monkeypatch)
    assert spent(village) == {"": before}
    nights = 1
    while not village.texts("inbox"):
        limit(village, SHORT_DAY)
        assert crossed(village.sync()) <= SHORT_DAY + 1000
        nights += 1
    assert 1 < nights < 6
    [mail] = usage.month_of_villagers(village.store, usage.this_month(village.store)).values()
    assert mail.size > SHORT_DAY
    assert abs(spent(village)["amina"] - mail.size * PRICE) <= PRICE
    [total] = ledger.totals(village.store)
    assert total.link == sum(record.money for record in village.sessions())
    assert total.agree
    assert total.open == 0


def test_a_mail_of_several_nights_is_paid_once_though_the_power_goes_as_it_is_there(
    village: Village, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin_a_mail_of_several_nights(village, served, monkeypatch)
    limit(village)

    def lose_power(*_: object, **__: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patched, pytest.raises(SystemExit):
        patched.setattr("mokanda_firmware.courier.run.record_session", lose_power)
        village.sync()
    assert len(village.texts("inbox")) == 1
    assert "amina" not in spent(village)
    village.sync()
    [mail] = usage.month_of_villagers(village.store, usage.this_month(village.store)).values()
    assert abs(spent(village)["amina"] - mail.size * PRICE) <= PRICE
    village.sync()
    [total] = ledger.totals(village.store)
    assert total.spent == spent(village)["amina"]
    assert total.agree
    assert total.open == 0
