# SPDX-License-Identifier: Apache-2.0
"""Which of the waiting mails go into the next bundle, as far as the budgets reach.

A bundle has to be made to be measured: mail that does not fit is left out of the next try.
"""

from collections.abc import Mapping, Sequence

from mokanda_firmware.courier.quota import Allowance
from mokanda_firmware.mailbox import sync
from mokanda_firmware.mailbox.store.database import Store
from mokanda_firmware.mailbox.sync import Outgoing

_SEAL = 400  # bytes that signature and encryption add to a bundle


class Choice:
    """What is `held` back from the next bundle: by the mail's number, why (as the store keeps it).

    Without `whole`, mail takes half of what is left for the day, so that as much can come down; a
    mail at the front of the queue that needs more than that goes alone.
    """

    def __init__(self, store: Store, allowance: Allowance, *, whole: bool) -> None:
        self._store = store
        self._left = allowance.left
        self._room = allowance.room() or 0
        self._whole_day = allowance.room_of_a_day()
        self._most = self._room if whole else self._room // 2
        self._costs: dict[int, int] = {}
        self.held: dict[int, str] = {}
        for number, account, cost in sync.known_costs(store):
            self._hold(number, account, cost, self._room - _SEAL, self._villagers())

    def accepts(self, mails: Sequence[Outgoing], costs: Mapping[int, int], size: int) -> bool:
        """Whether a bundle of `size` bytes may go; if not, one without what is now held may."""
        self._costs |= costs
        others = size - sum(costs.values()) + _SEAL
        room, villagers = self._most - others, self._villagers()
        for place, mail in enumerate(mails):
            cost = costs[mail.number]
            most = max(room, self._room - others) if place == 0 else room
            if not self._hold(mail.number, mail.account, cost, most, villagers):
                room -= cost
                if mail.account in villagers:
                    villagers[mail.account] -= cost
        return not any(mail.number in self.held for mail in mails)

    def note(self) -> None:
        """Let the outbox know."""
        sync.hold(self._store, self._costs, self.held)

    def _hold(
        self, number: int, account: int, cost: int, room: int, villagers: Mapping[int, int]
    ) -> bool:
        """Hold a mail that does not fit; tell whether that is so."""
        if self._left is None:
            return False
        if cost > villagers.get(account, cost):
            large = cost > self._left.whole_days[account]
            self.held[number] = "large" if large else "villager"
        elif cost > room:
            large = self._whole_day is not None and cost + _SEAL > self._whole_day
            self.held[number] = "large" if large else "day"
        return number in self.held

    def _villagers(self) -> dict[int, int]:
        return dict(self._left.villagers) if self._left else {}
