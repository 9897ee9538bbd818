# SPDX-License-Identifier: Apache-2.0
"""The modem's daemon: one loop over udev, the sticks and the other daemons' requests.

Of several sticks the best is the modem: it is published, and it dials. Commands block the loop for
seconds at most; a call does not.
"""

import logging
import math
from functools import partial
from typing import Final, Protocol

from mokanda_firmware.bus import service
from mokanda_firmware.bus.requests import Request, RequestError, Requests, UnavailableError
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.bus.states import ModemState
from mokanda_firmware.bus.statuses import ModemStatus, OtherModem
from mokanda_firmware.modem import networks
from mokanda_firmware.modem.allowance import Allowance
from mokanda_firmware.modem.at.modem import StartCall
from mokanda_firmware.modem.backends import backend_of
from mokanda_firmware.modem.clock import Clock
from mokanda_firmware.modem.credit import Credit
from mokanda_firmware.modem.machine import PASSING
from mokanda_firmware.modem.modem import Modem
from mokanda_firmware.modem.recovery import AWAY, Ladder
from mokanda_firmware.modem.settings import MAX_APN, MAX_LOGIN, Settings
from mokanda_firmware.modem.sticks import Stick

_log = logging.getLogger(__name__)

_CONNECT_TIMEOUT = 90.0  # seconds a connect may wait for the modem and the network
_LOOK_PAUSE = 5.0  # seconds for which what was found is fresh enough for whoever looks
_MAX_STICKS = 8  # that are talked to; a hub has no more ports
_MOST_WAITING = 32  # requests for a connection; each holds a descriptor
_MAX_LADDERS = 32  # of sticks that were here
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
_NO_MODEM: Final = Sentence("No modem is plugged in.")
_ABSENT: Final = ModemStatus(ModemState.ABSENT, detail=_NO_MODEM)
_RESTARTING: Final = ModemStatus(ModemState.STARTING, detail=Sentence("The modem is restarting."))


class Sticks(Protocol):
    """What the daemon needs of `sticks.Watch`."""

    def fileno(self) -> int: ...  # noqa: D102
    def drain(self) -> None: ...  # noqa: D102
    def sticks(self) -> list[Stick]: ...  # noqa: D102


