# SPDX-License-Identifier: Apache-2.0
"""Credit that the keeper sells: paid in, spent, refused at zero, and shown to whom it belongs."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from webtest import Form, TestResponse

from mokanda_firmware import relaytime
from mokanda_firmware.bus.states import CourierState
from mokanda_firmware.bus.statuses import CourierStatus
from mokanda_firmware.mailbox.administration import audit
from mokanda_firmware.mailbox.costs import ledger, tariff, usage
from mokanda_firmware.mailbox.costs.ledger import Rules
from mokanda_firmware.mailbox.costs.tariff import Tariff, Window
from mokanda_firmware.mailbox.store.settings import set_setting
from mokanda_firmware.mailbox.sync.sessions import SessionRecord, record_session
from mokanda_firmware.webmail.languages import languages
from mokanda_wire.limits import MONEY_UNIT
from tests.unit.webmail.served_village import Phone, Village

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def keeper(village: Village) -> Phone:
    """Awa, who has told what data costs."""
    relaytime.remember(NOON)
    set_setting(village.store, "tariff", tariff.to_json(Tariff("USD", 600_000)))
    return village.villager("awa")


def form_of(page: TestResponse, action: str) -> Form:
    return next(form for form in page.forms.values() if form.action == action)


def switch_on(keeper: Phone, *, refuse: bool = False) -> None:
    form = form_of(keeper.get("/credit"), "/credit")
    form["on"], form["refuse"] = True, refuse
    form.submit(status=303)


def pay(keeper: Phone, villager: int, amount: str, status: int = 303) -> TestResponse:
    form = form_of(keeper.get(f"/credit/{villager}"), f"/credit/{villager}")
    form["amount"] = amount
    return form.submit(status=status)


def run(village: Village, account: int, size: int) -> None:
    with village.store.transaction() as connection:
        usage.charge(connection, account, up=size)
    usage.count(village.store, size + 1_000, 0)
    record_session(village.store, SessionRecord(NOON, NOON, "ppp0", 0, 0, 0, 0))


def sums(page: TestResponse) -> dict[str, str]:
    rows = page.html.select(".sums tr")
    return {row.th.get_text(strip=True): row.td.get_text(strip=True) for row in rows}


def test_it_is_off_and_no_villager_sees_anything_of_it(village: Village, keeper: Phone) -> None:
    ben = village.villager("ben")
    assert "My credit" not in ben.get("/account").text
    assert "Letters are not paid for at the moment." in ben.get("/account/credit").text
    assert not form_of(keeper.get("/credit"), "/credit")["on"].checked
    keeper.post("/credit/2", amount="5", once="0" * 16, status=409)
    assert village.rows("ledger") == []


def test_it_needs_prices(village: Village, keeper: Phone) -> None:
    set_setting(village.store, "tariff", {})
    assert "what data costs" in keeper.post("/credit", on="1", status=409).text
    assert Rules.of(village.store) == Rules()


def test_the_keeper_takes_money_and_gives_a_receipt(village: Village, keeper: Phone) -> None:
    ben = village.villager("ben")
    switch_on(keeper)
    receipt = pay(keeper, 2, "5,5").follow()
    assert "Receipt 1" in receipt.html.h1
    facts = {row.dt.get_text(): row.dd.get_text() for row in receipt.html.select("dl div")}
    facts.pop("Date")
    assert facts == {
        "Village": "Boende",
        "Villager": "ben@boende.example.org",
        "Paid in": "5.50 USD",
        "Credit after it": "5.50 USD",
        "Keeper": "awa",
    }
    page = ben.get("/account").click("My credit")
    assert "Credit: 5.50 USD" in " ".join(page.html.get_text().split())
    assert "Receipt 1" in page.click("Receipt 1").text
    assert audit.acts(village.store)[0].action == "credit"


def test_going_back_and_sending_again_pays_in_once(village: Village, keeper: Phone) -> None:
    village.villager("ben")
    switch_on(keeper)
    form = form_of(keeper.get("/credit/2"), "/credit/2")
    form["amount"] = "5"
    first, again = form.submit(status=303), form.submit(status=303)
    assert first.location == again.location
    form["amount"] = "6"
    assert "used already" in form.submit(status=409).text
    assert ledger.balances(village.store, 2) == {"USD": 5 * MONEY_UNIT}


def test_the_totals_agree_with_what_the_sim_card_has_spent(village: Village, keeper: Phone) -> None:
    village.villager("ben")
    switch_on(keeper)
    pay(keeper, 2, "5")
    run(village, 2, 12_345)
    page = keeper.get("/credit")
    assert sums(page) == {
        "Paid in": "5.00 USD",
        "Paid back": "0.00 USD",
        "Undone": "0.00 USD",
        "Left to the village": "0.00 USD",
        "Held for villagers": "4.992593 USD",
        "Spent on letters": "0.007407 USD",
        "The village's own": "0.0006 USD",
        "Spent by the SIM card": "0.008007 USD",
    }
    assert "Ben 4.992593 USD" in " ".join(page.html.get_text().split())
    assert usage.month(village.store, "2026-03").money == 8_007_000


def test_a_mistake_is_undone_by_another_entry(village: Village, keeper: Phone) -> None:
    village.villager("ben")
    switch_on(keeper)
    pay(keeper, 2, "50")
    undo = "/credit/entries/1/undo"
    assert "sure" in keeper.post(undo, status=422).text
    form = form_of(keeper.get("/credit/2"), undo)
    form["sure"] = True
    assert "Receipt 1 undone" in form.submit(status=303).follow().text
    assert "receipt 2 takes its place" in keeper.get("/credit/receipt/1").text
    assert "undone already" in keeper.post(undo, sure="1", status=409).text
    assert ledger.balances(village.store, 2) == {}


def test_credit_is_paid_back_also_when_none_is_sold_any_more(
    village: Village, keeper: Phone
) -> None:
    village.villager("ben")
    switch_on(keeper)
    pay(keeper, 2, "5")
    keeper.post("/credit", status=303)
    back = {"back": "USD", "once": "1" * 16}
    assert "more than" in keeper.post("/credit/2", amount="5.01", status=409, **back).text
    keeper.post("/credit/2", amount="2", status=303, **back)
    assert ledger.balances(village.store, 2) == {"USD": 3 * MONEY_UNIT}
    assert ledger.entries(village.store, 2, 1)[0].kind == "returned"


def test_who_deletes_a_villager_is_told_of_the_credit(village: Village, keeper: Phone) -> None:
    village.villager("ben")
    switch_on(keeper)
    pay(keeper, 2, "5")
    assert "There is 5.00 USD of credit left." in keeper.get("/villagers/2").text
    keeper.post("/villagers/2/delete", sure="1", status=303)
    found = sums(keeper.get("/credit"))
    assert (found["Held for villagers"], found["Left to the village"]) == (
        "0.00 USD",
        "\N{MINUS SIGN}5.00 USD",
    )
    assert "ben@boende" in keeper.get("/credit/receipt/1").text


def test_the_entries_of_a_deleted_villager_can_be_reached(village: Village, keeper: Phone) -> None:
    village.villager("ben")
    switch_on(keeper)
    pay(keeper, 2, "5")
    assert "Deleted villagers" not in keeper.get("/credit").text
    keeper.post("/villagers/2/delete", sure="1", status=303)
    page = keeper.get("/credit")
    assert "Deleted villagers" in page.text
    entries = page.click("^ben$")
    assert "This account is deleted." in entries.text
    assert "Undo" not in entries.text
    assert "Receipt 1" in entries.click("Receipt 1").click("Back").text
    form = {"amount": "5", "currency": "USD", "once": "1" * 16}
    assert "no such villager" in keeper.post("/credit/2", status=404, **form).text
    keeper.get("/credit/3", status=404)


def change_currency(keeper: Phone, currency: str, status: int, **fields: str) -> TestResponse:
    form = form_of(keeper.get("/plan"), "/plan")
    form["currency"], form["price"] = currency, "1500"
    for name, value in fields.items():
        form[name] = value
    return form.submit(status=status)


def test_a_currency_in_which_credit_is_held_is_not_changed_unawares(
    village: Village, keeper: Phone
) -> None:
    village.villager("ben")
    switch_on(keeper)
    assert "all the same" not in keeper.get("/plan").text
    pay(keeper, 2, "5")
    assert "Villagers have 5.00 USD of credit." in keeper.get("/plan").text
    answer = change_currency(keeper, "CDF", 409)
    assert "Villagers still have credit in USD." in answer.text
    assert form_of(answer, "/plan")["currency"].value == "CDF"
    assert tariff.load(village.store).currency == "USD"
    change_currency(keeper, "USD", 303)  # prices alone may be
    change_currency(keeper, "CDF", 303, sure="1")
    assert "Villagers have" not in keeper.get("/plan").text


def test_who_has_credit_in_another_currency_is_told_which_is_needed(
    village: Village, keeper: Phone
) -> None:
    ben = village.villager("ben")
    switch_on(keeper, refuse=True)
    pay(keeper, 2, "5")
    said = "Letters are paid for in CDF now. A keeper can pay back 5.00 USD"
    assert said not in ben.get("/account/credit").text
    set_setting(village.store, "tariff", tariff.to_json(Tariff("CDF", 600_000)))
    for page in (ben.get("/account/credit"), ben.get("/write"), keeper.get("/credit/2")):
        assert said in page.text
    keeper.post("/credit/2", amount="5", back="USD", once="1" * 16)
    pay(keeper, 2, "14000")
    assert "Letters are paid for in" not in ben.get("/account/credit").text
    ben.write("friend@example.org", "Dear")
    assert "It goes with the next mail run." in ben.get("/outbox").text


def test_nobody_sees_what_another_has_paid(village: Village, keeper: Phone) -> None:
    village.villager("ben")
    chantal = village.villager("chantal")
    switch_on(keeper)
    pay(keeper, 2, "5")
    chantal.get("/credit/receipt/1", status=404)
    chantal.get("/credit/2", status=403)
    assert "5.00" not in chantal.get("/account/credit").text


def test_who_has_no_credit_is_told_and_the_letter_waits(village: Village, keeper: Phone) -> None:
    ben = village.villager("ben")
    switch_on(keeper, refuse=True)
    page = ben.get("/write")
    assert "Your credit is used up." in page.text
    assert "Ask: awa" in page.text
    ben.write("awa", "Free")
    assert keeper.letters() == ["Free"]
    answer = ben.write("friend@example.org", "Dear")
    assert "until you have paid in" in answer.follow().text
    outbox = ben.get("/outbox").text
    assert "It waits until you have paid in" in outbox
    assert "They leave with" not in outbox
    CourierStatus(CourierState.IDLE).publish()
    assert "For 0 letters that wait here" in keeper.get("/device").text
    pay(keeper, 2, "1")
    assert "It goes with the next mail run." in ben.get("/outbox").text
    assert "Your credit is used up." not in ben.get("/write").text
    assert "For 1 letter that waits here" in keeper.get("/device").text
    assert "Your credit" not in keeper.get("/write").text  # keepers pay nothing


def test_a_letter_waits_for_no_credit_where_the_next_run_is_free(
    village: Village, keeper: Phone
) -> None:
    free = Window("22:00", "05:00", 0)
    set_setting(village.store, "tariff", tariff.to_json(Tariff("USD", 600_000, (free,))))
    ben = village.villager("ben")
    switch_on(keeper, refuse=True)
    CourierStatus(CourierState.IDLE, next_sync=NOON.replace(hour=23)).publish()
    assert "Your credit is used up." not in ben.get("/write").text
    ben.write("friend@example.org", "Dear")
    assert "It goes with the next mail run." in ben.get("/outbox").text
    CourierStatus(CourierState.IDLE, next_sync=NOON.replace(hour=18)).publish()
    assert "It waits until you have paid in" in ben.get("/outbox").text


def test_without_credit_one_reads_gets_letters_and_keeps_drafts(
    village: Village, keeper: Phone
) -> None:
    ben = village.villager("ben")
    switch_on(keeper, refuse=True)
    keeper.write("ben", "Mbote")
    assert "Mbote" in ben.open_first().text
    ben.write("friend@example.org", "Later", button="save")
    assert "Later" in ben.get("/drafts").text


def test_long_ledgers_have_pages(village: Village, keeper: Phone) -> None:
    village.villager("ben")
    switch_on(keeper)
    for number in range(31):
        ledger.pay(village.store, "awa", 2, MONEY_UNIT, "USD", str(number))
    page = keeper.get("/credit/2")
    assert len(page.html.select(".attachments li")) == 30
    assert len(page.click("Older").html.select(".attachments li")) == 1


@pytest.mark.parametrize(
    "typed",
    [
        *("", "0", "0.00", "-5", "5.000", "1e3", "1000001", "\u0665", "5 USD"),
        *("5 50", "1 2", "5 .5 0", "1 000 00", "1  000", "1_000", "1 0000", "1000 000"),
    ],
)
def test_an_amount_that_is_none_comes_back_as_it_was(
    village: Village, keeper: Phone, typed: str
) -> None:
    village.villager("ben")
    switch_on(keeper)
    answer = pay(keeper, 2, typed, status=422)
    assert "An amount looks like this" in answer.text
    assert form_of(answer, "/credit/2")["amount"].value == typed
    assert village.rows("ledger") == []


@pytest.mark.parametrize(
    ("typed", "billionths"),
    [
        ("5,5", 5_500_000_000),
        (" 12 500 ", 12_500 * MONEY_UNIT),
        ("1\u202f500.05", 1_500_050_000_000),
    ],
)
def test_the_receipt_repeats_the_amount_as_it_was_understood(
    village: Village, keeper: Phone, typed: str, billionths: int
) -> None:
    village.villager("ben")
    switch_on(keeper)
    understood = languages()["en"].exact_money(billionths, "USD")
    assert understood in pay(keeper, 2, typed).follow().text


def test_what_is_typed_for_one_currency_is_not_paid_in_another(
    village: Village, keeper: Phone
) -> None:
    village.villager("ben")
    switch_on(keeper)
    form = form_of(keeper.get("/credit/2"), "/credit/2")
    form["amount"] = "5"
    change_currency(keeper, "CDF", 303)
    answer = form.submit(status=409)
    assert "Prices are in CDF now." in answer.text
    assert form_of(answer, "/credit/2")["amount"].value == ""
    assert village.rows("ledger") == []


def test_the_largest_amount_is_told_and_can_be_typed_as_it_is_told(
    village: Village, keeper: Phone
) -> None:
    village.villager("ben")
    switch_on(keeper)
    for typed in ("1000000.01", "1234567.89", "12345678"):
        assert "at most 1 000 000." in pay(keeper, 2, typed, status=422).text
    pay(keeper, 2, "1 000 000")
    assert ledger.balances(village.store, 2) == {"USD": tariff.MAX_AMOUNT * MONEY_UNIT}


@given(st.text(max_size=20) | st.from_regex(r"[0-9 ]{1,9}([.,][0-9]{0,3})?", fullmatch=True))
def test_whatever_is_typed_is_read_as_it_is_written_or_not_at_all(typed: str) -> None:
    try:
        amount = tariff.parse_amount(typed)
    except ValueError:
        return
    assert 0 < amount <= tariff.MAX_AMOUNT * MONEY_UNIT
    written = languages()["en"].exact_money(amount, "").strip()
    assert tariff.parse_amount(written) == amount


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        (0, "0.00 CDF"),
        (1, "0.000000001 CDF"),
        (-1_500_000_000, "\N{MINUS SIGN}1.50 CDF"),
        (12_345_678_900, "12.3456789 CDF"),
    ],
)
def test_money_of_the_ledger_is_written_with_all_its_digits(amount: int, written: str) -> None:
    assert languages()["en"].exact_money(amount, "CDF") == written
