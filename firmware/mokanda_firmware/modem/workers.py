# SPDX-License-Identifier: Apache-2.0
"""The workers of the sticks that are plugged in, the best stick's first."""

import logging
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from mokanda_firmware.bus.requests import Request, RequestError
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.bus.states import ModemState
from mokanda_firmware.modem.clock import Bell, Turns
from mokanda_firmware.modem.machine import IN_CALL
from mokanda_firmware.modem.modem import Modem
from mokanda_firmware.modem.recovery import AWAY, Ladder
from mokanda_firmware.modem.stick import Stick
from mokanda_firmware.modem.stick_clock import StickClock
from mokanda_firmware.modem.worker import Worker

_log = logging.getLogger(__name__)

NO_MODEM: Final = Sentence("No modem is plugged in.")
_MAX_STICKS = 8  # that are talked to; a hub has no more ports
_MAX_LADDERS = 32  # of sticks that were here
_LOOK_PAUSE = 5.0  # seconds for which what was found is fresh enough for whoever looks
_LOOK_TIME = 3.0  # seconds after which who looks is answered by what is known
_END_TIME = 12.0  # seconds in which the calls end, when the daemon does, and then the workers
# The best first, for people and for calls.
_RANK: Final = (
    ModemState.CONNECTED,
    ModemState.DIALLING,
    ModemState.READY,
    ModemState.NO_SIGNAL,
    ModemState.STARTING,
    ModemState.ROAMING,
    ModemState.NO_DATA,
    ModemState.DENIED,
    ModemState.PIN,
    ModemState.PUK,
    ModemState.NO_SIM,
    ModemState.FAULT,
    ModemState.ABSENT,
)


class Workers:
    """One for each stick, and those whose stick has gone, until they have let go of it."""

    def __init__(
        self,
        clock: Turns,
        make_modem: Callable[[Stick, StickClock, Ladder], Modem],
        bell: Bell,
    ) -> None:
        """Ring the bell when one of them has done something."""
        self._clock = clock
        self._make_modem = make_modem
        self._bell = bell
        self._workers: dict[str, Worker] = {}  # by their sticks' paths in sysfs
        self._leaving: list[Worker] = []
        self._ladders: dict[str, Ladder] = {}  # by path, of sticks that have gone too
        self._awaiting: list[tuple[Request, float]] = []  # answered when all are done, or then

    # The sticks

    def meet(self, sticks: list[Stick], *, are_wanted: bool) -> None:
        """Compare what is plugged in with what we talk to; new sticks may be wanted at once."""
        plugged = {stick.path: stick for stick in sticks[:_MAX_STICKS]}
        for path in self._workers.keys() - plugged.keys():
            worker = self._workers.pop(path)
            _log.info("%s was unplugged", worker.modem.stick.name)
            worker.pull()
            self._leaving.append(worker)
        for path, stick in plugged.items():
            if path not in self._workers:
                self._take_up(stick, is_wanted=are_wanted)
            elif stick != (worker := self._workers[path]).modem.stick:
                worker.do(partial(worker.modem.looks_like, stick))

    def _take_up(self, stick: Stick, *, is_wanted: bool) -> None:
        _log.info("a stick is there: %s", stick)
        while len(self._ladders) >= _MAX_LADDERS:
            del self._ladders[next(iter(self._ladders))]
        ladder = self._ladders.setdefault(stick.path, Ladder(self._clock))
        worker = Worker(
            self._clock, lambda clock: self._make_modem(stick, clock, ladder), self._bell.ring
        )
        self._workers[stick.path] = worker
        worker.begin()
        if is_wanted:
            worker.do(worker.modem.want)

    @property
    def has_one_away(self) -> bool:
        """Whether a stick is not there because we have had it enumerated again."""
        return any(ladder.is_away() for ladder in self._ladders.values())

    @property
    def has_one_worked(self) -> bool:
        """Whether one of the sticks that are or were here has answered in this boot."""
        return any(ladder.has_worked for ladder in self._ladders.values())

    # Who they are

    def __iter__(self) -> Iterator[Worker]:
        """Yield all that have a stick, in the order in which they came."""
        yield from self._workers.values()

    def best_first(self) -> list[Worker]:
        """Return who has the modems, and whatever else shows as one if there is none but that."""
        proven = [each for each in self if each.modem.is_proven]

        def rank(worker: Worker) -> tuple[int, bool, int]:
            modem = worker.modem
            signal = modem.facts.signal or 0
            return _RANK.index(modem.state), modem.calls.failure is not None, -signal

        return sorted(proven or self, key=rank)

    def best(self) -> Worker | None:
        """Return who has the best modem."""
        return next(iter(self.best_first()), None)

    def plugged_in(self) -> Worker:
        """Return who has the best modem. Raises RequestError: there is none."""
        best = self.best()
        if best is None:
            raise RequestError(NO_MODEM)
        return best

    @property
    def has_one_busy(self) -> bool:
        """Whether one of the modems may turn out to be better than it is."""
        return any(each.is_busy for each in self.best_first())

    # What they do

    def look(self, request: Request) -> None:
        """Somebody looks at how the modem is: have it asked, if that was not just now."""
        for worker in self:
            if not worker.is_busy and self._clock.now() - worker.modem.asked_at >= _LOOK_PAUSE:
                worker.do(worker.modem.look)
        self.reply_when_done(request, _LOOK_TIME)

    def reply_when_done(self, request: Request, seconds: float) -> None:
        """Answer a request when the modems have done what was wanted of them, or after this."""
        self._awaiting.append((request, self._clock.now() + seconds))

    def reply_to_awaiting(self) -> None:
        """Answer those for whom it is time."""
        if self._awaiting:
            now, is_done = self._clock.now(), not self.has_one_busy
            for request, by in self._awaiting:
                if is_done or by <= now:
                    request.reply()
            self._awaiting = [each for each in self._awaiting if not is_done and each[1] > now]

    def look_after(self) -> None:
        """See to it that none has died, and that nobody waits for one in vain."""
        for worker in (*self, *self._leaving):
            if worker.error is not None:
                raise worker.error
            worker.refuse_late()
        self._leaving = [each for each in self._leaving if not each.has_ended]

    def due_at(self) -> float | None:
        """Return when there is something to do, or another look is worth while."""
        deadlines = [at for each in self if (at := each.due_at()) is not None]
        deadlines += [by for _, by in self._awaiting]
        if not self._workers and self.has_one_away:
            deadlines.append(self._clock.now() + AWAY)
        return min(deadlines, default=None)

    def end(self) -> None:
        """End them all, and with them the call."""
        workers = [*self, *self._leaving]
        in_call = [each for each in workers if each.modem.state in IN_CALL]
        for worker in workers:
            if worker not in in_call:
                worker.pull()
        self._wait_for(lambda: not any(each.is_busy for each in in_call))  # they hang up
        for worker in in_call:
            worker.pull()
        self._wait_for(lambda: all(each.has_ended for each in workers))

    def _wait_for(self, is_done: Callable[[], bool]) -> None:
        until = self._clock.now() + _END_TIME
        while not is_done() and self._clock.now() < until:
            self._clock.wait({self._bell.fileno()}, until - self._clock.now())
            self._bell.silence()
