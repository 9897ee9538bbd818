# SPDX-License-Identifier: Apache-2.0
"""Numbers of the keeper's forms: what one is for happens once, however often the form comes.

A wrong PIN costs one of three tries, an order money. Numbers are drawn by lot, one at a time, and
end with the daemon: an old form counts no more, whatever was lost, and nothing has to be written.
"""

import secrets
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from mokanda_firmware.bus.requests import RequestError
from mokanda_firmware.bus.sentences import Sentence, SentenceError

Outcome = Mapping[str, object] | Sentence  # what was replied, or why it failed

_NOT_SENT: Final = Sentence(
    "Something else was done with the modem meanwhile, so that this was not sent. Look at the page,"
    " and press again if you still want it."
)
_SENT_OR_NOT: Final = Sentence(
    "The modem was started anew meanwhile, or something else was done with it. Nobody knows whether"
    " this was sent before. Look at the page before you send it again."
)
_MOST_PASSED_OVER = 100  # numbers
_UNKNOWN: Final = Sentence("Nobody knows what came of it.")


class Lot:
    """Where they are drawn: `next_number` counts, `last_taken` was the one before."""

    def __init__(self) -> None:
        self.next_number = new_number()
        self.last_taken = 0
        self._passed_over = deque[int](maxlen=_MOST_PASSED_OVER)  # drawn, and never taken
        self._done: tuple[int, tuple[str, ...]] = (0, ())  # the last number, and what for
        self._outcome: Outcome = _UNKNOWN

    def draw(self) -> None:
        """Draw the next number: forms that are open count no more."""
        self._passed_over.append(self.next_number)
        self.next_number = new_number()

    def check(self, number: int, *, has_another: bool) -> None:
        """Raise RequestError: it is not the next one, or `has_another` taken it.

        That what has it now was not sent is known then, and where it was never taken; of others it
        is not, as a daemon that was killed has told nobody what it did.
        """
        if (number and has_another) or number in self._passed_over:
            raise RequestError(_NOT_SENT)
        if number != self.next_number:
            raise RequestError(_SENT_OR_NOT)

    def take(self) -> None:
        """Take the next number for good."""
        self.last_taken, self.next_number = self.next_number, new_number()

    def has_taken(self, number: int) -> bool:
        """Whether what has this number is done, or is being done, and may be told again."""
        return number == self._done[0]

    def once(
        self, number: int, what: tuple[str, ...], act: Callable[[], Mapping[str, object]]
    ) -> Mapping[str, object]:
        """Act, unless that was done; return what came of it, which is kept until the next time.

        Raises RequestError: it failed, then too; or the number was taken for something else.
        """
        if (number, what) == self._done:
            outcome = self._outcome
        else:
            self.check(number, has_another=number in (self._done[0], self.last_taken))
            self.take()
            self._done, self._outcome = (number, what), _UNKNOWN
            outcome = _outcome(act)
            if self._done == (number, what):
                self._outcome = outcome
        if isinstance(outcome, Sentence):
            raise RequestError(outcome)
        return outcome


def new_number() -> int:
    """Return a number that no form has had, of at most fifteen digits."""
    return 1 + secrets.randbelow(10**15 - 1)


def _outcome(act: Callable[[], Mapping[str, object]]) -> Outcome:
    try:
        return act()
    except SentenceError as error:
        return error.sentence
