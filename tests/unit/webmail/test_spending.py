# SPDX-License-Identifier: Apache-2.0
"""Times, prices and budgets on the keeper's pages, and what everybody sees of costs."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from webtest import Form, TestResponse

from mokanda_firmware import relaytime
from mokanda_firmware.bus.states import CourierState
from mokanda_firmware.bus.statuses import CourierStatus
from mokanda_firmware.courier.schedule import Plan, plan_from_json
from mokanda_firmware.mailbox.administration import audit
from mokanda_firmware.mailbox.costs import budget, tariff, usage
from mokanda_firmware.mailbox.costs.budget import Budget
from mokanda_firmware.mailbox.costs.tariff import Tariff, Window
from mokanda_firmware.mailbox.letters import outbox
from mokanda_firmware.mailbox.store.settings import set_setting, setting
from mokanda_firmware.mailbox.sync import outgoing
from tests.unit.webmail.served_village import Phone, Village
from tests.unit.webmail.test_device import daemon

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CONGO = Tariff("USD", 600_000, (Window("22:00", "06:00", 1_000),))


@pytest.fixture(autouse=True)
def _noon(village: Village) -> Iterator[None]:
    assert village.store
    relaytime.remember(NOON)
    yield


def form_of(page: TestResponse, action: str) -> Form:
    return next(form for form in page.forms.values() if form.action == action)


def count(village: Village, name: str, up: int, down: int) -> None:
    """Have mail crossed the link, half of it a villager's."""
    usage.count(village.store, up, down, run=True)
    [account] = [one for one in village.rows("account") if one["name"] == name]
    with village.store.transaction() as connection:
        usage.charge(connection, account["id"], up=up // 2, down=down // 2)


def fill_plan(keeper: Phone, **fields: str) -> TestResponse:
    form = form_of(keeper.get("/plan"), "/plan")
    for name, value in fields.items():
        form[name] = value
    return form.submit(status="*")


def test_the_keeper_tells_when_mail_goes_and_what_it_costs(village: Village) -> None:
    keeper = village.villager("awa")
    with daemon("courier") as asked:
        answer = fill_plan(
            keeper,
            every="360",
            first="06:00",
            last="18:30",
            zone="Africa/Kinshasa",
            currency="usd",
            price="0,60",
            start0="22:00",
            end0="06:00",
            price0="0.001",
        )
    assert asked == ["reschedule"]
    assert "This is changed." in answer.follow().text
    assert tariff.load(village.store) == CONGO
    plan = plan_from_json(setting(village.store, "schedule", {}))
    assert plan == Plan(360, "06:00", "18:30", cheap_only=True)
    page = keeper.get("/plan")
    assert "Now it goes at 22:10." in page.text  # the cheap hours
    assert form_of(page, "/plan")["price"].value == "0.60"
    assert form_of(page, "/plan")["zone"].value == "Africa/Kinshasa"


@pytest.mark.parametrize("price", [1_234_000, 234_000, 1_000_000, 1_234_567])
def test_a_price_stays_when_its_form_is_sent_as_it_came(village: Village, price: int) -> None:
    keeper = village.villager("awa")
    set_setting(village.store, tariff.SETTING, tariff.to_json(Tariff("USD", price)))
    form_of(keeper.get("/plan"), "/plan").submit(status=303)
    assert tariff.load(village.store).price == price


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"first": "noon"}, "A time looks like this"),
        ({"currency": "francs"}, "three letters"),
        ({"currency": "USD", "price": "cheap"}, "A price looks like this"),
        ({"currency": "CDF", "price": "2.500"}, "A price looks like this: 0.60, or 12 500."),
        ({"currency": "USD", "price": "1", "start0": "22:00"}, "A time looks like this"),
    ],
)
def test_a_form_that_cannot_be_taken_comes_back_as_it_was(
    village: Village, fields: dict[str, str], problem: str
) -> None:
    answer = fill_plan(village.villager("awa"), last="23:59", **fields)
    assert answer.status_code == 422
    assert problem in answer.text
    form = form_of(answer, "/plan")
    assert form["last"].value == "23:59"
    for name, value in fields.items():
        assert form[name].value == value
    assert tariff.load(village.store) == Tariff()


