# SPDX-License-Identifier: Apache-2.0
"""Which of the waiting mails the budgets let go: a bundle has to be made to be measured.

A selection does not change: pricing a bundle gives the next one, which holds back what did not fit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Self

from mokanda_firmware.courier.quota import Quota
from mokanda_firmware.mailbox.costs import credit
from mokanda_firmware.mailbox.costs.budget import Left
from mokanda_firmware.mailbox.store.database import Store
from mokanda_firmware.mailbox.sync import outgoing
from mokanda_firmware.mailbox.sync.outgoing import Outgoing
from mokanda_wire.limits import SEAL


class _Budget(NamedTuple):
    """What a bundle may take; sizes in bytes of bundles.

    `room` is what is left for the day, of which mail takes `share`, but for the first in the queue,
    which may need more than that and then goes alone. `credit` is what villagers can pay for.
    """

    left: Left | None
    room: int
    share: int
    whole_day: int | None
    credit: Mapping[int, int]

    def why_not(
        self,
        account: int,
        cost: int,
        room: int,
        villagers: Mapping[int, int],
        credit: Mapping[int, int],
    ) -> str | None:
        """Why a mail does not go, in the word that the store has for it; None if it goes.

        The last one that credit sends may take more than there is.
        """
        if credit.get(account, 1) <= 0:
            return "credit"
        if self.left is None:
            return None
        if cost > villagers.get(account, cost):
            return "large" if cost > self.left.whole_days[account] else "villager"
        if cost > room:
            never = self.whole_day is not None and cost + SEAL > self.whole_day
            return "large" if never else "day"
        return None

    def villagers(self) -> dict[int, int]:
        """Bytes that each villager who has a budget has left."""
        return dict(self.left.villagers) if self.left else {}


@dataclass(frozen=True, slots=True)
class Selection:
    """The mails that are `held` back, by their number in the store, and what all `costs`."""

    _budget: _Budget
    held: Mapping[int, str] = field(default_factory=dict)
    costs: Mapping[int, int] = field(default_factory=dict)

    @classmethod
    def of_day(cls, store: Store, quota: Quota, *, whole: bool) -> Self:
        """Begin with what was measured before.

        Mail takes the `whole` of what is left for the day, or half, so that as much can come down.
        """
        room = quota.room() or 0
        share = room if whole else room // 2
        payable = credit.affordable(store)
        budget = _Budget(quota.left, room, share, quota.room_of_a_day(), payable)
        villagers = budget.villagers()
        reasons = {
            number: budget.why_not(account, cost, room - SEAL, villagers, payable)
            for number, account, cost in outgoing.known_costs(store)
        }
        return cls(budget, {number: why for number, why in reasons.items() if why})

    def priced(self, mails: Sequence[Outgoing], costs: Mapping[int, int], size: int) -> Self:
        """Hold back what of these mails did not fit into their bundle of `size` bytes."""
        others = size - sum(costs.values()) + SEAL
        room, villagers = self._budget.share - others, self._budget.villagers()
        payable = dict(self._budget.credit)
        held = dict(self.held)
        for place, mail in enumerate(mails):
            cost = costs[mail.number]
            most = max(room, self._budget.room - others) if place == 0 else room
            why = self._budget.why_not(mail.account, cost, most, villagers, payable)
            if why:
                held[mail.number] = why
                continue
            room -= cost
            if mail.account in villagers:
                villagers[mail.account] -= cost
            if mail.account in payable:
                payable[mail.account] -= cost
        return replace(self, held=held, costs={**self.costs, **costs})

    def admits(self, mails: Sequence[Outgoing]) -> bool:
        """Whether none of these mails is held back."""
        return not any(mail.number in self.held for mail in mails)

    def record(self, store: Store) -> None:
        """Let the outbox show what mails cost, and why some of them wait."""
        outgoing.hold(store, self.costs, self.held)