class Daemon:
    """Watches the sticks, keeps the best one's state published, connects and disconnects."""

    def __init__(
        self, watch: Sticks, requests: Requests, clock: Clock, start_call: StartCall
    ) -> None:
        self._watch = watch
        self._requests = requests
        self._clock = clock
        self._credit = Credit()
        self._make_backend = partial(
            backend_of, clock=clock, start_call=start_call, credit=self._credit
        )
        self._allowance = Allowance(clock)
        self._modems: dict[str, Modem] = {}  # by their paths in sysfs
        self._ladders: dict[str, Ladder] = {}  # likewise, of sticks that have gone too
        self._status = _ABSENT
        self._waiting: list[Request] = []  # connect requests not answered yet
        self._give_up_at = 0.0  # when the waiting ones are refused

    def run(self) -> None:
        """Serve until SystemExit."""
        self._status.publish()
        self._look_around()
        service.notify("READY=1")
        try:
            while True:
                self._wait()
                service.notify("WATCHDOG=1")
        finally:
            self._refuse_waiting(Sentence("The modem service is stopping."))
            for modem in self._modems.values():
                modem.unplugged()

    def _wait(self) -> None:
        """Wait for the next thing to happen and deal with it."""
        heard = {modem.fileno(): modem for modem in self._modems.values()}
        heard.pop(None, None)
        descriptors = {self._watch.fileno(), self._requests.fileno()}
        descriptors |= {each for each in heard if each is not None}
        ready = self._clock.wait(descriptors, self._seconds())
        if self._watch.fileno() in ready:
            self._watch.drain()
            self._look_around()  # what else was ready may be closed now: the next round tells
        else:
            for descriptor, modem in heard.items():
                if descriptor in ready:
                    modem.hear()
            if self._requests.fileno() in ready:
                self._serve()
        for modem in self._modems.values():
            modem.keep_deadline()
        self._serve_waiting()
        self._publish()

    def _seconds(self) -> float | None:
        deadlines = [at for modem in self._modems.values() if (at := modem.due_at()) is not None]
        if self._waiting and self._give_up_at > self._clock.now():
            deadlines.append(self._give_up_at)
            if wait := self._allowance.wait():
                deadlines.append(self._clock.now() + wait)
        if not self._modems and self._is_one_away():
            deadlines.append(self._clock.now() + AWAY)
        watchdog = service.watchdog_seconds()
        if watchdog is not None:
            deadlines.append(self._clock.now() + watchdog)
        return max(0.0, min(deadlines) - self._clock.now()) if deadlines else None

    # The sticks

    def _look_around(self) -> None:
        """Compare what is plugged in with what we talk to."""
        sticks = {stick.path: stick for stick in self._watch.sticks()[:_MAX_STICKS]}
        for path in self._modems.keys() - sticks.keys():
            _log.info("%s was unplugged", self._modems[path].stick.name)
            self._modems.pop(path).unplugged()
        for path, stick in sticks.items():
            if path in self._modems:
                self._modems[path].looks_like(stick)
            else:
                self._take_up(stick)
        self._publish()

    def _take_up(self, stick: Stick) -> None:
        _log.info("a stick is there: %s", stick)
        while len(self._ladders) >= _MAX_LADDERS:
            del self._ladders[next(iter(self._ladders))]
        ladder = self._ladders.setdefault(stick.path, Ladder(self._clock))
        modem = Modem(
            stick, self._make_backend, self._clock, ladder, self._allowance, self._publish
        )
        self._modems[stick.path] = modem
        modem.plugged()
        if self._waiting:
            modem.want()

    def _is_one_away(self) -> bool:
        """Whether a stick is not there because we have had it enumerated again."""
        return any(ladder.is_away() for ladder in self._ladders.values())

    def _best_first(self) -> list[Modem]:
        """Return the modems, and whatever else shows as one if there is none but that."""
        proven = [each for each in self._modems.values() if each.is_proven]
        return sorted(
            proven or self._modems.values(),
            key=lambda each: (
                _RANK.index(each.state),
                each.failure is not None,
                -(each.facts.signal or 0),
            ),
        )

    def _best(self) -> Modem | None:
        return next(iter(self._best_first()), None)

    # Requests

    def _serve(self) -> None:
        request = self._requests.receive(0)
        if request is not None:
            request.carry_out(
                {
                    "connect": self._connect,
                    "disconnect": self._disconnect,
                    "look": self._look,
                    "configure": self._configure,
                    "pin": self._enter_pin,
                    "puk": self._unlock,
                    "ussd": self._ask_network,
                }
            )

    def _connect(self, request: Request) -> None:
        wait, best = self._allowance.wait(), self._best()
        if best is not None and best.state is ModemState.CONNECTED:
            request.reply(interface=best.facts.interface)
        elif best is None and not self._is_one_away():
            raise RequestError(_NO_MODEM)
        elif wait and not self._waiting:
            raise RequestError(_held_back(wait, best.failure if best else None))
        elif len(self._waiting) >= _MOST_WAITING:
            raise UnavailableError("too many wait for a connection")
        else:
            first = not self._waiting
            self._waiting.append(request)
            if first:
                self._give_up_at = self._clock.now() + _CONNECT_TIMEOUT
                for modem in self._modems.values():
                    modem.want()

    def _disconnect(self, request: Request) -> None:
        """End the connection; whoever had it tells whom it has `met`, if anybody."""
        best, met = self._best(), request.text("met", 20)
        if best is not None and best.state is ModemState.CONNECTED:
            if met == "relay":
                self._credit.relay_reached()
            elif met == "stranger":
                self._credit.stranger_answered()
        self._refuse_waiting(Sentence("The connection was cancelled."))
        request.reply()

    def _look(self, request: Request) -> None:
        """Somebody looks at how the modem is: have it asked, if that was not just now."""
        for modem in self._modems.values():
            if self._clock.now() - modem.asked_at >= _LOOK_PAUSE:
                modem.look()
        request.reply()

    def _enter_pin(self, request: Request) -> None:
        """Give the SIM card the PIN that the keeper has typed."""
        keep = request.flag("keep")
        self._modem_that_asks(request, ModemState.PIN).enter_pin(request.text("pin", 8), keep=keep)
        self._allowance.forgive()
        request.reply()

    def _unlock(self, request: Request) -> None:
        """Give the SIM card the PUK and the new PIN that the keeper has typed."""
        puk, pin = request.text("puk", 8), request.text("pin", 8)
        self._modem_that_asks(request, ModemState.PUK).unlock(puk, pin)
        self._allowance.forgive()
        request.reply()

    def _ask_network(self, request: Request) -> None:
        """Ask the network a code such as *100#, or answer its menu."""
        best = self._best()
        if best is None:
            raise RequestError(_NO_MODEM)
        code = request.text("code", 40)
        answer = best.ask_network(code)
        if code == networks.codes(best.facts.imsi).balance:
            self._credit.balance_told(answer.text)
        request.reply(text=answer.text, menu=answer.is_menu)

    def _modem_that_asks(self, request: Request, state: ModemState) -> Modem:
        """Return the modem for whose card a code was typed: with its `imei`, if that is told."""
        imei = request.text("imei", 20)
        for modem in self._best_first():
            if modem.state is state and imei in ("", modem.facts.imei):
                return modem
        raise RequestError(Sentence("The SIM card does not ask for that now."))

    def _configure(self, request: Request) -> None:
        """Keep what the keeper has set, and try it."""
        settings = Settings.read().changed(
            apn=request.text("apn", MAX_APN),
            username=request.text("username", MAX_LOGIN),
            password=request.text("password", MAX_LOGIN),
            roaming=request.flag("roaming"),
        )
        settings.check()
        try:
            settings.keep()
        except OSError as error:
            raise RequestError(
                Sentence("The device cannot keep this ({why}).", why=str(error))
            ) from error
        self._allowance.forgive()
        request.reply()
        for modem in self._modems.values():
            modem.look()

    # Calls

    def _serve_waiting(self) -> None:
        """Dial for whoever waits, or say why there is no connection."""
        if self._waiting and all(each.is_abandoned() for each in self._waiting):
            self._refuse_waiting(Sentence("The connection was cancelled."))  # a call costs
        while self._waiting and (best := self._best()) and best.state is ModemState.READY:
            if not self._dial(best):
                return
        if not self._waiting:
            return
        is_late = self._clock.now() >= self._give_up_at
        if best is None:
            if is_late or not self._is_one_away():
                self._refuse_waiting(Sentence("The modem was unplugged."))
        elif best.state is ModemState.CONNECTED:
            for request in self._waiting:
                request.reply(interface=best.facts.interface)
            self._waiting.clear()
        elif best.state is ModemState.DIALLING:
            pass
        elif best.state not in PASSING:
            self._refuse_waiting(best.detail)
        elif is_late:
            why = best.detail
            self._refuse_waiting(Sentence("The modem could not connect in time. {why}", why=why))

    def _dial(self, modem: Modem) -> bool:
        """Dial, and after a call that failed the next access point, as long as there is time.

        Return whether there was something to do: a call may have to wait for a while.
        """
        wait = self._allowance.wait()
        is_late = self._clock.now() + wait >= self._give_up_at
        if is_late and (wait or modem.failure):
            self._refuse_waiting(modem.failure or _held_back(wait, None))
        elif wait:
            return False
        else:
            modem.dial()
        return True

    def _refuse_waiting(self, sentence: Sentence) -> None:
        for request in self._waiting:
            request.fail(sentence)
        self._waiting.clear()
        for modem in self._modems.values():
            modem.unwant()

    # The status

    def _publish(self) -> None:
        """Publish how the best modem is, and that there are others."""
        modems = self._best_first()
        if not modems:
            status = _RESTARTING if self._is_one_away() else _ABSENT
        else:
            best = modems[0]
            facts = best.facts
            status = ModemStatus(
                best.state,
                detail=best.detail,
                model=facts.model,
                imei=facts.imei,
                imsi=facts.imsi,
                operator=facts.operator,
                signal=facts.signal,
                apn=facts.apn,
                interface=facts.interface,
                tries=facts.tries,
                no_credit=self._credit.sign,
                others=tuple(OtherModem(each.facts.model, each.state) for each in modems[1:]),
            )
        if status != self._status:
            self._status = status
            status.publish()


def _held_back(wait: float, why: Sentence | None) -> Sentence:
    minutes = math.ceil(wait / 60)
    if why is None:
        return Sentence("The modem may dial again in {minutes} min.", minutes=minutes)
    return Sentence(
        "The last call has failed: {why} The modem may dial again in {minutes} min.",
        why=why,
        minutes=minutes,
    )
