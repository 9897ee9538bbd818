# SPDX-License-Identifier: Apache-2.0
"""The villagers' credit: every billionth that the link costs is somebody's, once."""

import itertools
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mokanda_firmware import relaytime
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.mailbox.administration import villagers
from mokanda_firmware.mailbox.costs import credit, ledger, usage
from mokanda_firmware.mailbox.costs.ledger import (
    FormUsedError,
    MoreThanHeldError,
    NotCorrectableError,
    Rules,
)
from mokanda_firmware.mailbox.letters import entries
from mokanda_firmware.mailbox.store.database import Store
from mokanda_firmware.mailbox.store.settings import set_setting
from mokanda_firmware.mailbox.sync.sessions import SessionRecord, record_session
from mokanda_firmware.mailbox.sync.state import PendingUp
from mokanda_firmware.mailbox.sync.up import confirm_up, freeze_up
from mokanda_wire.limits import MONEY_UNIT
from tests.crash_points import crashes
from tests.ready_made.mail_store import write_mail_store
from tests.unit.mailbox.letters import NOTHING, add_account, letter

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
USD = MONEY_UNIT
RUN = SessionRecord(NOON, NOON, "ppp0", 0, 0, 0, 0)
BROKEN = RUN._replace(error=Sentence("The modem is silent."))


@pytest.fixture(autouse=True)
def _noon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOKANDA_RUN", str(tmp_path / "run"))
    relaytime.remember(NOON)


@pytest.fixture
def village(store: Store) -> Store:
    """A village that sells credit at 1 USD a megabyte: a byte costs 1,000 billionths."""
    sell(store)
    awa = add_account(store, "awa")
    with store.transaction() as connection:
        connection.execute("UPDATE account SET role = 'keeper' WHERE id = ?", (awa,))
    return store


def sell(store: Store, price: int = 10**6, *, on: bool = True, refuse: bool = False) -> None:
    set_setting(store, "tariff", {"currency": "USD", "price": price, "windows": []})
    set_setting(store, ledger.SETTING, Rules(on, refuse).to_json())


def carry(store: Store, **sizes: int) -> None:
    """Have letters of these bytes come to their end."""
    with store.transaction() as connection:
        for name, size in sizes.items():
            row = connection.execute("SELECT id FROM account WHERE name = ?", (name,)).fetchone()
            usage.charge(connection, row["id"], up=size)


def run(store: Store, crossed: int, record: SessionRecord = RUN, **sizes: int) -> None:
    """Hold a mail run in which so many bytes cross the link."""
    carry(store, **sizes)
    usage.count(store, crossed, 0)
    record_session(store, record)


def spent(store: Store) -> list[tuple[str, int]]:
    """Who has paid what, in the order of the ledger; "" is the village."""
    with store.reading() as connection:
        rows = connection.execute("SELECT name, amount FROM ledger WHERE kind = 'spent'")
        return [(row["name"], -row["amount"]) for row in rows]


def pay(store: Store, account: int, amount: int, once: str = "a") -> int:
    number = ledger.pay(store, "awa", account, amount, "USD", once)
    assert number is not None
    return number


def test_a_run_is_paid_by_those_whose_letters_it_carried_and_the_village(village: Store) -> None:
    ben, _ = add_account(village, "ben"), add_account(village, "chantal")
    pay(village, ben, 2 * USD)
    run(village, 10_000, ben=3_000, chantal=1_500)
    assert spent(village) == [("", 5_500_000), ("ben", 3_000_000), ("chantal", 1_500_000)]
    assert ledger.balances(village, ben) == {"USD": 2 * USD - 3_000_000}
    [total] = ledger.totals(village)
    assert (total.spent, total.own, total.link, total.open) == (4_500_000, 5_500_000, 10_000_000, 0)
    assert total.held == 2 * USD - 4_500_000
    assert total.agree


def test_an_idle_night_and_what_others_load_are_the_villages(village: Store) -> None:
    usage.count(village, 0, 90_000)  # an update
    run(village, 1_200)
    assert spent(village) == [("", 91_200_000)]


def test_keepers_pay_nothing(village: Store) -> None:
    run(village, 1_000, awa=700)
    assert spent(village) == [("", 1_000_000)]


