# SPDX-License-Identifier: Apache-2.0
"""The modem's daemon: one loop over udev, the stick's back-end and the other daemons' requests.

Everything may vanish at any moment, the stick being pulled out: then a read raises OSError, and the
state becomes ABSENT. Commands block the loop for seconds at most; a call does not.
"""

import logging
import select
import time
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from mokanda_firmware.bus import service
from mokanda_firmware.bus.requests import Request, RequestError, Requests
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.bus.states import ModemState
from mokanda_firmware.bus.statuses import ModemStatus
from mokanda_firmware.modem.backend import (
    Backend,
    Connected,
    ConnectError,
    Disconnected,
    ModemError,
    NetworkChanged,
    SimChanged,
)
from mokanda_firmware.modem.backends import backend_of
from mokanda_firmware.modem.call import HOOK
from mokanda_firmware.modem.sticks import Stick

_log = logging.getLogger(__name__)

_CONNECT_TIMEOUT = 90.0  # seconds a connect may wait for the modem and the network
_LINK_TIMEOUT = 60.0  # seconds from having dialled to an IP address
_MAX_START_TRIES = 10  # a stick may need half a minute after plugging until it answers
_START_PAUSE = 3.0
_FAULT_PAUSE = 600.0
_SEARCH_PAUSE = 5.0
# Nothing but a person with the stick in hand makes a connection from here.
_NO_WAY = {ModemState.ABSENT, ModemState.NO_SIM, ModemState.PIN, ModemState.FAULT}

_ABSENT = ModemStatus(ModemState.ABSENT, detail=Sentence("No modem is plugged in."))
_STARTING = ModemStatus(ModemState.STARTING, detail=Sentence("The modem is starting."))


class Sticks(Protocol):
    """What the daemon needs of `sticks.Watch`."""

    def fileno(self) -> int: ...  # noqa: D102
    def drain(self) -> None: ...  # noqa: D102
    def sticks(self) -> list[Stick]: ...  # noqa: D102


