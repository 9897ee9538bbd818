# SPDX-License-Identifier: Apache-2.0
"""What mail has cost, what is left on the SIM card, and how much mail there may be."""

from typing import NamedTuple

from bottle import HTTPResponse

from mokanda_firmware.bus.statuses import ModemStatus
from mokanda_firmware.mailbox.administration import audit, villagers
from mokanda_firmware.mailbox.costs import budget, tariff, usage
from mokanda_firmware.mailbox.costs.budget import Budget
from mokanda_firmware.mailbox.costs.usage import Day, Used
from mokanda_firmware.mailbox.sync.sessions import last_sessions
from mokanda_firmware.modem import readings
from mokanda_firmware.modem.readings import Reading
from mokanda_firmware.webmail.languages import N_
from mokanda_firmware.webmail.visit import Refused, Visit, get, post

# Bytes a day; 0 in a form is no limit.
VILLAGE = (50_000, 100_000, 200_000, 500_000, 1_000_000, 2_000_000, 5_000_000, 20_000_000)
VILLAGER = (10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 5_000_000)
_SHOWN = 30  # days
_RUNS = 20
_NO_LIMIT = N_("This is not one of the amounts.")

_HEIGHT, _STEP, _WIDTH = 60, 10, 8  # of the plot, its days and their bars
_LEAST = 1.5  # of a bar of the balance: nothing left is not the same as nothing told


class Bar(NamedTuple):
    """A day of the plot: where its bar stands, and how high its two parts are."""

    x: int
    up: float
    down: float
    failed: bool


class Row(NamedTuple):
    """A day of the plots and their table; `balance` is None where nobody has asked for it."""

    day: Day
    balance: Reading | None


class BalanceBar(NamedTuple):
    """A day of the balance's plot; `rises` tells that it was less before."""

    x: int
    height: float
    rises: bool


def _show(visit: Visit, problem: str = "") -> HTTPResponse:
    store = visit.store
    month = usage.this_month(store)
    status = ModemStatus.read()
    told = readings.of_card((status.imsi if status else "") or None)
    rows = rows_of(usage.days(store, _SHOWN), told)
    days = [row.day for row in rows]
    shares = usage.month_of_villagers(store, month)
    spenders = [(one.account, shares.get(one.account.id)) for one in villagers.all_villagers(store)]
    total = usage.month(store, month)
    return visit.page(
        "device/spending",
        problem=problem,
        total=total,
        rest=max(0, total.size - sum(share.size for share in shares.values())),
        villagers=sorted(spenders, key=lambda one: -(one[1].size if one[1] else 0)),
        rows=rows,
        bars=bars(days),
        balance_bars=balance_bars(rows),
        balance=next((each for each in reversed(told) if each.value is not None), None),
        is_balance_asked=any(row.balance for row in rows),
        height=_HEIGHT,
        wide=max(1, len(days)) * _STEP,
        width=_WIDTH,
        money=money(visit),
        runs=last_sessions(store, _RUNS),
        amount=lambda reading: visit.language.money(reading.value, reading.currency),
        said=lambda error: error.translated(visit.language.text),
        budget=budget.load(store),
        left=budget.left(store).village,
        amounts=(VILLAGE, VILLAGER),
    )


@get("/spending", access="keeper")
def show_spending(visit: Visit) -> HTTPResponse:
    """Show what this month's mail has cost, the last days and the last mail runs."""
    return _show(visit)


@post("/spending/budget", access="keeper", rescue=_show)
def set_budget(visit: Visit) -> HTTPResponse:
    """Change how much data the village, and each villager, may use in a day."""
    changed = Budget(amount(visit, "village", VILLAGE), amount(visit, "villager", VILLAGER))
    said = " / ".join(
        "-" if most is None else f"{most // 1000} kB"
        for most in (changed.village, changed.villager)
    )
    audit.change_settings(
        visit.store,
        visit.villager,
        "budget",
        said,
        **{budget.SETTING: budget.to_json(changed)},
    )
    return visit.redirect("/spending", "saved")


def amount(visit: Visit, field: str, amounts: tuple[int, ...]) -> int | None:
    """Return what was chosen in a form; None for nothing in particular."""
    size = visit.form.number(field)
    if size and size not in amounts:
        raise Refused(422, _NO_LIMIT)
    return size or None


class Money:
    """Writes amounts in the tariff's currency; says nothing where there is none."""

    def __init__(self, visit: Visit, currency: str) -> None:
        self._visit = visit
        self.currency = currency

    def __call__(self, amount: int, currency: str | None = None) -> str:
        """Write an amount in billionths."""
        currency = self.currency if currency is None else currency
        return self._visit.language.money(amount, currency) if currency else ""


def money(visit: Visit) -> Money:
    """Return what writes amounts for a page."""
    return Money(visit, tariff.load(visit.store).currency)


def rows_of(days: list[Day], told: list[Reading]) -> list[Row]:
    """Bring together what was used and what the balance was: the last days that have either."""
    used = {day.day: day for day in days}
    balances = {reading.day: reading for reading in told}
    names = sorted(used.keys() | balances.keys(), reverse=True)[:_SHOWN]
    return [Row(used.get(name, Day(name, Used(), 0, 0)), balances.get(name)) for name in names]


def balance_bars(rows: list[Row]) -> list[BalanceBar]:
    """Make the plot of the balance beside that of `bars`; a day without an amount has no bar."""
    values = [row.balance.value if row.balance else None for row in reversed(rows)]
    most = max((value for value in values if value is not None), default=0)
    plot, before = [], None
    for position, value in enumerate(values):
        if value is not None:
            height = max(_LEAST, round(value / most * _HEIGHT, 1)) if most > 0 else _LEAST
            rises = before is not None and value > before
            plot.append(BalanceBar(position * _STEP, height, rises))
            before = value
    return plot


def bars(days: list[Day]) -> list[Bar]:
    """Make the plot of days, which are the latest first; it shows the earliest first."""
    most = max((day.used.size for day in days), default=0) or 1
    return [
        Bar(
            position * _STEP,
            round(day.used.up / most * _HEIGHT, 1),
            round(day.used.down / most * _HEIGHT, 1),
            day.failed > 0,
        )
        for position, day in enumerate(reversed(days))
    ]