def test_nothing_is_counted_until_it_is_switched_on(store: Store) -> None:
    sell(store, on=False)
    add_account(store, "ben")
    run(store, 1_000, ben=700)
    assert ledger.totals(store) == []
    assert not ledger.is_used(store)


def test_switched_off_again_nothing_is_charged_and_all_is_kept(village: Store) -> None:
    ben = add_account(village, "ben")
    pay(village, ben, USD)
    carry(village, ben=500)
    usage.count(village, 900, 0)  # and in the middle of a run
    sell(village, on=False)
    record_session(village, RUN)
    run(village, 5_000, ben=4_000)
    assert spent(village) == [("", 900_000)]
    assert ledger.balances(village, ben) == {"USD": USD}
    sell(village)
    run(village, 100, ben=100)
    assert ledger.balances(village, ben) == {"USD": USD - 100_000}


def test_without_prices_nothing_is_charged(village: Store) -> None:
    add_account(village, "ben")
    set_setting(village, "tariff", {})
    run(village, 1_000, ben=700)
    assert ledger.totals(village) == []


def test_a_power_cut_before_the_run_is_recorded_charges_once(village: Store) -> None:
    ben = add_account(village, "ben")
    carry(village, ben=600)
    usage.count(village, 1_000, 0)  # and here the power goes
    run(village, 500, ben=200)
    record_session(village, RUN)
    assert spent(village) == [("", 700_000), ("ben", 800_000)]
    assert ledger.balances(village, ben) == {"USD": -800_000}


def test_a_power_cut_that_lost_the_count_charges_no_more_than_was_counted(village: Store) -> None:
    add_account(village, "ben")
    run(village, 500, ben=20_000)
    assert spent(village) == [("ben", 500_000)]


def test_wherever_the_power_goes_all_is_charged_and_nothing_twice(tmp_path: Path) -> None:
    for step in itertools.count(1):
        write_mail_store(tmp_path / str(step) / "mail.db")
        store = Store(tmp_path / str(step) / "mail.db", tmp_path / str(step))
        sell(store)
        ben = add_account(store, "ben")
        store.close()
        crashed = crashes(step, lambda: run(store, 1_000, ben=600))  # noqa: B023 - called at once
        run(store, 700)
        [total] = ledger.totals(store)
        assert total.agree
        assert (total.link, total.open) == (usage.month(store, "2026-03").money, 0)
        with store.reading() as connection:
            carried = usage.charged_today(connection).get(ben, 0)
        assert ledger.balances(store, ben).get("USD", 0) == -total.spent == -carried * 1_000
        store.close()
        if not crashed:
            break
    assert step > 3


def test_a_letter_that_takes_two_nights_pays_for_both(village: Store, tmp_path: Path) -> None:
    ben = add_account(village, "ben")
    message = letter(sender="ben@boende.example", to="friend@example.org")
    entries.submit(village, ben, message, here=[], outside=["friend@example.org"])
    with village.transaction() as connection:
        connection.execute("UPDATE outgoing SET cost = 9000")
    sealed = PendingUp(1, 9_000, "ab" * 32, tmp_path / "bundle", NOTHING)
    freeze_up(village, 1, sealed, [message.message_id])
    run(village, 6_000)  # the budget of the day ends it
    assert spent(village) == []
    [total] = ledger.totals(village)
    assert (total.open, total.link, total.agree) == (6_000_000, 6_000_000, True)
    confirm_up(village, 1)
    run(village, 5_000)
    assert spent(village) == [("", 2_000_000), ("ben", 9_000_000)]


def test_what_a_broken_run_cost_is_divided_with_the_next(village: Store) -> None:
    add_account(village, "ben")
    run(village, 4_000, BROKEN, ben=1_000)
    assert spent(village) == [("ben", 1_000_000)]
    run(village, 2_000, ben=4_500)
    assert spent(village)[1:] == [("", 500_000), ("ben", 4_500_000)]


def test_each_currency_is_an_account_of_its_own(village: Store) -> None:
    ben = add_account(village, "ben")
    pay(village, ben, USD)
    run(village, 1_000, ben=1_000)
    set_setting(village, "tariff", {"currency": "CDF", "price": 10**9, "windows": []})
    run(village, 3_000, ben=1_000)
    assert ledger.balances(village, ben) == {"CDF": -1_000_000_000, "USD": USD - 1_000_000}
    assert [(one.currency, one.link, one.agree) for one in ledger.totals(village)] == [
        ("CDF", 3_000_000_000, True),
        ("USD", 1_000_000, True),
    ]


