# SPDX-License-Identifier: Apache-2.0
"""The modem's daemon: one loop over udev, the sticks' workers and the other daemons' requests.

Of several sticks the best is the modem: it is published, and it dials. Whatever takes time is done
by the workers, so that the loop waits for nothing but the next thing to happen.
"""

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final, Protocol

from mokanda_firmware.bus import service
from mokanda_firmware.bus.requests import Request, RequestError, Requests, UnavailableError
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.bus.states import ModemState
from mokanda_firmware.bus.statuses import ModemStatus, OtherModem
from mokanda_firmware.modem import last_rung, networks, ordering, orders
from mokanda_firmware.modem.allowance import Allowance
from mokanda_firmware.modem.at.modem import StartCall
from mokanda_firmware.modem.backend import Answer, UssdError
from mokanda_firmware.modem.backends import backend_of
from mokanda_firmware.modem.clock import Bell, Turns
from mokanda_firmware.modem.credit import Credit
from mokanda_firmware.modem.last_rung import LastRung
from mokanda_firmware.modem.machine import IN_CALL, PASSING
from mokanda_firmware.modem.modem import UNPLUGGED, Modem
from mokanda_firmware.modem.recovery import AWAY, Ladder
from mokanda_firmware.modem.settings import MAX_APN, MAX_CODE, MAX_LOGIN, Settings
from mokanda_firmware.modem.stick_clock import StickClock
from mokanda_firmware.modem.sticks import Stick
from mokanda_firmware.modem.worker import BUSY, Worker

_log = logging.getLogger(__name__)