def test_the_keeper_sets_how_much_data_there_is(village: Village) -> None:
    keeper = village.villager("awa")
    village.villager("ben")
    form = form_of(keeper.get("/spending"), "/spending/budget")
    form["village"], form["villager"] = "500000", "20000"
    form.submit()
    assert budget.load(village.store) == Budget(500_000, 20_000)
    form = form_of(keeper.get("/villagers/2"), "/villagers/2/budget")
    form["budget"] = "50000"
    form.submit()
    assert budget.of_villagers(village.store) == {"ben": 50_000}
    form = form_of(keeper.get("/spending"), "/spending/budget")
    form["village"] = ""
    form.submit()
    assert budget.load(village.store) == Budget(None, 20_000)


def test_an_amount_that_is_not_offered_is_refused(village: Village) -> None:
    keeper = village.villager("awa")
    keeper.post("/spending/budget", village="7", villager="", status=422)
    keeper.post("/villagers/1/budget", budget="-5", status=303)
    assert budget.load(village.store) == Budget()
    assert budget.of_villagers(village.store) == {}


def test_whatever_a_keeper_changes_is_written_down(village: Village) -> None:
    keeper = village.villager("awa")
    fill_plan(keeper, every="0", currency="USD", price="1")
    keeper.post("/spending/budget", village="500000", villager="")
    keeper.post("/villagers/1/budget", budget="20000")
    CourierStatus(CourierState.IDLE).publish()
    with daemon("courier"):
        keeper.post("/device/sync", beyond="1")
    with daemon("updates"):
        keeper.post("/device/update")
    with daemon("updates"):
        keeper.post("/device/check")
    keeper.post("/villagers/rule", way="closed", quota="50000000")
    keeper.post("/news", title="Market", text="On Saturday")
    keeper.post("/news/1/delete")
    done = [(act.action, act.subject) for act in audit.acts(village.store)]
    assert done == [
        ("notice", "Market"),
        ("room", "50 MB"),
        ("rule", "closed"),
        ("check", ""),
        ("update", ""),
        ("sync-all", ""),
        ("budget-of", "awa"),
        ("budget", "500 kB / -"),
        ("tariff", "1 USD"),
        ("plan", ""),
    ]
    page = keeper.get("/villagers").text
    assert "prices changed" in page
    assert "mail run started beyond the data for the day" in page


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/plan"),
        ("get", "/spending"),
        ("post", "/plan"),
        ("post", "/spending/budget"),
        ("post", "/villagers/1/budget"),
        ("post", "/device/sync"),
    ],
)
def test_money_is_the_keepers_business(village: Village, method: str, path: str) -> None:
    village.villager("awa")
    ben = village.villager("ben")
    getattr(ben, method)(path, status=403)


def test_the_keeper_sees_what_days_and_villagers_cost(village: Village) -> None:
    keeper = village.villager("awa")
    village.villager("ben")
    set_setting(village.store, "tariff", tariff.to_json(CONGO))
    count(village, "ben", 1_000_000, 3_000_000)
    usage.count(village.store, 0, 0, run=True, failed=True)
    page = keeper.get("/spending")
    assert "1.0 MB sent, 3.0 MB received: 2.40 USD" in page.text
    [row] = page.html.select("tbody tr")
    cells = [cell.get_text() for cell in row.select("th, td")]
    assert cells == ["2026-03-01", "1.0 MB", "3.0 MB", "2.40 USD", "2, 1 failed"]
    [plot] = page.html.select("svg.plot")
    assert plot["role"] == "img"
    assert plot["aria-label"]
    assert [float(bar["height"]) for bar in plot.select("rect")] == [45.0, 15.0, 4.0]
    text = " ".join(page.html.get_text().split())
    assert "Ben 2.0 MB, 1.20 USD" in text
    assert "what is nobody's letter 2.0 MB" in text
    assert "2.0 MB, 1.20 USD" in keeper.get("/villagers/2").text


