# SPDX-License-Identifier: Apache-2.0
"""Finding what a reader refuses among what is sent to it, so that all else arrives.

A sender has a queue and sends its front in batches. Usually a batch is as large as it can be. When
one is refused, the same goes again in a simpler form, and if that is refused too, half of it, and
so on down to one thing alone. What is refused alone, in the simplest form, is set aside: it is what
the reader cannot take. After each batch that is accepted the next may be twice as large, until
nothing is suspected any more.

    state                size   caution   the next batch
    at rest              0      0         of any size
    doubtful             0      1         the same, not primed with the history
    halving, or growing  n      1, 2      of n things at most
    alone                1      1         of one thing
    alone, at last       1      2         of one thing, not even compressed

The state is a value: each end keeps its two numbers in its own store.
"""

from typing import NamedTuple

PRIMED, UNPRIMED, PLAIN = 0, 1, 2  # cautions with which a batch is encoded

_LAST_SUSPECTED = 64  # size: when such a batch is accepted, nothing is suspected any more


class Bisection(NamedTuple):
    """What the next batch may be: of at most `size` things (0: of any number), how encoded.

    While `size` is not 0 nothing goes but what can be set aside.
    """

    size: int = 0
    caution: int = PRIMED

    def limit(self, count: int) -> int:
        """How many of so many things that wait the next batch may have."""
        return min(count, self.size) if self.size else count

    def accepted(self) -> "Bisection":
        """The state after a batch that its reader has taken."""
        if self.size in range(1, _LAST_SUSPECTED):
            return self._replace(size=2 * self.size)
        return Bisection()

    def refused(self, count: int) -> tuple["Bisection", bool]:
        """The state after a batch of `count` things that was refused.

        Returns:
            It, and whether to set the batch aside, which is then of one thing at most.
        """
        if self.caution == PRIMED:
            return self._replace(caution=UNPRIMED), False
        alone = count <= 1 and self.size > 0
        if not alone:
            return self._replace(size=max(count // 2, 1)), False
        if self.caution == UNPRIMED:
            return Bisection(1, PLAIN), False
        return Bisection(1, UNPRIMED), True