def test_the_same_form_pays_in_once(village: Store) -> None:
    ben = add_account(village, "ben")
    assert pay(village, ben, USD) == pay(village, ben, USD)
    with pytest.raises(FormUsedError):
        pay(village, ben, 2 * USD)
    assert ledger.balances(village, ben) == {"USD": USD}


def test_no_more_is_paid_back_than_there_is(village: Store) -> None:
    ben = add_account(village, "ben")
    pay(village, ben, USD)
    with pytest.raises(MoreThanHeldError):
        pay(village, ben, -USD - 1, "b")
    pay(village, ben, -USD, "c")
    assert ledger.balances(village, ben) == {}


def test_a_mistake_is_undone_once_and_both_entries_stay(village: Store) -> None:
    ben = add_account(village, "ben")
    wrong = pay(village, ben, 50 * USD)
    number = ledger.correct(village, "awa", wrong)
    for unable in (wrong, number, 99):
        with pytest.raises(NotCorrectableError):
            ledger.correct(village, "awa", unable)
    lines = ledger.entries(village, ben, 10)
    assert [(one.kind, one.amount, one.corrected_by) for one in lines] == [
        ("corrected", -50 * USD, None),
        ("paid", 50 * USD, number),
    ]
    assert ledger.balances(village, ben) == {}


def test_nothing_in_the_ledger_can_be_changed(village: Store) -> None:
    pay(village, add_account(village, "ben"), USD)
    for change in ("UPDATE ledger SET amount = 0", "DELETE FROM ledger"):
        with pytest.raises(Exception, match="stays"), village.transaction() as connection:
            connection.execute(change)
    assert ledger.is_used(village)


def test_a_receipt_tells_the_balance_after_it(village: Store) -> None:
    ben = add_account(village, "ben")
    pay(village, ben, USD)
    run(village, 1_000, ben=1_000)
    second = pay(village, ben, 2 * USD, "b")
    run(village, 1_000, ben=1_000)
    found = ledger.receipt(village, second)
    assert found is not None
    assert (found[0].amount, found[0].actor, found[1]) == (2 * USD, "awa", 3 * USD - 1_000_000)
    assert ledger.receipt(village, second - 1) is None  # what was spent has none


def test_what_a_deleted_villager_leaves_is_the_villages(village: Store) -> None:
    awa = villagers.find(village, 1)
    assert awa is not None
    ben = add_account(village, "ben")
    pay(village, ben, USD)
    carry(village, ben=300)
    villagers.delete(village, awa, ben)
    run(village, 1_000)
    assert spent(village) == [("", 1_000_000)]  # nobody is there to pay
    [total] = ledger.totals(village)
    assert total.moved == {"paid": USD, "left": -USD}
    assert total.held == 0
    with pytest.raises(NotCorrectableError):
        ledger.correct(village, "awa", 1)


def test_letters_are_refused_at_zero_and_not_to_keepers(village: Store) -> None:
    ben = add_account(village, "ben")
    assert not credit.is_used_up(village, ben)
    sell(village, refuse=True)
    assert credit.is_used_up(village, ben)
    assert not credit.is_used_up(village, 1)
    pay(village, ben, USD)
    assert credit.affordable(village) == {ben: 1_000_000}
    carry(village, ben=1_000_000)  # in a run that is not at its end
    assert credit.is_used_up(village, ben)


def test_an_hour_that_costs_nothing_needs_no_credit(village: Store) -> None:
    ben = add_account(village, "ben")
    run(village, 1_000, ben=1_000)  # he owes
    sell(village, price=0, refuse=True)
    assert not credit.is_used_up(village, ben)
    night = {"start": "22:00", "end": "05:00", "price": 0}
    prices = {"currency": "USD", "price": 10**6, "windows": [night]}
    set_setting(village, "tariff", prices)
    assert credit.is_used_up(village, ben)  # it is noon
    assert not credit.is_used_up(village, ben, NOON.replace(hour=23))


