# SPDX-License-Identifier: Apache-2.0
"""Connections for the other daemons: who waits for one, and that it is dialled."""

import math
from typing import Final

from mokanda_firmware.bus.requests import Request, RequestError, UnavailableError
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.bus.states import ModemState
from mokanda_firmware.modem.allowance import Allowance
from mokanda_firmware.modem.call_account import UNPLUGGED
from mokanda_firmware.modem.clock import Clock
from mokanda_firmware.modem.credit import Credit
from mokanda_firmware.modem.machine import PASSING
from mokanda_firmware.modem.worker import Worker
from mokanda_firmware.modem.workers import NO_MODEM, Workers

_CONNECT_TIMEOUT = 90.0  # seconds a connect may wait for the modem and the network
_HANG_UP_TIME = 20.0  # seconds that who ends a connection waits for its end
_MOST = 32  # requests for a connection that wait or hold one; each takes a descriptor
_CANCELLED: Final = Sentence("The connection was cancelled.")


class Connecting:
    """Whoever waits gets the best modem's connection, or is told why there is none."""

    def __init__(
        self, clock: Clock, workers: Workers, allowance: Allowance, credit: Credit
    ) -> None:
        self._clock = clock
        self._workers = workers
        self._allowance = allowance
        self._credit = credit
        self._waiting: list[Request] = []  # not answered yet
        self._give_up_at = 0.0  # when they are refused
        self._holding: list[Request] = []  # whose connection it is, as long as they are there

    @property
    def is_wanted(self) -> bool:
        """Whether somebody waits for a connection."""
        return bool(self._waiting)

    def connect(self, request: Request) -> None:
        """Answer with the connection's interface, once there is one.

        Who is to be `held` has it until it disconnects or goes; others until somebody disconnects.
        """
        request.flag("held")  # is one
        wait, best = self._allowance.wait(), self._workers.best()
        if len(self._waiting) + len(self._holding) >= _MOST:
            raise UnavailableError("too many wait for a connection")
        if best is not None and best.is_connected:
            self._give(request, best)
        elif best is None and not self._workers.has_one_away:
            raise RequestError(NO_MODEM)
        elif wait and not self._waiting:
            raise RequestError(_held_back(wait, best.modem.calls.failure if best else None))
        else:
            first = not self._waiting
            self._waiting.append(request)
            self._credit.relay_wanted()
            if first:
                self._give_up_at = self._clock.now() + _CONNECT_TIMEOUT
                for worker in self._workers:
                    worker.hurry()
                    worker.do(worker.modem.want)

    def disconnect(self, request: Request) -> None:
        """End the connection; whoever had it tells whom it has `met`, if anybody."""
        best, met = self._workers.best(), request.text("met", 20)
        if best is not None and best.modem.state is ModemState.CONNECTED:
            if met == "relay":
                self._credit.relay_reached(best.modem.facts.imsi)
            elif met == "stranger":
                self._credit.stranger_answered()
        self.refuse(_CANCELLED)
        self._workers.reply_when_done(request, _HANG_UP_TIME)

    def refuse(self, why: Sentence) -> None:
        """Tell all who wait that there is no connection, and let none come about or last."""
        for request in self._waiting:
            request.fail(why)
        self._waiting.clear()
        for request in self._holding:
            request.drop()
        self._holding.clear()
        for worker in self._workers:
            worker.unwant()

    def descriptors(self) -> set[int]:
        """Return what becomes readable when somebody has gone, and `serve` has something to do."""
        return {each.fileno() for each in (*self._waiting, *self._holding)}

    def due_at(self) -> float | None:
        """Return when `serve` has something to do."""
        now = self._clock.now()
        if not self._waiting or self._give_up_at <= now:
            return None
        wait = self._allowance.wait()
        return min(self._give_up_at, now + wait) if wait else self._give_up_at

    def serve(self) -> None:
        """Dial for whoever waits, or say why there is no connection."""
        self._let_go()
        if not self._waiting:
            return
        best, is_late = self._workers.best(), self._clock.now() >= self._give_up_at
        if best is None:
            if is_late or not self._workers.has_one_away:
                self.refuse(UNPLUGGED)
        elif best.is_connected:
            for request in self._waiting:
                self._give(request, best)
            self._waiting.clear()
        elif best.modem.state is ModemState.READY:
            if not best.is_busy:
                self._dial(best)
        elif best.modem.state is ModemState.DIALLING:
            pass
        elif is_late:
            why = best.modem.detail
            self.refuse(Sentence("The modem could not connect in time. {why}", why=why))
        elif best.modem.state not in PASSING and not self._workers.has_one_busy:
            self.refuse(best.modem.detail)

    def _give(self, request: Request, worker: Worker) -> None:
        interface = worker.modem.facts.interface
        if request.flag("held"):
            request.reply_and_stay(interface=interface)
            self._holding.append(request)
        else:
            request.reply(interface=interface)

    def _let_go(self) -> None:
        """End a call, which costs, once all who wanted it have gone without a word."""
        gone = [each for each in (*self._waiting, *self._holding) if each.is_abandoned()]
        for request in gone:
            request.drop()
        self._waiting = [each for each in self._waiting if each not in gone]
        self._holding = [each for each in self._holding if each not in gone]
        if gone and not self._waiting and not self._holding:
            self.refuse(_CANCELLED)

    def _dial(self, worker: Worker) -> None:
        """Dial, and after a call that failed the next access point, as long as there is time.

        A call may have to wait for a while.
        """
        wait = self._allowance.wait()
        is_late = self._clock.now() + wait >= self._give_up_at
        if is_late and (wait or worker.modem.calls.failure):
            self.refuse(worker.modem.calls.failure or _held_back(wait, None))
        elif not wait:
            worker.do(worker.modem.dial)


def _held_back(wait: float, why: Sentence | None) -> Sentence:
    minutes = math.ceil(wait / 60)
    if why is None:
        return Sentence("The modem may dial again in {minutes} min.", minutes=minutes)
    return Sentence(
        "The last call has failed: {why} The modem may dial again in {minutes} min.",
        why=why,
        minutes=minutes,
    )
