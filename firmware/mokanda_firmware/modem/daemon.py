# SPDX-License-Identifier: Apache-2.0
"""The modem's daemon: one loop over udev, the modem, pppd and the other daemons' requests.

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
from mokanda_firmware.bus.sentences import Sentence, SentenceError
from mokanda_firmware.bus.states import ModemState
from mokanda_firmware.bus.statuses import ModemStatus
from mokanda_firmware.modem import apn
from mokanda_firmware.modem.at import At, AtError, AtTimeoutError
from mokanda_firmware.modem.call import HOOK, Call
from mokanda_firmware.modem.sticks import Stick

_log = logging.getLogger(__name__)

_CONNECT_TIMEOUT = 90.0  # seconds a connect may wait for the modem and the network
_DIAL_TIMEOUT = 60.0  # seconds from ATD to CONNECT
_LINK_TIMEOUT = 60.0  # seconds from CONNECT to an IP address
_MAX_START_TRIES = 10  # a stick may need half a minute after plugging until it answers
_START_PAUSE = 3.0
_FAULT_PAUSE = 600.0
_SEARCH_PAUSE = 5.0
_SIM_ABSENT = 10  # +CME ERROR codes (3GPP TS 27.007, 9.2)
_SIM_BUSY = 14
# Nothing but a person with the stick in hand makes a connection from here.
_NO_WAY = {ModemState.ABSENT, ModemState.NO_SIM, ModemState.PIN, ModemState.FAULT}


class Sticks(Protocol):
    """What the daemon needs of `sticks.Watch`."""

    def fileno(self) -> int: ...  # noqa: D102
    def drain(self) -> None: ...  # noqa: D102
    def sticks(self) -> list[Stick]: ...  # noqa: D102


_ABSENT = ModemStatus(ModemState.ABSENT, detail=Sentence("No modem is plugged in."))
_STARTING = ModemStatus(ModemState.STARTING, detail=Sentence("The modem is starting."))


class NotReadyError(SentenceError):
    """The SIM card cannot be used; the state to publish."""

    def __init__(self, state: ModemState, sentence: Sentence) -> None:
        super().__init__(sentence)
        self.state = state


class Daemon:
    """Watches the stick, keeps its state published, connects and disconnects."""

    def __init__(self, watch: Sticks, requests: Requests, hook: Path = HOOK) -> None:
        self._watch = watch
        self._requests = requests
        self._hook = hook
        self._stick: Stick | None = None
        self._at: At | None = None
        self._call: Call | None = None
        self._state = _ABSENT
        self._waiting: list[Request] = []  # connect requests not answered yet
        self._give_up_at = 0.0  # when the waiting ones are refused
        self._link_by = 0.0  # when a call that has no address yet is given up
        self._again_at: float | None = None  # when to look at the stick anew
        self._tries = 0
        self._failed_calls = 0
        self._enumerated: str | None = None  # the stick that was enumerated again already

    def run(self) -> None:
        """Serve until SystemExit."""
        self._state.publish()
        self._again_at = time.monotonic()  # look at once
        service.notify("READY=1")
        try:
            while True:
                self._wait()
                service.notify("WATCHDOG=1")
        finally:
            self._refuse_waiting(Sentence("The modem service is stopping."))
            if self._call is not None:
                self._call.hang_up()
            if self._at is not None:
                self._at.close()

    def _wait(self) -> None:
        """Wait for the next thing to happen and deal with it."""
        poller = select.poll()
        poller.register(self._watch.fileno(), select.POLLIN)
        poller.register(self._requests.fileno(), select.POLLIN)
        if self._call is not None:
            poller.register(self._call.fileno(), select.POLLIN)
        elif self._at is not None:
            poller.register(self._at.fileno(), select.POLLIN)
        ready = {descriptor for descriptor, _ in poller.poll(self._milliseconds())}
        try:
            if self._watch.fileno() in ready:
                self._watch.drain()
                self._look()  # what else was ready may be closed now: the next round tells
            elif self._call is not None and self._call.fileno() in ready:
                self._hear_call(self._call)
            elif self._at is not None and self._at.fileno() in ready:
                self._hear_modem(self._at)
            elif self._requests.fileno() in ready:
                request = self._requests.receive(0)
                if request is not None:
                    request.carry_out({"connect": self._connect, "disconnect": self._disconnect})
            self._keep_deadlines()
            self._dial_if_wanted()
        except OSError as error:
            self._lose(f"port: {error}")

    def _milliseconds(self) -> float | None:
        deadlines = [self._again_at] if self._again_at is not None else []
        if self._waiting:
            deadlines.append(self._give_up_at)
        if self._call is not None and not self._call.up:
            deadlines.append(self._link_by)
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
            if self._at is not None and self._waiting and self._state.state is ModemState.NO_SIGNAL:
                self._search(self._at)
        if self._call is not None and not self._call.up and now >= self._link_by:
            self._call.hang_up()
            self._call_ended(self._call)
        if self._waiting and self._call is None and now >= self._give_up_at:
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
        if self._stick is not None and self._at is None:
            self._start(self._stick)

    def _start(self, stick: Stick) -> None:
        """Find the port that answers, and learn about modem and SIM card."""
        if not stick.ports:
            if not self._state.interface:
                card = stick.cards[0]
                detail = Sentence("{model} is a network card.", model=stick.name)
                status = ModemStatus(ModemState.READY, detail=detail, model=stick.name)
                self._set(replace(status, interface=card))
            return
        for port in stick.ports:
            at = None
            try:
                at = At(port)
                at.synchronise()
            except (AtTimeoutError, OSError) as error:
                _log.info("%s: %s", port, error)
                if at is not None:
                    at.close()
            else:
                self._at = at
                self._identify(at)
                return
        self._start_later(Sentence("The modem does not answer. Pull it out and plug it in again."))

    def _start_later(self, fault: Sentence) -> None:
        """Start again in a moment; after many moments enumerate again; then it is a fault."""
        if self._at is not None:
            self._at.close()
            self._at = None
        self._tries += 1
        if self._tries < _MAX_START_TRIES or (self._stick and self._enumerate_again(self._stick)):
            self._again_at = time.monotonic() + _START_PAUSE
            self._set(replace(self._state, state=_STARTING.state, detail=_STARTING.detail))
        else:
            self._again_at = time.monotonic() + _FAULT_PAUSE
            self._refuse_waiting(fault)
            self._set(replace(self._state, state=ModemState.FAULT, detail=fault, signal=None))

    def _lose(self, reason: str) -> None:
        """Forget the stick: it is gone, or its port is. If it is there all the same, look again."""
        _log.info("the modem is gone (%s)", reason)
        if self._call is not None:
            self._call.hang_up(timeout=2)
            self._call = None
        if self._at is not None:
            self._at.close()
            self._at = None
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

    def _identify(self, at: At) -> None:
        """Ask what there is to know and publish it; a modem that falls silent is started again."""
        try:
            at.command("AT+CMEE=1")
            at.optional("AT^CURC=0")  # Huawei: no chatter that wakes us
            model = " ".join(filter(None, (at.optional("AT+CGMI"), at.optional("AT+CGMM"))))
            imei = at.optional("AT+CGSN")
            self._set(replace(self._state, model=model or self._state.model, imei=imei))
            try:
                _check_sim(at)
            except NotReadyError as error:
                self._set(replace(self._state, state=error.state, detail=error.sentence))
                if error.state is ModemState.STARTING:
                    self._start_later(
                        Sentence("The SIM card does not start. Take it out and put it back.")
                    )
                return
            self._set(replace(self._state, imsi=at.optional("AT+CIMI")))
            for command in ("AT+CREG=1", "AT+CGREG=1"):  # tell us when it changes
                at.optional(command)
            self._ask_network(at)
        except AtError as error:
            self._start_over(error)

    def _start_over(self, error: AtError) -> None:
        _log.warning("the modem does not answer as it should: %s", error)
        self._start_later(
            Sentence("The modem stopped answering. Pull it out and plug it in again.")
        )

    def _ask_network(self, at: At) -> None:
        """Publish registration, operator and signal."""
        registered = any(
            _is_registered(at.optional(command)) for command in ("AT+CGREG?", "AT+CREG?")
        )
        self._tries = 0
        at.optional("AT+COPS=3,0")  # the long name
        operator = _quoted_field(at.optional("AT+COPS?"), 2) if registered else ""
        signal = _percent(at.optional("AT+CSQ"))
        if registered:
            state = ModemState.READY
            detail = (
                Sentence("Ready on {network}.", network=operator)
                if operator
                else Sentence("Ready.")
            )
        else:
            state, detail = ModemState.NO_SIGNAL, Sentence("Searching for the mobile network.")
        self._set(
            replace(
                self._state,
                state=state,
                detail=detail,
                operator=operator,
                signal=signal,
                interface="",
            )
        )

    def _hear_modem(self, at: At) -> None:
        """Act on what the modem said by itself."""
        lines = at.unsolicited()
        if not lines:
            return
        _log.info("modem: %s", ", ".join(lines))
        if any(line.startswith(("+CPIN", "^SIMST")) for line in lines):
            self._identify(at)
        elif any(line.startswith(("+CREG", "+CGREG")) for line in lines) and self._state.imsi:
            self._search(at)

    def _search(self, at: At) -> None:
        """Ask for the network again; while somebody waits for it, do not rely on being told."""
        try:
            self._ask_network(at)
        except AtError as error:
            self._start_over(error)
        else:
            if self._waiting and self._state.state is ModemState.NO_SIGNAL:
                self._again_at = time.monotonic() + _SEARCH_PAUSE

    # Requests

    def _connect(self, request: Request) -> None:
        if self._state.state is ModemState.CONNECTED:
            request.reply(interface=self._state.interface)
        elif self._state.state in _NO_WAY:
            raise RequestError(self._reason)
        else:
            if not self._waiting:
                self._give_up_at = time.monotonic() + _CONNECT_TIMEOUT
                if self._again_at is None:
                    self._again_at = time.monotonic()
            self._waiting.append(request)

    def _disconnect(self, request: Request) -> None:
        self._refuse_waiting(Sentence("The connection was cancelled."))
        if self._call is not None and self._at is not None:
            self._call.hang_up()
            self._call = None
            self._command_mode(self._at)
        elif self._state.state is ModemState.CONNECTED:  # a network card
            self._set(replace(self._state, state=ModemState.READY))
        request.reply()

    def _refuse_waiting(self, sentence: Sentence) -> None:
        for request in self._waiting:
            request.fail(sentence)
        self._waiting.clear()

    # Calls

    def _dial_if_wanted(self) -> None:
        if not self._waiting or self._call is not None or self._state.state is not ModemState.READY:
            return
        if self._at is None:  # a network card dials by itself
            self._connected(self._state.interface)
            return
        access_point = apn.find(self._state.imsi)
        detail = Sentence("Dialling the access point {name}.", name=access_point.name)
        self._set(replace(self._state, state=ModemState.DIALLING, detail=detail))
        try:
            self._at.command(f'AT+CGDCONT=1,"IP","{access_point.name}"')
            self._at.dial("ATD*99***1#", timeout=_DIAL_TIMEOUT)
        except AtError as error:
            self._call_failed(
                Sentence("The mobile network did not take the call ({why}).", why=str(error))
            )
            return
        self._link_by = time.monotonic() + _LINK_TIMEOUT
        carrier = self._at.reports_carrier()
        try:
            self._call = Call(self._at.path, access_point, carrier=carrier, hook=self._hook)
        except OSError as error:
            self._call_failed(
                Sentence("The connection program pppd cannot be started ({why}).", why=str(error))
            )

    def _hear_call(self, call: Call) -> None:
        call.read()
        if call.ended:
            self._call_ended(call)
        elif call.up and self._state.state is ModemState.DIALLING:
            self._failed_calls = 0
            self._enumerated = None
            self._connected(call.interface)

    def _connected(self, interface: str) -> None:
        detail = Sentence(
            "Connected through {name}.", name=self._state.operator or self._state.model
        )
        self._set(
            replace(self._state, state=ModemState.CONNECTED, detail=detail, interface=interface)
        )
        for request in self._waiting:
            request.reply(interface=interface)
        self._waiting.clear()

    def _call_ended(self, call: Call) -> None:
        self._call = None
        _log.info("the call has ended: %s", call.reason())
        if self._state.state is ModemState.DIALLING:
            self._call_failed(call.reason())
        elif self._at is not None:
            self._command_mode(self._at)

    def _call_failed(self, sentence: Sentence) -> None:
        """Tell who asked, and recover: by ATZ the first time, then by enumerating again."""
        self._refuse_waiting(sentence)
        self._failed_calls += 1
        if self._at is None or self._stick is None:
            return
        if self._failed_calls > 1 and self._enumerate_again(self._stick):
            detail = Sentence("The modem is restarting.")
            self._set(replace(self._state, state=ModemState.STARTING, detail=detail))
        else:
            self._command_mode(self._at, reset=True)

    def _command_mode(self, at: At, *, reset: bool = False) -> None:
        """Bring the modem from a call back to commands, and publish how it is."""
        try:
            try:
                at.synchronise()
            except AtTimeoutError:
                at.escape()
            if reset:
                _log.warning("recovery: ATZ")
                at.command("ATZ")
                at.synchronise()
        except AtError as error:
            self._start_over(error)
        else:
            self._identify(at)

    # The status

    @property
    def _reason(self) -> Sentence:
        """Why there is no connection: the detail, which every status of this daemon has."""
        assert self._state.detail is not None
        return self._state.detail

    def _set(self, state: ModemStatus) -> None:
        if state != self._state:
            if state.state != self._state.state:
                _log.info("%s: %s", state.state, state.detail)
            self._state = state
            state.publish()
        if state.state in (ModemState.NO_SIM, ModemState.PIN):
            self._refuse_waiting(self._reason)


def _check_sim(at: At) -> None:
    """Raise NotReadyError unless the SIM card can be used."""
    try:
        answer = at.value("AT+CPIN?", timeout=10)
    except AtTimeoutError:
        raise
    except AtError as error:
        if error.code == _SIM_BUSY:
            raise NotReadyError(
                ModemState.STARTING, Sentence("The SIM card is starting.")
            ) from error
        _log.info("SIM card: %s", error)
        raise NotReadyError(
            ModemState.NO_SIM, Sentence("There is no SIM card in the modem.")
        ) from error
    if answer == "READY":
        return
    if answer in ("SIM PIN", "SIM PUK"):
        detail = Sentence(
            "The SIM card asks for its {code}. Switch that off in a phone first.", code=answer[4:]
        )
        raise NotReadyError(ModemState.PIN, detail)
    raise NotReadyError(ModemState.PIN, Sentence("The SIM card is locked ({why}).", why=answer))


def _is_registered(answer: str) -> bool:
    """Tell whether "<n>,<stat>[,...]" says registered, at home (1) or roaming (5)."""
    fields = answer.split(",")
    return len(fields) > 1 and fields[1].strip() in ("1", "5")


def _quoted_field(answer: str, index: int) -> str:
    fields = answer.split(",")
    return fields[index].strip().strip('"') if len(fields) > index else ""


def _percent(answer: str) -> int | None:
    """Return "<rssi>,<ber>" as percent: rssi goes from 0 (-113 dBm) to 31 (-51 dBm), 99 unknown."""
    level = answer.partition(",")[0].strip()
    if not level.isdecimal() or int(level) > 31:
        return None
    return round(int(level) * 100 / 31)