_CONNECT_TIMEOUT = 90.0  # seconds a connect may wait for the modem and the network
_LOOK_PAUSE = 5.0  # seconds for which what was found is fresh enough for whoever looks
_LOOK_TIME = 3.0  # seconds after which who looks is answered by what is known
_ERRAND_TIME = 10.0  # seconds after which a modem that has found no time for a request is busy
_ORDER_TIME = 70.0  # seconds in which a modem is done with an order that it has begun
_HANG_UP_TIME = 20.0  # seconds that who ends a connection waits for its end
_END_TIME = 12.0  # seconds in which the calls end, when the daemon does, and then the workers
_MAX_STICKS = 8  # that are talked to; a hub has no more ports
_MOST_WAITING = 32  # requests for a connection; each holds a descriptor
_MAX_LADDERS = 32  # of sticks that were here
_BALANCE_PATIENCE = 120.0  # seconds after a mail run in which a modem may become ready again
_MAX_ZONE = 64  # characters of a time zone's name
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
        self, watch: Sticks, requests: Requests, clock: Turns, start_call: StartCall
    ) -> None:
        self._watch = watch
        self._requests = requests
        self._clock = clock
        self._bell = Bell()  # rung by the workers
        self._ends = False
        self._credit = Credit()
        self._make_backend = partial(backend_of, start_call=start_call, credit=self._credit)
        self._orders = orders.Counter()
        self._allowance = Allowance(clock)
        self._workers: dict[str, Worker] = {}  # by their sticks' paths in sysfs
        self._leaving: list[Worker] = []  # whose sticks have gone
        self._last_rung = LastRung(clock, last_rung.restart_device)
        self._ladders: dict[str, Ladder] = {}  # by path, of sticks that have gone too
        self._status = _ABSENT
        self._waiting: list[Request] = []  # connect requests not answered yet
        self._give_up_at = 0.0  # when the waiting ones are refused
        self._finishing: list[tuple[Request, float]] = []  # done when the workers are, or then
        self._balance_by = 0.0  # until when the balance is to be asked for
        self._zone = ""  # the village's, by which days are told

    def run(self) -> None:
        """Serve until `end`."""
        self._status.publish()
        self._look_around()
        service.notify("READY=1")
        try:
            while not self._ends:
                self._wait()
                service.notify("WATCHDOG=1")
        finally:
            self._refuse_waiting(Sentence("The modem service is stopping."))
            self._let_go()

    def end(self) -> None:
        """Have `run` return soon; may be called at any moment."""
        self._ends = True
        self._bell.ring()

    def _wait(self) -> None:
        """Wait for the next thing to happen and deal with it."""
        descriptors = {each.fileno() for each in (self._watch, self._requests, self._bell)}
        ready = self._clock.wait(descriptors, self._seconds())
        self._bell.silence()
        if self._watch.fileno() in ready:
            self._watch.drain()
            self._look_around()
        if self._requests.fileno() in ready:
            self._serve()
        for worker in (*self._workers.values(), *self._leaving):
            if worker.error is not None:
                raise worker.error
            worker.refuse_late()
        self._leaving = [each for each in self._leaving if not each.has_ended]
        self._serve_waiting()
        self._finish()
        self._ask_balance()
        self._publish()
        has_worked = any(ladder.has_worked for ladder in self._ladders.values())
        self._last_rung.tell(self._status.state, has_worked=has_worked)

    def _seconds(self) -> float | None:
        now = self._clock.now()
        deadlines = [at for each in self._workers.values() if (at := each.due_at()) is not None]
        deadlines += [by for _, by in self._finishing]
        if self._waiting and self._give_up_at > now:
            deadlines.append(self._give_up_at)
            if wait := self._allowance.wait():
                deadlines.append(now + wait)
        if (at := self._last_rung.due_at()) is not None:
            deadlines.append(at)
        if not self._workers and self._is_one_away():
            deadlines.append(now + AWAY)
        watchdog = service.watchdog_seconds()
        if watchdog is not None:
            deadlines.append(now + watchdog)
        return max(0.0, min(deadlines) - now) if deadlines else None

    def _let_go(self) -> None:
        """End the workers, and with them the call."""
        workers = [*self._workers.values(), *self._leaving]
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

    # The sticks

    def _look_around(self) -> None:
        """Compare what is plugged in with what we talk to."""
        sticks = {stick.path: stick for stick in self._watch.sticks()[:_MAX_STICKS]}
        for path in self._workers.keys() - sticks.keys():
            worker = self._workers.pop(path)
            _log.info("%s was unplugged", worker.modem.stick.name)
            worker.pull()
            self._leaving.append(worker)
        for path, stick in sticks.items():
            if path not in self._workers:
                self._take_up(stick)
            elif stick != (worker := self._workers[path]).modem.stick:
                worker.do(partial(worker.modem.looks_like, stick))
        self._publish()

    def _take_up(self, stick: Stick) -> None:
        _log.info("a stick is there: %s", stick)
        while len(self._ladders) >= _MAX_LADDERS:
            del self._ladders[next(iter(self._ladders))]
        ladder = self._ladders.setdefault(stick.path, Ladder(self._clock))

        def make_modem(clock: StickClock) -> Modem:
            make_backend = partial(self._make_backend, clock=clock)
            return Modem(stick, make_backend, clock, ladder, self._allowance, self._publish)

        worker = Worker(self._clock, make_modem, self._bell.ring)
        self._workers[stick.path] = worker
        worker.begin()
        if self._waiting:
            worker.do(worker.modem.want)

    def _is_one_away(self) -> bool:
        """Whether a stick is not there because we have had it enumerated again."""
        return any(ladder.is_away() for ladder in self._ladders.values())

    def _best_first(self) -> list[Worker]:
        """Return who has the modems, and whatever else shows as one if there is none but that."""
        proven = [each for each in self._workers.values() if each.modem.is_proven]

        def rank(worker: Worker) -> tuple[int, bool, int]:
            modem = worker.modem
            signal = modem.facts.signal or 0
            return _RANK.index(modem.state), modem.failure is not None, -signal

        return sorted(proven or self._workers.values(), key=rank)

    def _best(self) -> Worker | None:
        return next(iter(self._best_first()), None)

    def _plugged_in(self) -> Worker:
        """Return who has the best modem. Raises RequestError: there is none."""
        best = self._best()
        if best is None:
            raise RequestError(_NO_MODEM)
        return best

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
                    "order": self._order,
                    "sell": self._change_shop,
                    "balance": self._want_balance,
                    "configure_balance": self._configure_balance,
                }
            )

    def _connect(self, request: Request) -> None:
        wait, best = self._allowance.wait(), self._best()
        if best is not None and best.is_connected:
            request.reply(interface=best.modem.facts.interface)
        elif best is None and not self._is_one_away():
            raise RequestError(_NO_MODEM)
        elif wait and not self._waiting:
            raise RequestError(_held_back(wait, best.modem.failure if best else None))
        elif len(self._waiting) >= _MOST_WAITING:
            raise UnavailableError("too many wait for a connection")
        else:
            first = not self._waiting
            self._waiting.append(request)
            self._credit.relay_wanted()
            if first:
                self._give_up_at = self._clock.now() + _CONNECT_TIMEOUT
                for worker in self._workers.values():
                    worker.hurry()
                    worker.do(worker.modem.want)

    def _disconnect(self, request: Request) -> None:
        """End the connection; whoever had it tells whom it has `met`, if anybody."""
        best, met = self._best(), request.text("met", 20)
        if best is not None and best.modem.state is ModemState.CONNECTED:
            if met == "relay":
                self._credit.relay_reached(best.modem.facts.imsi)
            elif met == "stranger":
                self._credit.stranger_answered()
        self._refuse_waiting(Sentence("The connection was cancelled."))
        self._finishing.append((request, self._clock.now() + _HANG_UP_TIME))

    def _look(self, request: Request) -> None:
        """Somebody looks at how the modem is: have it asked, if that was not just now."""
        for worker in self._workers.values():
            if not worker.is_busy and self._clock.now() - worker.modem.asked_at >= _LOOK_PAUSE:
                worker.do(worker.modem.look)
        self._finishing.append((request, self._clock.now() + _LOOK_TIME))

    def _finish(self) -> None:
        """Answer who waits until the modems have done what was wanted of them."""
        if self._finishing:
            now, is_done = self._clock.now(), not self._is_one_busy()
            for request, by in self._finishing:
                if is_done or by <= now:
                    request.reply()
            self._finishing = [each for each in self._finishing if not is_done and each[1] > now]

    def _enter_pin(self, request: Request) -> None:
        """Give the SIM card the PIN that the keeper has typed."""
        pin, keep = request.text("pin", 8), request.flag("keep")
        worker = self._worker_that_asks(request, ModemState.PIN)
        self._have_answered(worker, request, lambda: worker.modem.enter_pin(pin, keep=keep))

    def _unlock(self, request: Request) -> None:
        """Give the SIM card the PUK and the new PIN that the keeper has typed."""
        puk, pin = request.text("puk", 8), request.text("pin", 8)
        worker = self._worker_that_asks(request, ModemState.PUK)
        self._have_answered(worker, request, lambda: worker.modem.unlock(puk, pin))

    def _ask_network(self, request: Request) -> None:
        """Ask the network a code such as *100#, or answer its menu."""
        best = self._plugged_in()
        modem, number = best.modem, request.count("number")
        code, zone = request.text("code", 40), request.text("zone", _MAX_ZONE)

        def ask_anew() -> Answer:
            card = modem.facts.imsi
            answer = modem.ask_network(code)
            if code == _balance_code(card, Settings.read()):
                self._credit.balance_told(answer, card, zone)
            return answer

        def ask() -> Mapping[str, object]:
            try:
                answer = self._orders.ask(number, code, ask_anew)
            finally:
                self._publish()
            return {"text": answer.text, "menu": answer.is_menu}

        best.answer(request, ask, self._errand_by(number))

    def _errand_by(self, number: int) -> float:
        """Return when an errand has to begin; a second tap waits for what comes of the first."""
        is_under_way = self._orders.has_taken(number)
        return self._clock.now() + (_ORDER_TIME if is_under_way else _ERRAND_TIME)

    def _order(self, request: Request) -> None:
        """Send the network an order: an offer, a voucher, or the answer to its menu."""
        best = self._plugged_in()
        modem, number = best.modem, request.count("number")

        def order() -> Mapping[str, object]:
            name, form = ordering.wanted(request, modem.facts.imsi)
            if request.is_abandoned():
                return {}
            if modem.state in IN_CALL:
                raise RequestError(BUSY)
            try:
                return {"text": self._orders.carry_out(number, name, form, modem).text}
            finally:
                self._publish()  # the next number: whoever is answered shows a form with it

        best.answer(request, order, self._errand_by(number))

    def _change_shop(self, request: Request) -> None:
        """Keep what the keeper notes of what a network sells."""
        ordering.change_shop(request)
        request.reply()

    def _want_balance(self, request: Request) -> None:
        """A mail run is over: have the network asked for the balance, when the modem can.

        Nobody waits for the answer, and whoever wants a connection goes first.
        """
        self._zone = request.text("zone", _MAX_ZONE)
        self._balance_by = self._clock.now() + _BALANCE_PATIENCE
        request.reply()

    def _ask_balance(self) -> None:
        """Have the balance asked for, if a mail run is over and nobody wants anything else."""
        if self._clock.now() >= self._balance_by:
            return
        others = self._clock.wait({self._requests.fileno()}, 0) or self._waiting
        best = self._best()
        if others or best is None or best.is_busy or best.modem.state is not ModemState.READY:
            return
        self._balance_by = 0.0
        best.do(partial(self._learn_balance, best.modem, self._zone))

    def _learn_balance(self, modem: Modem, zone: str) -> None:
        """Ask for the balance, if the keeper wants that: once a day."""
        settings, card = Settings.read(), modem.facts.imsi
        code = _balance_code(card, settings) if settings.balance_daily else ""
        if self._waiting or not (code and card and self._credit.begin_day(card, zone)):
            return
        try:
            answer = modem.ask_in_passing(code)
        except UssdError as error:
            _log.warning("the balance is not told: %s", error)
        else:
            if answer is not None:
                self._credit.balance_told(answer, card, zone)

    def _worker_that_asks(self, request: Request, state: ModemState) -> Worker:
        """Return the modem for whose card a code was typed: with its `imei`, if that is told."""
        imei = request.text("imei", 20)
        for worker in self._best_first():
            if worker.modem.state is state and imei in ("", worker.modem.facts.imei):
                return worker
        raise RequestError(Sentence("The SIM card does not ask for that now."))

    def _have_answered(self, worker: Worker, request: Request, act: Callable[[], None]) -> None:
        """Have a code given; one that was taken makes good what has failed for want of it."""

        def give() -> Mapping[str, object]:
            act()
            self._allowance.forgive()
            return {}

        worker.answer(request, give, self._clock.now() + _ERRAND_TIME)

    def _configure(self, request: Request) -> None:
        """Keep what the keeper has set, and try it."""
        settings = Settings.read().changed(
            apn=request.text("apn", MAX_APN),
            username=request.text("username", MAX_LOGIN),
            password=request.text("password", MAX_LOGIN),
            roaming=request.flag("roaming"),
        )
        _keep(settings)
        self._allowance.forgive()
        request.reply()
        for worker in self._workers.values():
            worker.do(worker.modem.look)

    def _configure_balance(self, request: Request) -> None:
        """Keep by which code the keeper has the balance asked for, and whether once a day."""
        _keep(
            replace(
                Settings.read(),
                balance_code=request.text("code", MAX_CODE),
                balance_daily=request.flag("daily"),
            )
        )
        request.reply()

    # Calls

    def _serve_waiting(self) -> None:
        """Dial for whoever waits, or say why there is no connection."""
        if self._waiting and all(each.is_abandoned() for each in self._waiting):
            self._refuse_waiting(Sentence("The connection was cancelled."))  # a call costs
        if not self._waiting:
            return
        best, is_late = self._best(), self._clock.now() >= self._give_up_at
        if best is None:
            if is_late or not self._is_one_away():
                self._refuse_waiting(UNPLUGGED)
        elif best.is_connected:
            for request in self._waiting:
                request.reply(interface=best.modem.facts.interface)
            self._waiting.clear()
        elif best.modem.state is ModemState.READY:
            if not best.is_busy:
                self._dial(best)
        elif best.modem.state is ModemState.DIALLING:
            pass
        elif is_late:
            why = best.modem.detail
            self._refuse_waiting(Sentence("The modem could not connect in time. {why}", why=why))
        elif best.modem.state not in PASSING and not self._is_one_busy():
            self._refuse_waiting(best.modem.detail)

    def _is_one_busy(self) -> bool:
        """Whether one of them may turn out to be better than it is."""
        return any(each.is_busy for each in self._best_first())

    def _dial(self, worker: Worker) -> None:
        """Dial, and after a call that failed the next access point, as long as there is time.

        A call may have to wait for a while.
        """
        wait = self._allowance.wait()
        is_late = self._clock.now() + wait >= self._give_up_at
        if is_late and (wait or worker.modem.failure):
            self._refuse_waiting(worker.modem.failure or _held_back(wait, None))
        elif not wait:
            worker.do(worker.modem.dial)

    def _refuse_waiting(self, sentence: Sentence) -> None:
        for request in self._waiting:
            request.fail(sentence)
        self._waiting.clear()
        for worker in self._workers.values():
            worker.unwant()

    # The status

    def _publish(self) -> None:
        """Publish how the best modem is, and that there are others."""
        modems = [each.modem for each in self._best_first()]
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
                next_order=self._orders.next_number,
                others=tuple(OtherModem(each.facts.model, each.state) for each in modems[1:]),
            )
        if status != self._status:
            self._status = status
            status.publish()


def _balance_code(imsi: str, settings: Settings) -> str:
    """Return the code that tells the balance: the keeper's, or else the network's; "" for none."""
    return settings.balance_code or networks.codes(imsi).balance


def _keep(settings: Settings) -> None:
    settings.check()
    try:
        settings.keep()
    except OSError as error:
        raise RequestError(
            Sentence("The device cannot keep this ({why}).", why=str(error))
        ) from error


def _held_back(wait: float, why: Sentence | None) -> Sentence:
    minutes = math.ceil(wait / 60)
    if why is None:
        return Sentence("The modem may dial again in {minutes} min.", minutes=minutes)
    return Sentence(
        "The last call has failed: {why} The modem may dial again in {minutes} min.",
        why=why,
        minutes=minutes,
    )
