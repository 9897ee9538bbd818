# SPDX-License-Identifier: Apache-2.0
"""How many bytes a day the village, and each villager, may spend."""

from typing import NamedTuple

from mokanda_firmware.mailbox.costs import usage
from mokanda_firmware.mailbox.store.database import Store
from mokanda_firmware.mailbox.store.settings import setting

SETTING = "budget"
# Bytes kept for all that is no bundle: a hello, requests and their answers.
RESERVE = 3072
RECORDS = 105  # percent of a bundle's size that it takes in TLS's records


class Budget(NamedTuple):
    """Bytes a day, both ways together; None is no limit.

    `village` bounds all that crosses the link, `villager` what one villager is charged with,
    unless the account has a budget of its own.
    """

    village: int | None = None
    villager: int | None = None


class Left(NamedTuple):
    """What may still be spent today; `villagers` by account, those without a limit left out.

    `whole` and `whole_days` are the same of a day that has just begun.
    """

    village: int | None
    villagers: dict[int, int]
    whole: int | None
    whole_days: dict[int, int]

    def too_small(self, size: int, account: int | None) -> int | None:
        """The bytes of a whole day, where so many for this account do not fit into one."""
        own = None if account is None else self.whole_days.get(account)
        if own is not None and size > own:
            return own
        if self.whole is not None and size > room_of_a_day(self.whole):
            return self.whole
        return None


def room_of_a_day(whole: int) -> int:
    """How many bytes of bundles there is room for in a day of so many bytes."""
    return (whole - 2 * RESERVE) * 100 // RECORDS


def load(store: Store) -> Budget:
    """Return the budgets that hold for everybody."""
    value = setting(store, SETTING, {})
    try:
        return Budget(**{name: value.get(name) for name in ("village", "villager")})
    except AttributeError:
        return Budget()


def to_json(budget: Budget) -> dict[str, int | None]:
    """Write budgets for the store's settings."""
    return budget._asdict()


def left(store: Store) -> Left:
    """Return what may still be spent today."""
    budget = load(store)
    with store.reading() as connection:
        whole = {
            row["id"]: row["budget"] if row["budget"] is not None else budget.villager
            for row in connection.execute("SELECT id, budget FROM account")
        }
        whole_days = {account: most for account, most in whole.items() if most is not None}
        charged = usage.charged_today(connection) if whole_days else {}
        used = usage.used_today(connection) if budget.village is not None else 0
    return Left(
        None if budget.village is None else budget.village - used,
        {account: most - charged.get(account, 0) for account, most in whole_days.items()},
        budget.village,
        whole_days,
    )


def of_villagers(store: Store) -> dict[str, int]:
    """Return the budgets of accounts that have one of their own, by name."""
    with store.reading() as connection:
        rows = connection.execute("SELECT name, budget FROM account WHERE budget IS NOT NULL")
        return {row["name"]: row["budget"] for row in rows}
