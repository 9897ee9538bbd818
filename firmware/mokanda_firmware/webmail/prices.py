# SPDX-License-Identifier: Apache-2.0
"""What waits, when it goes and what it costs, in the reader's language."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import NamedTuple

from mokanda_firmware import relaytime
from mokanda_firmware.bus.requests import RequestError, ask
from mokanda_firmware.bus.states import UpdatesState
from mokanda_firmware.bus.statuses import CourierStatus, UpdatesStatus
from mokanda_firmware.mailbox.costs import budget, credit, ledger, tariff
from mokanda_firmware.mailbox.costs.ledger import Rules
from mokanda_firmware.mailbox.costs.tariff import Tariff
from mokanda_firmware.mailbox.letters import outbox
from mokanda_firmware.mailbox.letters.outbox import Waiting
from mokanda_firmware.webmail.languages import N_
from mokanda_firmware.webmail.visit import Visit
from mokanda_firmware.zones import zone_of

_WHY = {
    "": N_("It goes with the next mail run."),
    "day": N_("The data of the village for today is used up. It goes another day."),
    "villager": N_("Your data for today is used up. It goes another day."),
    "credit": N_("It waits until you have paid in: your credit is used up."),
    "large": N_("It is larger than the data for a whole day. The keeper can send it all the same."),
}
_MOVING = N_("It is on its way.")


class Estimate(NamedTuple):
    """A letter that waits: why, and about how much data and money it will take."""

    why: str
    size: int
    price: str  # "" where nobody has told the tariff


def estimates(visit: Visit) -> dict[int, Estimate]:
    """Say of each letter in the reader's outbox why it waits and what it will cost."""
    prices, at = tariff.load(visit.store), _departure()
    letters = outbox.of_account(visit.store, visit.villager.id, at)

    def estimate(letter: Waiting) -> Estimate:
        why = visit.language.text(_MOVING if letter.moving else _WHY.get(letter.held, _WHY[""]))
        return Estimate(why, letter.size, _price(visit, prices, letter.size, at))

    return {entry: estimate(letter) for entry, letter in letters.items()}


def of_fetching(visit: Visit, size: int) -> str:
    """Say what it costs to fetch so much with the next mail run; "" where nobody knows."""
    return _price(visit, tariff.load(visit.store), size, _departure())


def day_too_small(visit: Visit, size: int) -> int | None:
    """The bytes of a whole day, where what the reader fetches does not fit into one."""
    return budget.left(visit.store).too_small(size, visit.villager.id)


def of_run_now(visit: Visit) -> str:
    """Say what a mail run would cost at this hour."""
    going = outbox.expected(visit.store)
    run = outbox.RUN + going.size
    prices, now = tariff.load(visit.store), _now()
    language = visit.language
    text = language.plural(
        "For {number} letter that waits here, about {size}",
        "For {number} letters that wait here, about {size}",
        going.letters,
    )
    what = text.format(number=going.letters, size=language.size(run))
    if prices.currency:
        price, each = (_price(visit, prices, count, now) for count in (run, 1_000_000))
        what = language.text(
            "{what}: {price} at this hour. Each MB that comes costs {each}."
        ).format(what=what, price=price, each=each)
    else:
        what = language.text("{what}. What comes is more.").format(what=what)
    left = budget.left(visit.store).village
    if left is not None:
        text = language.text("Today {size} may be used at most.")
        what = f"{what} {text.format(size=language.size(max(0, left)))}"
    return what


def of_all_now(visit: Visit) -> str:
    """Say what it would cost to send what the budgets hold back; "" when there is nothing."""
    going = outbox.expected(visit.store)
    if not going.held_letters:
        return ""
    prices, language = tariff.load(visit.store), visit.language
    size = outbox.RUN + going.size + going.held_size
    text = language.plural(
        "{number} letter is too much for today. All of it together takes about {size}.",
        "{number} letters are too much for today. All of it together takes about {size}.",
        going.held_letters,
    )
    what = text.format(number=going.held_letters, size=language.size(size))
    if prices.currency:
        text = language.text("That costs {price} at this hour.")
        what = f"{what} {text.format(price=_price(visit, prices, size, _now()))}"
    return what


def of_update_now(visit: Visit) -> str:
    """Say what it would cost to fetch the update that is there; "" where nobody knows."""
    updates = UpdatesStatus.read()
    if updates is None or updates.state is not UpdatesState.AVAILABLE or not updates.size:
        return ""
    price = _price(visit, tariff.load(visit.store), updates.size, _now())
    text = visit.language.text("To fetch it costs {price} at most, at this hour.")
    return text.format(price=price) if price else ""


def is_credit_used_up(visit: Visit, account: int) -> bool:
    """Whether a villager's letters will wait at the next mail run until somebody pays in."""
    return credit.is_used_up(visit.store, account, _departure())


def of_other_credit(visit: Visit, account: int) -> list[str]:
    """Say of credit in a currency that pays for no letters any more how it can be changed."""
    needed = tariff.load(visit.store).currency
    if not (needed and Rules.of(visit.store).on):
        return []
    text = visit.language.text(
        "Letters are paid for in {currency} now."
        " A keeper can pay back {amount}, and take it in again in {currency}."
    )
    return [
        text.format(currency=needed, amount=visit.language.exact_money(amount, currency))
        for currency, amount in ledger.balances(visit.store, account).items()
        if amount > 0 and currency != needed
    ]


def notify_courier() -> None:
    """Let the courier know that there is other mail than before: it counts what waits."""
    with suppress(RequestError):  # it counts when it starts, too
        ask("courier", "waiting", timeout=2)


def _price(visit: Visit, prices: Tariff, size: int, at: datetime) -> str:
    """Say what so many bytes cost at a moment; "" where nobody has told the tariff."""
    if not prices.currency:
        return ""
    return visit.language.money(prices.cost(size, at, zone_of(visit.zone)), prices.currency)


def _departure() -> datetime:
    """Return when the next mail run is, or now, where that is not known."""
    courier = CourierStatus.read()
    return (courier and courier.next_sync) or _now()


def _now() -> datetime:
    return relaytime.now() or datetime.now(UTC)