class Daemon:
    """Watches the stick, keeps its state published, connects and disconnects."""

    def __init__(self, watch: Sticks, requests: Requests, hook: Path = HOOK) -> None:
        self._watch = watch
        self._requests = requests
        self._hook = hook
        self._stick: Stick | None = None
        self._backend: Backend | None = None
        self._status = _ABSENT
        self._waiting: list[Request] = []  # connect requests not answered yet
        self._give_up_at = 0.0  # when the waiting ones are refused
        self._link_by: float | None = None  # when a call that has no address yet is given up
        self._again_at: float | None = None  # when to look at the stick anew
        self._tries = 0
        self._failed_calls = 0
        self._enumerated: str | None = None  # the stick that was enumerated again already

    def run(self) -> None:
        """Serve until SystemExit."""
        self._status.publish()
        self._again_at = time.monotonic()  # look at once
        service.notify("READY=1")
        try:
            while True:
                self._wait()
                service.notify("WATCHDOG=1")
        finally:
            self._refuse_waiting(Sentence("The modem service is stopping."))
            if self._backend is not None:
                self._backend.close()

    def _wait(self) -> None:
        """Wait for the next thing to happen and deal with it."""
        news = None if self._backend is None else self._backend.fileno()
        poller = select.poll()
        poller.register(self._watch.fileno(), select.POLLIN)
        poller.register(self._requests.fileno(), select.POLLIN)
        if news is not None:
            poller.register(news, select.POLLIN)
        ready = {descriptor for descriptor, _ in poller.poll(self._milliseconds())}
        try:
            if self._watch.fileno() in ready:
                self._watch.drain()
                self._look()  # what else was ready may be closed now: the next round tells
            elif self._backend is not None and news in ready:
                self._hear(self._backend)
            elif self._requests.fileno() in ready:
                request = self._requests.receive(0)
                if request is not None:
                    request.carry_out({"connect": self._connect, "disconnect": self._disconnect})
            self._keep_deadlines()
            self._dial_if_wanted()
        except OSError as error:
            self._lose(f"port: {error}")

    def _milliseconds(self) -> float | None:
        deadlines = [at for at in (self._again_at, self._link_by) if at is not None]
        if self._waiting:
            deadlines.append(self._give_up_at)
        watchdog = service.watchdog_seconds()
        if watchdog is not None:
            deadlines.append(time.monotonic() + watchdog)
        if not deadlines:
            return None
        return max(0.0, min(deadlines) - time.monotonic()) * 1000

    def _keep_deadlines(self) -> None:
        now = time.monotonic()
        if self._again_at is not None and now >= self._again_at:
            self._again_at = None
            self._look()
            if self._backend and self._waiting and self._status.state is ModemState.NO_SIGNAL:
                self._search(self._backend)
        if self._link_by is not None and now >= self._link_by:
            self._call_failed(Sentence("The connection was not complete in time."))
        if self._waiting and self._link_by is None and now >= self._give_up_at:
            self._refuse_waiting(
                Sentence("The modem could not connect in time. {why}", why=self._reason)
            )

    # The stick

    def _look(self) -> None:
        """Compare what is plugged in with what we talk to."""
        sticks = self._watch.sticks()
        if self._stick is not None:
            now = next((stick for stick in sticks if stick.path == self._stick.path), None)
            if now is None:
                self._lose("unplugged")
            else:
                self._stick = now
        if self._stick is None and sticks:
            self._stick = sticks[0]
            self._tries = 0
            _log.info("a stick is there: %s", self._stick)
            self._set(replace(_STARTING, model=self._stick.name))
        if self._stick is not None:
            if self._backend is not None and not self._backend.fits(self._stick):
                self._let_go()
            if self._backend is None:
                self._start(self._stick)

    def _start(self, stick: Stick) -> None:
        """Find who talks to the stick, and learn about modem and SIM card."""
        self._backend = backend_of(stick, self._hook)
        if self._backend is not None:
            self._identify(self._backend)
        else:
            self._start_later(
                Sentence("The modem does not answer. Pull it out and plug it in again.")
            )

    def _start_later(self, fault: Sentence) -> None:
        """Start again in a moment; after many moments enumerate again; then it is a fault."""
        self._let_go()
        self._tries += 1
        if self._tries < _MAX_START_TRIES or (self._stick and self._enumerate_again(self._stick)):
            self._again_at = time.monotonic() + _START_PAUSE
            self._set(replace(self._status, state=_STARTING.state, detail=_STARTING.detail))
        else:
            self._again_at = time.monotonic() + _FAULT_PAUSE
            self._refuse_waiting(fault)
            self._set(replace(self._status, state=ModemState.FAULT, detail=fault, signal=None))

    def _let_go(self) -> None:
        if self._backend is not None:
            self._backend.close()
        self._backend = None
        self._link_by = None

    def _lose(self, reason: str) -> None:
        """Forget the stick: it is gone, or its port is. If it is there all the same, look again."""
        _log.info("the modem is gone (%s)", reason)
        self._let_go()
        self._stick = None
        self._again_at = time.monotonic() + _START_PAUSE
        self._refuse_waiting(Sentence("The modem was unplugged."))
        self._set(_ABSENT)

    def _enumerate_again(self, stick: Stick) -> bool:
        """Take the second step of recovery, once a stick until a call succeeds; False: no more."""
        if self._enumerated == stick.path:
            return False
        self._enumerated = stick.path
        _log.warning("recovery: %s is enumerated again", stick.name)
        try:
            stick.enumerate_again()
        except OSError as error:
            _log.warning("recovery: %s", error)
            return False
        return True

    # The modem

    def _identify(self, backend: Backend) -> None:
        """Ask what there is to know and publish it; a modem that falls silent is started again."""
        try:
            for status in backend.identify(self._status):
                self._set(status)
        except ModemError as error:
            self._start_over(error)
            return
        if self._status.state is ModemState.STARTING:
            self._start_later(Sentence("The SIM card does not start. Take it out and put it back."))
        elif self._status.state in (ModemState.READY, ModemState.NO_SIGNAL):
            self._tries = 0

    def _start_over(self, error: ModemError) -> None:
        _log.warning("the modem does not answer as it should: %s", error)
        self._start_later(
            Sentence("The modem stopped answering. Pull it out and plug it in again.")
        )

    def _search(self, backend: Backend) -> None:
        """Ask for the network again; while somebody waits for it, do not rely on being told."""
        try:
            self._set(backend.search(self._status))
        except ModemError as error:
            self._start_over(error)
        else:
            if self._waiting and self._status.state is ModemState.NO_SIGNAL:
                self._again_at = time.monotonic() + _SEARCH_PAUSE

    def _hear(self, backend: Backend) -> None:
        """Act on what the back-end has to tell."""
        match backend.hear():
            case SimChanged():
                self._identify(backend)
            case NetworkChanged():
                if self._status.imsi:
                    self._search(backend)
            case Connected(interface):
                self._connected(interface)
            case Disconnected(why):
                _log.info("the call has ended: %s", why)
                if self._status.state is ModemState.DIALLING:
                    self._call_failed(why)
                else:
                    self._hang_up(backend)

    # Requests

    def _connect(self, request: Request) -> None:
        if self._status.state is ModemState.CONNECTED:
            request.reply(interface=self._status.interface)
        elif self._status.state in _NO_WAY:
            raise RequestError(self._reason)
        else:
            if not self._waiting:
                self._give_up_at = time.monotonic() + _CONNECT_TIMEOUT
                if self._again_at is None:
                    self._again_at = time.monotonic()
            self._waiting.append(request)

    def _disconnect(self, request: Request) -> None:
        self._refuse_waiting(Sentence("The connection was cancelled."))
        if self._backend and self._status.state in (ModemState.DIALLING, ModemState.CONNECTED):
            self._hang_up(self._backend)
        request.reply()

    def _refuse_waiting(self, sentence: Sentence) -> None:
        for request in self._waiting:
            request.fail(sentence)
        self._waiting.clear()

    # Calls

    def _dial_if_wanted(self) -> None:
        if not self._waiting or not self._backend or self._status.state is not ModemState.READY:
            return
        try:
            for status in self._backend.connect(self._status):
                self._set(status)
        except ConnectError as error:
            self._call_failed(error.sentence)
            return
        self._link_by = time.monotonic() + _LINK_TIMEOUT
        self._hear(self._backend)

    def _connected(self, interface: str) -> None:
        self._link_by = None
        self._failed_calls = 0
        self._enumerated = None
        name = self._status.operator or self._status.model
        detail = Sentence("Connected through {name}.", name=name)
        self._set(
            replace(self._status, state=ModemState.CONNECTED, detail=detail, interface=interface)
        )
        for request in self._waiting:
            request.reply(interface=interface)
        self._waiting.clear()

    def _call_failed(self, why: Sentence) -> None:
        """Tell who asked, and recover: by ATZ the first time, then by enumerating again."""
        self._link_by = None
        self._refuse_waiting(why)
        self._failed_calls += 1
        if self._backend is None or self._stick is None:
            return
        if self._failed_calls > 1 and self._enumerate_again(self._stick):
            detail = Sentence("The modem is restarting.")
            self._set(replace(self._status, state=ModemState.STARTING, detail=detail))
        else:
            self._hang_up(self._backend, reset=True)

    def _hang_up(self, backend: Backend, *, reset: bool = False) -> None:
        """Bring the modem back from a call, and publish how it is."""
        self._link_by = None
        try:
            backend.disconnect(reset=reset)
        except ModemError as error:
            self._start_over(error)
        else:
            self._identify(backend)

    # The status

    @property
    def _reason(self) -> Sentence:
        """Why there is no connection: the detail, which every status of this daemon has."""
        assert self._status.detail is not None
        return self._status.detail

    def _set(self, status: ModemStatus) -> None:
        if status != self._status:
            if status.state is not self._status.state:
                _log.info("%s: %s", status.state, status.detail)
            self._status = status
            status.publish()
        if status.state in (ModemState.NO_SIM, ModemState.PIN):
            self._refuse_waiting(self._reason)
