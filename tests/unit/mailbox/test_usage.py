# SPDX-License-Identifier: Apache-2.0
"""Bytes and money by day and villager, whatever the clock says."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mokanda_firmware import paths, relaytime
from mokanda_firmware.mailbox.costs import budget, usage
from mokanda_firmware.mailbox.costs.usage import Used
from mokanda_firmware.mailbox.letters import entries
from mokanda_firmware.mailbox.store.database import Store
from mokanda_firmware.mailbox.store.settings import set_setting
from mokanda_firmware.mailbox.sync import outgoing
from mokanda_firmware.mailbox.sync.down import apply_down
from mokanda_firmware.mailbox.sync.state import PendingUp
from mokanda_firmware.mailbox.sync.up import confirm_up, freeze_up
from mokanda_wire.bundle import Mail
from mokanda_wire.limits import MONEY_UNIT
from tests.unit.mailbox.letters import NOTHING, add_account, bundle_down, letter

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SETTINGS = {"currency": "USD", "price": 600_000, "windows": []}


@pytest.fixture(autouse=True)
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """What time the relay has told; noon at first."""
    monkeypatch.setenv("MOKANDA_RUN", str(tmp_path / "run"))
    relaytime.remember(NOON)
    return relaytime.remember


def reboot() -> None:
    """Forget what only a reboot forgets."""
    paths.status("clock").unlink()


def test_traffic_adds_up_to_its_day_with_its_price(store: Store) -> None:
    set_setting(store, "tariff", SETTINGS)
    usage.count(store, 1000, 2000)
    usage.count(store, 500, 0, run=True)
    usage.count(store, 0, 0, run=True, failed=True)
    assert usage.days(store) == [usage.Day("2026-03-01", Used(1500, 2000, 2_100_000), 2, 1)]
    assert usage.month(store, "2026-03") == Used(1500, 2000, 2_100_000)
    assert usage.month(store, "2026-02") == Used()


def test_days_begin_at_the_villages_midnight(
    store: Store, told: Callable[[datetime], None]
) -> None:
    set_setting(store, "timezone", "Africa/Lubumbashi")  # UTC+2
    told(NOON.replace(hour=21, minute=59))
    usage.count(store, 1, 0)
    told(NOON.replace(hour=22, minute=1))
    usage.count(store, 2, 0)
    assert [(day.day, day.used.up) for day in usage.days(store)] == [
        ("2026-03-02", 2),
        ("2026-03-01", 1),
    ]


def test_money_of_another_currency_is_not_added_up(store: Store) -> None:
    set_setting(store, "tariff", SETTINGS)
    usage.count(store, 1_000_000, 0)
    set_setting(store, "tariff", {**SETTINGS, "currency": "CDF", "price": 10**6})
    usage.count(store, 1_000_000, 0)
    assert usage.month(store, "2026-03") == Used(2_000_000, 0, MONEY_UNIT)


def test_a_letter_that_left_is_charged_to_its_writer_once(store: Store, tmp_path: Path) -> None:
    awa = add_account(store, "awa")
    message = letter(to="friend@example.org")
    entries.submit(store, awa, message, here=[], outside=["friend@example.org"])
    [waiting] = outgoing.waiting(store, 1000)
    outgoing.hold(store, {waiting.number: 321}, {})
    sealed = PendingUp(1, 700, "ab" * 32, tmp_path / "bundle", NOTHING)
    freeze_up(store, 1, sealed, [message.message_id])
    assert usage.month_of_villagers(store, "2026-03") == {}
    confirm_up(store, 1)
    confirm_up(store, 1)
    assert usage.month_of_villagers(store, "2026-03") == {awa: Used(up=321)}


def test_a_letter_that_came_is_shared_by_its_readers_once(store: Store) -> None:
    awa, ben = add_account(store, "awa"), add_account(store, "ben")
    recipients = ("awa@boende.example", "nobody@boende.example", "ben@boende.example")
    down = bundle_down(1, Mail(recipients, letter()), costs=(101,))
    apply_down(store, down)
    apply_down(store, down)
    charged = usage.month_of_villagers(store, "2026-03")
    assert charged == {awa: Used(down=51), ben: Used(down=50)}


def test_letters_of_the_village_cost_nothing(store: Store) -> None:
    awa = add_account(store, "awa")
    add_account(store, "ben")
    entries.submit(store, awa, letter(), here=["ben@boende.example"], outside=[])
    assert usage.month_of_villagers(store, "2026-03") == {}


def test_what_goes_with_an_account_is_not_lost_from_the_total(store: Store) -> None:
    awa = add_account(store, "awa")
    usage.count(store, 500, 0)
    with store.transaction() as connection:
        usage.charge(connection, awa, up=400)
        connection.execute("DELETE FROM account")
    assert usage.month(store, "2026-03").up == 500


def test_four_hundred_days_are_kept(store: Store, told: Callable[[datetime], None]) -> None:
    awa = add_account(store, "awa")
    for day in range(403):
        told(NOON + timedelta(days=day))
        usage.count(store, 1, 0)
        with store.transaction() as connection:
            usage.charge(connection, awa, up=1)
    assert len(usage.days(store, 1000)) == 400
    assert len(usage.days(store, 1000, awa)) == 400


@pytest.mark.parametrize("years", [-50, 14])
def test_a_jump_of_the_clock_neither_frees_nor_freezes_a_budget(
    store: Store, told: Callable[[datetime], None], monkeypatch: pytest.MonkeyPatch, years: int
) -> None:
    set_setting(store, "budget", {"village": 10_000, "villager": None})
    usage.count(store, 9_000, 0)
    wrong = NOON + timedelta(days=365 * years)
    monkeypatch.setattr("time.time", lambda: wrong.timestamp())
    assert budget.left(store).village == 1_000  # the board's clock has no say
    reboot()
    assert budget.left(store).village == 1_000  # nor before the relay has told the time
    told(wrong)  # even if the relay's clock was wrong for a day
    usage.count(store, 10_000, 0)
    told(NOON)
    assert budget.left(store).village == 1_000
    told(NOON + timedelta(days=1))
    assert budget.left(store).village == 10_000


def test_a_villager_has_the_budget_of_everybody_or_their_own(store: Store) -> None:
    awa, ben = add_account(store, "awa"), add_account(store, "ben")
    set_setting(store, "budget", {"village": None, "villager": 5_000})
    with store.transaction() as connection:
        connection.execute("UPDATE account SET budget = 900 WHERE id = ?", (ben,))
        usage.charge(connection, ben, up=100, down=200)
    left = budget.left(store)
    assert left.village is None
    assert left.villagers == {awa: 5_000, ben: 600}
    assert left.whole_days == {awa: 5_000, ben: 900}
    assert budget.of_villagers(store) == {"ben": 900}
