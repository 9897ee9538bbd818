# SPDX-License-Identifier: Apache-2.0
"""One stick: where it is in the table of `machine`, and what is done there.

All of it runs in the stick's own thread; what others read of it changes where that waits.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from mokanda_firmware.bus.sentences import Sentence, SentenceError
from mokanda_firmware.bus.states import ModemState
from mokanda_firmware.modem import recovery
from mokanda_firmware.modem.allowance import Allowance
from mokanda_firmware.modem.backend import (
    Backend,
    CallError,
    Facts,
    Finding,
    ModemError,
)
from mokanda_firmware.modem.call_account import UNPLUGGED, CallAccount
from mokanda_firmware.modem.due import Due
from mokanda_firmware.modem.machine import IN_CALL, REGISTERED, TABLE, Action, Event
from mokanda_firmware.modem.recovery import Ladder, Rung
from mokanda_firmware.modem.stick import Stick
from mokanda_firmware.modem.stick_clock import CancelledError, PulledError, StickClock

_log = logging.getLogger(__name__)

_LINK_TIMEOUT = 60.0  # seconds from having dialled to an IP address
_LINK_PAUSE = 2.0  # seconds after which is seen whether it has come: not every link tells
_NOTED_EVERY = 60.0  # seconds: how far a call is goes to the card
_UDEV = 1.0  # seconds in which udev tells that a stick was pulled out, where it was
_WAKING = 45.0  # seconds that a stick may take after plugging until it answers
_SEARCHED_LONG = 900.0  # seconds of finding no network until that is a trouble of the modem
# Seconds that a menu waits: networks drop it after one to three minutes, and few tell so; what is
# answered later would go out as a code of its own.
_MENU_WAITS = 180.0
_ASKING = 300.0  # seconds for all that is asked at a time: the slowest take ten for each answer

_LINK_GONE: Final = frozenset({Event.LINK_LOST, Event.CALL_FAILED})
_STARTING: Final = Sentence("The modem is starting.")


class Modem:
    """A stick that is plugged in. Every method deals with its being pulled out meanwhile."""

    def __init__(
        self,
        stick: Stick,
        make_backend: Callable[[Stick], Backend],
        clock: StickClock,
        ladder: Ladder,
        allowance: Allowance,
        changed: Callable[[], None],
    ) -> None:
        """Call `changed` whenever `state`, `detail` or `facts` do."""
        self.stick = stick
        self.state = ModemState.ABSENT
        self.detail: Sentence = _STARTING
        self.facts = Facts(model=stick.name)
        self.is_proven = False  # whether it has ever answered as a modem does
        self.calls = CallAccount(clock, allowance, ladder)
        self.asked_at = 0.0
        self._make_backend = make_backend
        self._backend = make_backend(stick)
        self._clock = clock
        self._ladder = ladder
        self._changed = changed
        self._plugged_at = clock.now()
        self._searching_since: float | None = None
        self._due = Due(clock)
        self._link_by = 0.0  # when a call that has no link yet has failed
        self._is_wanted = False
        self._menu_until = 0.0

    @property
    def menu_is_open(self) -> bool:
        """Whether the network waits for an answer to the menu that it sent last."""
        return self._backend.menu_is_open and self._clock.now() < self._menu_until

    def menu_has_come(self) -> None:
        """Let the menu that the network has sent now wait for an answer."""
        self._backend.menu_is_open = True
        self._menu_until = self._clock.now() + _MENU_WAITS

    def _leave_menu(self) -> None:
        self._backend.menu_is_open = False
        try:
            self._backend.leave_menu()
        except OSError as error:
            self._lost(error)

    # What happens

    def plugged(self) -> None:
        """Begin."""
        self._happen(Finding(Event.PLUGGED, _STARTING, self.facts))

    def unplugged(self) -> None:
        """Let go of it: it is not there any more."""
        self._happen(Finding(Event.UNPLUGGED, _STARTING))

    def looks_like(self, stick: Stick) -> None:
        """Take in how udev knows it now; ports and cards may come one after the other."""
        if stick == self.stick:
            return
        self.stick = stick
        if self.state not in IN_CALL and not self._backend.fits(stick):
            self._backend.close()
            self._backend = self._make_backend(stick)
            self._due.begin_anew()
            self.look()

    def want(self) -> None:
        """Somebody wants a connection."""
        self._is_wanted = True
        if self.state not in IN_CALL and self.state is not ModemState.READY:
            self._happen(Finding(Event.WANTED, self.detail))

    def dial(self) -> None:
        """Dial, in READY."""
        self._happen(Finding(Event.WANTED, self.detail))

    def unwant(self) -> None:
        """Nobody wants a connection any more."""
        self._is_wanted = False
        if self.state in IN_CALL:
            self._happen(Finding(Event.UNWANTED, self.detail))

    @contextmanager
    def talking(
        self, unplugged: SentenceError, silent: Callable[[Sentence], SentenceError]
    ) -> Iterator[Backend]:
        """Let somebody say something to it.

        Raises `unplugged` where it goes meanwhile, and what `silent` makes of the detail where it
        does not answer as it should.
        """
        try:
            yield self._backend
        except OSError as error:
            self._lost(error)
            raise unplugged from error
        except ModemError as error:
            self._happen(self._silent(error))
            raise silent(self.detail) from error

    def look(self) -> None:
        """Ask how it is now, if nothing is under way."""
        self._happen(Finding(Event.DUE, self.detail, self.facts))

    def look_soon(self) -> None:
        """Ask how it is in a moment: something may have changed."""
        self._due.soon()

    def fileno(self) -> int | None:
        """Return a descriptor that is readable when `hear` may have news; None: never."""
        return None if self.state is ModemState.ABSENT else self._backend.fileno()

    def hear(self) -> None:
        """Act on what the back-end has to tell."""
        try:
            heard = self._hear()
        except OSError as error:
            self._lost(error)
            return
        except ModemError as error:
            self._happen(self._silent(error))
            return
        if isinstance(heard, Finding):
            self._happen(heard)
        elif heard is Event.DUE:  # gathered: some tell it many times a second
            self.look_soon()

    def _hear(self) -> Finding | Event | None:
        """As the back-end does; a link may be gone as the stick is, of which udev tells later."""
        heard = self._backend.hear()
        if isinstance(heard, Finding) and heard.event in _LINK_GONE and self._is_gone():
            return heard._replace(detail=UNPLUGGED)
        return heard

    def _is_gone(self) -> bool:
        with self._clock.others_meanwhile():
            return not self.stick.is_there()

    def due_at(self) -> float | None:
        """Return when `keep_deadline` has something to do."""
        moments = (self._due.at, self._menu_until if self._backend.menu_is_open else None)
        return min((each for each in moments if each is not None), default=None)

    def keep_deadline(self) -> None:
        """Do what is due, if something is."""
        if self._backend.menu_is_open and not self.menu_is_open:
            self._leave_menu()
        if not self._due.has_come():
            return
        self._due.never()
        if self.state is ModemState.DIALLING and self._clock.now() < self._link_by:
            self._due.after(_LINK_PAUSE)
            self.hear()
        elif self.state is ModemState.DIALLING:
            late = Sentence("The connection was not complete in time.")
            self._happen(Finding(Event.CALL_FAILED, late, self.facts))
        elif self.state is ModemState.CONNECTED:
            self._rest()
        else:
            self._happen(Finding(Event.DUE, self.detail, self.facts))

    # The machine

    def _happen(self, finding: Finding | None) -> None:
        """Take the steps that follow from what has happened."""
        try:
            while finding is not None:
                finding = self._step(finding)
        except OSError as error:
            self._lost(error)

    def _lost(self, error: OSError) -> None:
        """Its port is gone: it was pulled out, or restarts; udev tells which."""
        try:
            self._clock.wait((), _UDEV)
        except PulledError:
            return  # `unplugged` follows
        _log.info("%s: %s", self.stick.name, error)
        self._backend.close()
        lost = Sentence("The modem lost the connection.")
        self.calls.breaks(UNPLUGGED if self._is_gone() else lost)
        self.calls.over(self.facts.apn, self._backend.traffic)
        self._backend = self._make_backend(self.stick)
        self._set(ModemState.STARTING, _STARTING, Facts(model=self.facts.model))
        self._rest()

    def _step(self, finding: Finding) -> Finding | None:
        step = TABLE.get((self.state, finding.event))
        if step is None:
            return None  # nothing follows from it here
        self.calls.tell(self.state, finding)
        if step.action is not Action.NOTHING:
            return self._act(step.action, step.state, finding)
        if step.state is ModemState.CONNECTED:
            facts = self.facts._replace(interface=finding.facts.interface)
            self._set(step.state, finding.detail, facts)
        else:
            self._set(step.state, finding.detail, finding.facts)
        self._rest(finding.again)
        return None

    def _act(self, action: Action, state: ModemState, finding: Finding) -> Finding | None:
        match action:
            case Action.ASK:
                if finding.event is Event.PLUGGED:
                    self._set(state, finding.detail, finding.facts)
                return self._ask()
            case Action.DIAL:
                return self._dial()
            case Action.HANG_UP:
                return self._hang_up()
            case Action.MEND:
                return self._mend()
            case Action.WAKE:
                return self._wake(finding)
            case _:
                self._backend.close()
                self._due.never()
                self._set(state, finding.detail, Facts())
                return None

    # What is done

    def _ask(self) -> Finding:
        self.asked_at = self._clock.now()
        try:
            with self._clock.within(_ASKING):
                finding = self._backend.ask(self.facts, self._learn)
        except ModemError as error:
            return self._silent(error)
        self.is_proven = self._ladder.has_worked = True
        if finding.event is Event.SEARCHING:
            return self._search_on(finding)
        self._searching_since = None
        return finding

    def _learn(self, facts: Facts) -> None:
        self.is_proven = True
        self._set(self.state, self.detail, facts)

    def _dial(self) -> Finding | None:
        self.calls.dialled()
        self._set(ModemState.DIALLING, Sentence("The modem is dialling."), self.facts)
        try:
            with self._clock.cancellable():
                self._backend.dial(self.facts, self._tell_dialling)
        except CancelledError:
            return Finding(Event.UNWANTED, self.detail)
        except CallError as error:
            return Finding(Event.CALL_FAILED, error.sentence, self.facts, login=error.login)
        except ModemError as error:
            return self._silent(error)
        self._link_by = self._clock.now() + _LINK_TIMEOUT
        self._due.after(_LINK_PAUSE)
        heard = self._hear()
        return heard if isinstance(heard, Finding) else None

    def _tell_dialling(self, detail: Sentence, apn: str) -> None:
        self._set(ModemState.DIALLING, detail, self.facts._replace(apn=apn))

    def _hang_up(self) -> Finding:
        self._due.never()
        try:
            self._backend.hang_up()
        except ModemError as error:
            return self._silent(error)
        return self._ask()

    def _mend(self) -> Finding:
        """After a call that failed: hang up, take a step of recovery, and ask."""
        self._due.never()
        try:
            self._backend.hang_up()
            self._recover(self._ladder.climb(recovery.OF_CALLS))
        except ModemError as error:
            return self._silent(error)
        return self._ask()

    def _wake(self, finding: Finding) -> Finding | None:
        """From silence: wait for a stick that was plugged in just now, else recover."""
        if self._clock.now() - self._plugged_at >= _WAKING:
            rung = self._ladder.climb(recovery.OF_SILENCE) if self.is_proven else None
            if rung is None:
                return finding._replace(event=Event.SPENT)
            self._recover(rung)
        self._set(ModemState.STARTING, _STARTING, Facts(model=self.facts.model))
        self._rest()
        return None

    def _search_on(self, finding: Finding) -> Finding:
        """Searching for long may be the modem's trouble: some find a network only anew."""
        now = self._clock.now()
        if self._searching_since is None:
            self._searching_since = now
        elif now - self._searching_since >= _SEARCHED_LONG:
            self._searching_since = now
            try:
                self._recover(self._ladder.climb(recovery.OF_SEARCHING))
            except ModemError as error:
                return self._silent(error)
        return finding

    def _recover(self, rung: Rung | None) -> None:
        if rung is None:
            return
        _log.warning("recovery: %s: %s", self.stick.name, rung.value)
        if rung is Rung.ENUMERATE:
            self._backend.close()
            self._plugged_at = self._clock.now()
            with self._clock.others_meanwhile():
                self.stick.enumerate_again()
        else:
            self._backend.recover(rung)
            if rung is Rung.RESTART:
                self._plugged_at = self._clock.now()

    def _silent(self, error: ModemError) -> Finding:
        _log.warning("%s does not answer as it should: %s", self.stick.name, error)
        if self.is_proven:
            detail = Sentence("The modem stopped answering. Pull it out and plug it in again.")
        else:
            detail = Sentence("What is plugged in does not answer as a modem does.")
        return Finding(Event.SILENT, detail, Facts(model=self.facts.model))

    # How it is

    def _set(self, state: ModemState, detail: Sentence, facts: Facts) -> None:
        if state is not self.state:
            _log.info("%s: %s: %s", self.stick.name, state, detail)
            self._due.begin_anew()
        if state not in REGISTERED:
            self._backend.menu_is_open = False
        if state not in IN_CALL:
            self.calls.over(self.facts.apn, self._backend.traffic)
        if (state, detail, facts) != (self.state, self.detail, self.facts):
            self.state, self.detail, self.facts = state, detail, facts
            self._changed()

    def _rest(self, again: float | None = None) -> None:
        if self.state is ModemState.CONNECTED:
            self.calls.goes_on(self.facts.apn, self._backend.traffic)
            self._due.after(_NOTED_EVERY)
            return
        self._due.rest(self.state, again, is_wanted=self._is_wanted)
