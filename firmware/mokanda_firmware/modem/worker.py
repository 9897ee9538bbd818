# SPDX-License-Identifier: Apache-2.0
"""A stick's thread: it does what the daemon wants of the stick, and hears what that has to tell.

So a stick that is slow, deaf or dialling holds up neither the others nor whoever asks the daemon.
"""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from mokanda_firmware.bus.requests import Request
from mokanda_firmware.bus.sentences import Sentence, SentenceError
from mokanda_firmware.bus.states import ModemState
from mokanda_firmware.modem.call_account import UNPLUGGED
from mokanda_firmware.modem.clock import Bell, Turns
from mokanda_firmware.modem.modem import Modem
from mokanda_firmware.modem.sim_services import SimServices
from mokanda_firmware.modem.stick_clock import StickClock

BUSY: Final = Sentence("The modem is busy. Please try again in a minute.")
ERRAND_TIME: Final = 10.0  # seconds after which a modem that has found no time for it is busy


class _Errand(NamedTuple):
    act: Callable[[], None]
    request: Request | None = None  # whose answer it is
    by: float = 0.0  # when it has to begin, for that

    def refuse(self, why: Sentence) -> None:
        if self.request is not None:
            self.request.fail(why)


class Worker:
    """Has a modem to itself. The daemon's calls return at once; `settled` is called after each."""

    def __init__(
        self,
        clock: Turns,
        make_modem: Callable[[StickClock], Modem],
        settled: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._stick_clock = StickClock(clock)
        self.modem = make_modem(self._stick_clock)
        self.sim_services = SimServices(self.modem, self._stick_clock)
        self.has_ended = False
        self.error: Exception | None = None  # at which it has ended, and should not have
        self._settled = settled
        self._bell = Bell()
        self._errands: deque[_Errand] = deque()
        self._works = True

    # For the daemon

    def begin(self) -> None:
        """Start the thread."""
        self._clock.begin(self._work)

    @property
    def is_busy(self) -> bool:
        """Whether something is being done, or is to be."""
        return self._works or bool(self._errands)

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection, which nobody is about to end."""
        return self.modem.state is ModemState.CONNECTED and not self.is_busy

    def do(self, act: Callable[[], None]) -> None:
        """Have something done after what is to be done already."""
        self._add(_Errand(act))

    def answer(
        self,
        request: Request,
        act: Callable[[], Mapping[str, object]],
        patience: float = ERRAND_TIME,
    ) -> None:
        """Answer a request by what `act` returns, or its SentenceError.

        It is told that the modem is busy if that cannot begin within so many seconds.
        """

        def reply() -> None:
            try:
                request.reply(**act())
            except SentenceError as error:
                request.fail(error.sentence)

        self._add(_Errand(reply, request, self._clock.now() + patience))

    def unwant(self) -> None:
        """Nobody wants a connection any more: to dial ends at once."""
        self._stick_clock.cancel()
        self.do(self.modem.unwant)

    def hurry(self) -> None:
        """Somebody wants a connection: what is asked in passing ends."""
        self._stick_clock.cancel()

    def pull(self) -> None:
        """Let go of the stick, which may be gone; the thread ends soon, if it has not ended."""
        if not self.has_ended:
            self._stick_clock.pull()
            self._bell.ring()

    def due_at(self) -> float | None:
        """Return when `refuse_late` has something to do."""
        return min((each.by for each in self._errands if each.request), default=None)

    def refuse_late(self) -> None:
        """Tell those for whom the modem has found no time."""
        now = self._clock.now()
        for errand in [each for each in self._errands if each.request and each.by <= now]:
            self._errands.remove(errand)
            errand.refuse(BUSY)

    def _add(self, errand: _Errand) -> None:
        self._errands.append(errand)
        self._bell.ring()

    # The thread

    def _work(self) -> None:
        try:
            self.modem.plugged()
            while not self._stick_clock.is_pulled:
                self._do_errands()
                self._rest()
        except Exception as error:  # noqa: BLE001 - the daemon ends of it
            self.error = error
        finally:
            self.modem.unplugged()
            for errand in self._errands:
                errand.refuse(UNPLUGGED)
            self._errands.clear()
            self._stick_clock.close()
            self._bell.close()
            self._works = False
            self.has_ended = True
            self._settled()

    def _do_errands(self) -> None:
        while self._errands and not self._stick_clock.is_pulled:
            self._errands.popleft().act()

    def _rest(self) -> None:
        """Wait until there is something to be done, or to be heard."""
        self._works = False
        self._settled()
        heard, due = self.modem.fileno(), self.modem.due_at()
        descriptors = {self._bell.fileno()} | (set() if heard is None else {heard})
        seconds = None if due is None else max(0.0, due - self._clock.now())
        ready = self._clock.wait(descriptors, seconds)
        self._works = True
        self._bell.silence()
        if self._stick_clock.is_pulled:
            return
        if heard in ready:
            self.modem.hear()
        self.modem.keep_deadline()