def test_villagers_see_what_their_own_letters_cost(village: Village) -> None:
    village.villager("awa")
    ben = village.villager("ben")
    set_setting(village.store, "tariff", tariff.to_json(CONGO))
    set_setting(village.store, "budget", {"village": None, "villager": 50_000})
    count(village, "ben", 20_000, 40_000)
    count(village, "awa", 5_000_000, 0)
    page = ben.get("/account")
    assert "10 KB sent, 20 KB received, 0.018 USD" in page.text
    assert "50 KB a day are yours, 20 KB are left today." in page.text
    assert "5.0 MB" not in page.text


def test_a_mail_run_says_its_price_before_it_costs(village: Village) -> None:
    keeper = village.villager("awa")
    CourierStatus(CourierState.IDLE).publish()
    set_setting(village.store, "tariff", tariff.to_json(CONGO))
    keeper.write("friend@example.org", text="x" * 100_000)
    page = keeper.get("/device").text
    assert "For 1 letter that waits here, about 53 KB" in page
    assert "0.032 USD at this hour. Each MB that comes costs 0.60 USD." in page
    relaytime.remember(NOON.replace(hour=23))
    assert "Each MB that comes costs 0.0010 USD." in keeper.get("/device").text


def test_what_others_have_taken_tells_what_a_letter_will(village: Village) -> None:
    awa = village.villager("awa")
    for text in ("a" * 40_000, "b" * 60_000):
        awa.write("friend@example.org", text=text)
    [first, second] = outgoing.waiting(village.store, 1_000_000)
    outgoing.hold(village.store, {first.number: 10_100}, {})
    waiting = outbox.of_account(village.store, 1)
    assert sorted(one.size for one in waiting.values()) == [10_100, 15_100]
    assert second.number != first.number


def test_the_outbox_says_why_each_letter_waits_and_what_it_costs(village: Village) -> None:
    awa = village.villager("awa")
    set_setting(village.store, "tariff", tariff.to_json(CONGO))
    for subject in ("next", "day", "villager", "large"):
        awa.write("friend@example.org", subject=subject)
    mails = outgoing.waiting(village.store, 1_000_000)
    held = {one.number: one.message.subject for one in mails if one.message.subject != "next"}
    outgoing.hold(village.store, {one.number: 20_000 for one in mails}, held)
    page = awa.get("/outbox")
    lines = [" ".join(line.get_text().split()) for line in page.html.select(".letters .found")]
    assert lines == [
        "It is larger than the data for a whole day. The keeper can send it all the same."
        " 20 KB, 0.012 USD",
        "Your data for today is used up. It goes another day. 20 KB, 0.012 USD",
        "The data of the village for today is used up. It goes another day. 20 KB, 0.012 USD",
        "It goes with the next mail run. 20 KB, 0.012 USD",
    ]
    letter = awa.open_first("outbox")
    assert "The keeper can send it all the same." in letter.text
    assert "That costs 0.012 USD." in letter.text
    page = awa.get("/device")
    CourierStatus(CourierState.IDLE).publish()
    assert "3 letters are too much for today." in awa.get("/device").text


def test_a_letter_at_the_night_price_says_so(village: Village) -> None:
    awa = village.villager("awa")
    set_setting(village.store, "tariff", tariff.to_json(CONGO))
    CourierStatus(CourierState.IDLE, next_sync=datetime(2026, 3, 2, 2, 10, tzinfo=UTC)).publish()
    awa.write("friend@example.org", text="x" * 1_000)
    assert "under 0.0001 USD" in awa.get("/outbox").text


def test_the_courier_is_told_of_letters_that_wait(village: Village) -> None:
    awa = village.villager("awa")
    with daemon("courier") as asked:
        awa.write("friend@example.org")
    assert asked == ["waiting"]
    page = awa.open_first("outbox")
    with daemon("courier") as asked:
        form_of(page, page.forms[0].action).submit()
    assert asked == ["waiting"]
