# SPDX-License-Identifier: Apache-2.0
"""The modem's daemon: one loop over udev, the sticks' workers and the other daemons' requests.

Of several sticks the best is the modem: it is published, and it dials. Whatever takes time is done
by the workers, so that the loop waits for nothing but the next thing to happen.
"""

from functools import partial
from typing import Final, Protocol

from mokanda_firmware.bus import service
from mokanda_firmware.bus.requests import Requests
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.bus.states import ModemState
from mokanda_firmware.bus.statuses import ModemStatus, OtherModem
from mokanda_firmware.modem import calls, last_rung
from mokanda_firmware.modem.allowance import Allowance
from mokanda_firmware.modem.at.modem import StartCall
from mokanda_firmware.modem.backends import backend_of
from mokanda_firmware.modem.clock import Bell, Turns
from mokanda_firmware.modem.credit import Credit
from mokanda_firmware.modem.last_rung import LastRung
from mokanda_firmware.modem.modem import Modem
from mokanda_firmware.modem.orders import Counter
from mokanda_firmware.modem.recovery import Ladder
from mokanda_firmware.modem.stick import Stick
from mokanda_firmware.modem.stick_clock import StickClock
from mokanda_firmware.modem.verbs.balance import Balance
from mokanda_firmware.modem.verbs.connecting import Connecting
from mokanda_firmware.modem.verbs.network import Network
from mokanda_firmware.modem.verbs.ordering import change_shop
from mokanda_firmware.modem.verbs.settings import Configuring, configure_balance
from mokanda_firmware.modem.verbs.unlocking import Unlocking
from mokanda_firmware.modem.workers import NO_MODEM, Workers

_ABSENT: Final = ModemStatus(ModemState.ABSENT, detail=NO_MODEM)
_LOCKED: Final = (ModemState.PIN, ModemState.PUK)
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
        self._start_call = start_call
        self._bell = Bell()  # rung by the workers
        self._ends = False
        self._status = _ABSENT
        self._asking = ""  # the number of the card that asks for its code
        self._credit = Credit()
        self._allowance = Allowance(clock)
        self._last_rung = LastRung(clock, last_rung.restart_device)
        self._workers = Workers(clock, self._make_modem, self._bell)
        self._connecting = Connecting(clock, self._workers, self._allowance, self._credit)
        self._balance = Balance(clock, self._workers, self._connecting, self._credit)
        self._counter = Counter()
        self._network = Network(self._workers, self._balance, self._counter, self._publish)
        unlocking = Unlocking(self._workers, self._allowance, self._counter, self._publish)
        self._verbs = {
            "connect": self._connecting.connect,
            "disconnect": self._connecting.disconnect,
            "look": self._workers.look,
            "configure": Configuring(self._workers, self._allowance).configure,
            "pin": unlocking.enter_pin,
            "puk": unlocking.unlock,
            "ussd": self._network.ask,
            "order": self._network.order,
            "sell": change_shop,
            "balance": self._balance.want,
            "configure_balance": configure_balance,
        }

    def _make_modem(self, stick: Stick, clock: StickClock, ladder: Ladder) -> Modem:
        make_backend = partial(
            backend_of, clock=clock, start_call=self._start_call, credit=self._credit
        )
        return Modem(stick, make_backend, clock, ladder, self._allowance, self._publish)

    def run(self) -> None:
        """Serve until `end`."""
        calls.end_noted()
        self._status.publish()
        self._look_around()
        service.ready("modem")
        try:
            while not self._ends:
                self._wait()
                service.notify("WATCHDOG=1")
        finally:
            self._connecting.refuse(Sentence("The modem service is stopping."))
            self._workers.end()

    def end(self) -> None:
        """Have `run` return soon; may be called at any moment."""
        self._ends = True
        self._bell.ring()

    def _wait(self) -> None:
        """Wait for the next thing to happen and deal with it."""
        descriptors = {each.fileno() for each in (self._watch, self._requests, self._bell)}
        descriptors |= self._connecting.descriptors()
        ready = self._clock.wait(descriptors, self._seconds())
        self._bell.silence()
        if self._watch.fileno() in ready:
            self._watch.drain()
            self._look_around()
        if self._requests.fileno() in ready:
            self._serve()
        self._workers.look_after()
        self._connecting.serve()
        self._workers.reply_to_awaiting()
        if self._balance.is_due() and not self._clock.wait({self._requests.fileno()}, 0):
            self._balance.ask()
        self._publish()
        self._last_rung.tell(self._status.state, has_worked=self._workers.has_one_worked)

    def _seconds(self) -> float | None:
        now, watchdog = self._clock.now(), service.watchdog_seconds()
        parts = (self._workers, self._connecting, self._last_rung)
        deadlines = [at for each in parts if (at := each.due_at()) is not None]
        if watchdog is not None:
            deadlines.append(now + watchdog)
        return max(0.0, min(deadlines) - now) if deadlines else None

    def _look_around(self) -> None:
        """Compare what is plugged in with what we talk to."""
        self._workers.meet(self._watch.sticks(), are_wanted=self._connecting.is_wanted)
        self._publish()

    def _serve(self) -> None:
        request = self._requests.receive(0)
        if request is not None:
            request.carry_out(self._verbs)

    def _publish(self) -> None:
        """Publish how the best modem is, and that there are others."""
        modems = [each.modem for each in self._workers.best_first()]
        if not modems:
            status = _RESTARTING if self._workers.has_one_away else _ABSENT
        else:
            best = modems[0]
            facts = best.facts
            if best.state in _LOCKED and self._is_another(best.state, facts.asking):
                self._counter.draw()  # what was typed was for a card that may have gone
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
                next_order=self._counter.next_number,
                open_menu=self._network.open_menu,
                others=tuple(OtherModem(each.facts.model, each.state) for each in modems[1:]),
            )
        if status != self._status:
            self._status = status
            status.publish()

    def _is_another(self, state: ModemState, card: str) -> bool:
        """Whether the card that asks for its code may be another one than did before."""
        if state is not self._status.state:
            self._asking = card
            return True
        before, self._asking = self._asking, card or self._asking  # some tell their number late
        return bool(before and card) and card != before