def test_what_an_earlier_version_opened_in_between_is_all_there(
    village: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ben = add_account(village, "ben")
    pay(village, ben, USD)
    village.close()
    with monkeypatch.context() as earlier:
        (tmp_path / "nothing").mkdir()
        earlier.setattr("mokanda_firmware.mailbox.store.database.ADDITIONS", tmp_path / "nothing")
        Store(village.path, tmp_path / "attachments").close()
    again = Store(village.path, tmp_path / "attachments")
    assert ledger.balances(again, ben) == {"USD": USD}
    again.close()


def test_totals_say_so_when_entries_were_lost(village: Store) -> None:
    run(village, 1_000)
    with sqlite3.connect(village.path) as connection:
        connection.execute("DROP TRIGGER ledger_kept")
        connection.execute("DELETE FROM ledger")
    [total] = ledger.totals(village)
    assert not total.agree


@given(st.integers(0, 10**18), st.dictionaries(st.integers(), st.integers(0, 10**9), min_size=1))
def test_parts_sum_up_to_the_total_and_are_off_by_less_than_one(
    total: int, weights: dict[int, int]
) -> None:
    weights[0] = weights.get(0, 0) + 1
    parts = ledger.apportioned(total, weights)
    whole = sum(weights.values())
    assert sum(parts.values()) == total
    for whose, weight in weights.items():
        assert abs(parts[whose] * whole - total * weight) < whole


@contextmanager
def a_store() -> Iterator[Store]:
    with TemporaryDirectory() as folder:
        write_mail_store(Path(folder, "mail.db"))
        store = Store(Path(folder, "mail.db"), Path(folder, "attachments"))
        yield store
        store.close()


SIZES = st.integers(0, 50_000)
NAMES = st.sampled_from(["ben", "chantal", "didier"])
STEPS = st.one_of(
    st.tuples(st.just("count"), SIZES, st.just("")),
    st.tuples(st.just("carry"), SIZES, NAMES | st.just("awa")),
    st.tuples(st.just("record"), st.just(0), st.sampled_from(["", "broken"])),
    st.tuples(st.just("pay"), st.integers(-5, 50), NAMES),
    st.tuples(st.just("correct"), st.integers(1, 30), st.just("")),
    st.tuples(st.just("price"), st.integers(0, 10**7), st.sampled_from(["USD", "CDF"])),
    st.tuples(st.just("delete"), st.just(0), NAMES),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(STEPS, max_size=40))
def test_whatever_happens_all_money_is_accounted_for(steps: list[tuple[str, int, str]]) -> None:
    """Cuts are among it: a run that is not recorded before the next one."""
    with a_store() as store:
        sell(store)
        awa = add_account(store, "awa")
        with store.transaction() as connection:
            connection.execute("UPDATE account SET role = 'keeper'")
        here = {name: add_account(store, name) for name in ("ben", "chantal", "didier")}
        keeper = villagers.find(store, awa)
        assert keeper is not None
        currency = "USD"
        for number, (step, size, what) in enumerate(steps):
            if step == "count":
                usage.count(store, size, 0)
            elif step == "carry" and (what in here or what == "awa"):
                carry(store, **{what: size})
            elif step == "record":
                record_session(store, BROKEN if what else RUN)
            elif step == "pay" and what in here and size:
                try:
                    ledger.pay(store, "awa", here[what], size * USD // 10, currency, str(number))
                except MoreThanHeldError:
                    assert ledger.balances(store, here[what]).get(currency, 0) < -size * USD // 10
            elif step == "correct":
                with suppress(NotCorrectableError):
                    ledger.correct(store, "awa", size)
            elif step == "price":
                currency = what
                tariff = {"currency": what, "price": size, "windows": []}
                set_setting(store, "tariff", tariff)
            elif step == "delete" and what in here:
                villagers.delete(store, keeper, here.pop(what))
            with store.reading() as connection:
                link = dict(
                    tuple(row)
                    for row in connection.execute(
                        "SELECT currency, sum(money) FROM traffic GROUP BY currency"
                    )
                )
            balances = ledger.all_balances(store)
            assert set(balances) <= set(here.values())
            for total in ledger.totals(store):
                assert total.link == link.get(total.currency, 0)  # to the unit
                assert total.agree
                assert min(total.spent, total.own, total.open) >= 0
                held = sum(each.get(total.currency, 0) for each in balances.values())
                assert total.held == held
