# SPDX-License-Identifier: Apache-2.0
"""What a run may spend of the day's budget, and the count of what it has spent.

It goes by the sockets' own counters, and is written down every few seconds: after a power cut the
day goes on from there.
"""

import time
from collections.abc import Callable

from mokanda_firmware import relaytime
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.mailbox.costs import budget, tariff, usage
from mokanda_firmware.mailbox.costs.budget import Left
from mokanda_firmware.mailbox.store.database import Store
from mokanda_firmware.uplink.failures import BudgetSpentError
from mokanda_wire.limits import MIN_ROOM
from mokanda_wire.protocol import MAX_BUNDLE

_MIN_RUN = 4096  # bytes; the least that a session takes, with TLS's handshake
_COUNTED_EVERY = 5.0  # seconds

SPENT = Sentence("The data for today is used up. The rest of the mail goes tomorrow.")


class Quota:
    """The budget of one run; `beyond` it goes what the keeper has said shall go."""

    def __init__(self, store: Store, *, beyond: bool = False) -> None:
        self._store = store
        self._beyond = beyond
        self._traffic: Callable[[], tuple[int, int]] = lambda: (0, 0)
        self._counted = (0, 0)
        self._counted_at = time.monotonic()
        self.money = 0  # billionths of the currency
        self.currency = ""
        self.left: Left | None = None
        self._renew()

    def check(self) -> None:
        """See that there is enough to call the relay at all.

        Before the relay has told the time nobody knows what day it is, and it has to be asked.

        Raises:
            BudgetSpentError: there is not.
        """
        spent = self.left and self.left.village is not None and self.left.village < _MIN_RUN
        if spent and relaytime.now() is not None:
            raise BudgetSpentError(SPENT)

    def follow(self, traffic: Callable[[], tuple[int, int]]) -> None:
        """Count what this function tells: bytes sent and received so far."""
        self._traffic = traffic

    def count(self, *, run: bool = False, failed: bool = False) -> None:
        """Write down what has crossed the link since the last time, and with `run` a run's end."""
        up, down = self._traffic()
        before_up, before_down = self._counted
        used = usage.count(self._store, up - before_up, down - before_down, run=run, failed=failed)
        self._counted = (up, down)
        self._counted_at = time.monotonic()
        self.money += used.money
        self.currency = tariff.load(self._store).currency
        self._renew()

    def tick(self) -> None:
        """Count now and then.

        Raises:
            BudgetSpentError: a bundle on its way has used up what there was.
        """
        if time.monotonic() - self._counted_at > _COUNTED_EVERY:
            self.count()
        bytes_left = self._bytes_left()
        if bytes_left is not None and bytes_left < 0:
            raise BudgetSpentError(SPENT)

    def room(self, pending: int = 0) -> int | None:
        """How many bytes of bundles may cross beside `pending` ones; None is no limit."""
        if self.left is None:
            return None
        bytes_left = self._bytes_left()
        if bytes_left is None:
            return MAX_BUNDLE
        return max(
            0, min((bytes_left - budget.RESERVE) * 100 // budget.RECORDS - pending, MAX_BUNDLE)
        )

    def room_of_a_day(self) -> int | None:
        """How many bytes of bundles a day that has just begun has room for; None is no limit."""
        if self.left is None or self.left.whole is None:
            return None
        return budget.room_of_a_day(self.left.whole)

    @property
    def is_spent(self) -> bool:
        """Whether no bundle is worth a request any more."""
        room = self.room()
        return room is not None and room < MIN_ROOM

    def _bytes_left(self) -> int | None:
        if self.left is None or self.left.village is None:
            return None
        return self.left.village - (sum(self._traffic()) - sum(self._counted))

    def _renew(self) -> None:
        if self._beyond:
            return
        left = budget.left(self._store)
        limited = left.village is not None or bool(left.villagers)
        self.left = left if limited else None
