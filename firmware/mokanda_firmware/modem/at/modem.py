# SPDX-License-Identifier: Apache-2.0
"""A modem with serial ports: it is asked by AT commands, and carries calls of pppd."""

import logging
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import filterfalse
from typing import Final, Protocol

from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.modem import apn, inbox, kept_pin
from mokanda_firmware.modem.apn import AccessPoint
from mokanda_firmware.modem.at import codes, names, network, sending, sms, ussd
from mokanda_firmware.modem.at.conversation import QUICK, At
from mokanda_firmware.modem.at.ports import Ports
from mokanda_firmware.modem.at.refusals import AtError, AtTimeoutError
from mokanda_firmware.modem.at.sim import SimCard
from mokanda_firmware.modem.at.sms import Inbox
from mokanda_firmware.modem.backend import (
    Answer,
    CallError,
    Facts,
    Finding,
    ModemError,
    PinError,
)
from mokanda_firmware.modem.clock import Turns
from mokanda_firmware.modem.credit import Credit
from mokanda_firmware.modem.last_code import LastCode
from mokanda_firmware.modem.machine import Event
from mokanda_firmware.modem.recovery import Rung
from mokanda_firmware.modem.settings import Settings
from mokanda_firmware.modem.stick import Stick

_log = logging.getLogger(__name__)

_DIAL_TIMEOUT = 60.0  # seconds from ATD to CONNECT
_RADIO_OFF = 3.0  # seconds
_WORDS: Final = re.compile(
    r"(?:\+C?GM[IM]: *)?\"?(?!RING\b|NO CARRIER|OK$|BUSY|\d{10,}$)([^+^*%$\"][^\"]*)\"?",
    re.IGNORECASE,
)
_IMEI: Final = re.compile(r"(?:\+C?GSN: *)?\"?(\d{14,17})\"?", re.IGNORECASE)
_LOCKED: Final = {Event.PIN_ASKED: "PIN", Event.PUK_ASKED: "PUK"}
_SIM_CHANGES: Final = (*sms.ANNOUNCED, "+CPIN", "^SIMST", "+CREG", "+CGREG", "+CEREG")


class Call(Protocol):
    """What is needed of `call.Call`."""

    interface: str
    up: bool
    ended: bool

    def fileno(self) -> int: ...  # noqa: D102
    def read(self) -> None: ...  # noqa: D102
    def hang_up(self, timeout: float = 10) -> None: ...  # noqa: D102
    def traffic(self) -> tuple[int, int]: ...  # noqa: D102
    def reason(self) -> Sentence: ...  # noqa: D102
    @property
    def login_refused(self) -> bool: ...  # noqa: D102


class StartCall(Protocol):
    """Lets pppd work on a port on which the modem has dialled. Raises OSError."""

    def __call__(self, device: str, access_point: AccessPoint, *, carrier: bool) -> Call: ...  # noqa: D102


class AtModem:
    """The back-end of a stick with serial ports."""

    def __init__(self, stick: Stick, clock: Turns, start_call: StartCall, credit: Credit) -> None:
        self._stick = stick
        self._clock = clock
        self._start_call = start_call
        self._credit = credit
        self._ports = Ports(stick, clock)
        self._at: At | None = None
        self._sim: SimCard | None = None
        self._inbox: Inbox | None = None
        self._questions: ussd.Questions | None = None
        self._call: Call | None = None
        self._asking = ""  # the number of the card that asks for its PIN or PUK
        self._is_up = False  # whether `hear` has told so of the call
        self._last_code = LastCode(clock)
        self.menu_is_open = False
        self._turn = 0  # how many access points of this card have failed
        self._dialled: tuple[str, AccessPoint] | None = None  # with which IMSI
        self._name = ""  # of the network that was dialled
        self._traffic = (0, 0)  # of the last call

    def fileno(self) -> int | None:
        """Return the descriptor of the call, if there is one, else of the port."""
        if self._call is not None:
            return self._call.fileno()
        return None if self._at is None else self._at.fileno()

    def fits(self, stick: Stick) -> bool:
        """It does as long as the ports are the same: their numbers change from plug to plug."""
        return stick.ports == self._stick.ports

    # Asking

    def ask(self, facts: Facts, tell: Callable[[Facts], None]) -> Finding:
        """Ask for model and IMEI, then for the SIM card, then for the network."""
        try:
            return self._ask(facts, tell)
        except AtTimeoutError:
            self._close_port()  # another one may answer
            raise

    def _ask(self, facts: Facts, tell: Callable[[Facts], None]) -> Finding:
        if self._at is None:
            self._at = self._ports.open()
            self._sim = SimCard(self._at, self._clock)
            self._inbox = Inbox(self._at, self._clock, self._credit)
            self._questions = ussd.Questions(self._at)
            facts = _introduced(self._at, facts)
            tell(facts)
        assert self._sim is not None
        facts = facts._replace(interface="")
        trouble = self._sim.trouble()
        if trouble and trouble.event in _LOCKED:
            code = _LOCKED[trouble.event]
            self._asking = codes.card(self._at)
            tries = codes.tries_left(self._at, code)
            facts = facts._replace(tries=tries, asking=self._asking)
            if code == "PIN" and codes.give_kept(self._at, self._clock, facts.tries):
                trouble = self._sim.trouble()
        if trouble:
            if trouble.event not in _LOCKED:
                network.switch_on(self._at)
            return trouble._replace(facts=facts._replace(imsi="", operator="", signal=None))
        kept_pin.opened(partial(codes.card, self._at))
        facts = facts._replace(tries=None, asking="")
        imsi = self._sim.imsi()
        if isinstance(imsi, Finding):
            return imsi._replace(facts=facts._replace(imsi="", operator="", signal=None))
        if imsi != facts.imsi:
            self._turn = 0
            facts = facts._replace(imsi=imsi, apn="")
            tell(facts)
            network.watch(self._at)
        found = network.look(self._at, facts, roaming=Settings.read().roaming)
        if found.event is Event.SEARCHING:
            network.switch_on(self._at)
        if self._inbox is not None:
            names = inbox.names_of(imsi, found.facts.operator)
            found = found._replace(again=self._inbox.empty(names))
        return found

    def hear(self) -> Finding | Event | None:
        """Take in what the modem said by itself, or what became of the call."""
        if self._call is not None:
            return self._hear_call(self._call)
        lines = self._at.unsolicited() if self._at else []
        if lines:
            _log.info("modem: %s", ", ".join(filterfalse(sms.CONTENT.fullmatch, lines)))
        self._last_code.came(ussd.said(lines))
        if self._questions is not None and self._questions.hear(lines):
            self.menu_is_open = False  # it has had its time, or something else is said
        if self._inbox is not None:
            self._inbox.hear(lines)
        return Event.DUE if any(line.startswith(_SIM_CHANGES) for line in lines) else None

    def _hear_call(self, call: Call) -> Finding | None:
        call.read()
        if call.ended:
            self._over(call)
            if self._is_up:
                return Finding(Event.LINK_LOST, call.reason())
            self._failed()
            return Finding(Event.CALL_FAILED, call.reason(), login=call.login_refused)
        if call.up and not self._is_up:
            self._is_up = True
            self._worked()
            detail = Sentence("Connected through {name}.", name=self._name)
            return Finding(Event.LINK_UP, detail, Facts(interface=call.interface))
        return None

    def enter_pin(self, pin: str, *, keep: bool) -> None:
        """Give the SIM card its PIN."""
        if self._at is None:
            raise ModemError("no port is open")
        self._check_card(self._at)
        codes.enter(self._at, self._clock, pin, keep=keep)

    def unlock(self, puk: str, pin: str) -> None:
        """Give the SIM card its PUK, and a new PIN."""
        if self._at is None:
            raise ModemError("no port is open")
        self._check_card(self._at)
        codes.unlock(self._at, puk, pin)

    def _check_card(self, at: At) -> None:
        """Take no code for another card than the one that has asked: it would lose a try.

        A card that has told no number then, as some do at first, is the one in the modem.
        """
        if self._asking and codes.card(at) != self._asking:
            raise PinError(Sentence("The SIM card does not ask for that now."))

    def ask_network(self, code: str, *, leave: bool) -> Answer:
        """Ask the network by USSD, or answer its menu."""
        if self._questions is None:
            raise ModemError("no port is open")
        with self._last_code.asked(code):
            return self._questions.ask(code, leave=leave)

    def leave_menu(self) -> None:
        """Have a menu that waits wait no longer."""
        if self._questions is not None:
            self._questions.leave_menu()

    # Calling

    def dial(self, facts: Facts, tell: Callable[[Sentence, str], None]) -> None:
        """Dial the next access point of the SIM card's network, and let pppd work on the call."""
        assert self._at is not None
        access_points = apn.candidates(facts.imsi, Settings.read())
        access_point = access_points[self._turn % len(access_points)]
        self._dialled = (facts.imsi, access_point)
        self._is_up = False
        self._traffic = (0, 0)
        self._name = facts.operator or facts.model
        detail = Sentence("Dialling the access point {name}.", name=access_point.name)
        tell(detail, access_point.name)
        self.leave_menu()
        try:
            self._dial(self._at, access_point)
        except AtError as error:
            self._failed()
            self._ports.failed(self._at.path)
            raise CallError(
                Sentence("The mobile network did not take the call ({why}).", why=str(error))
            ) from error
        carrier = self._at.reports_carrier()
        try:
            self._call = self._start_call(self._at.path, access_point, carrier=carrier)
        except OSError as error:
            raise CallError(
                Sentence("The connection program pppd cannot be started ({why}).", why=str(error))
            ) from error

    def _dial(self, at: At, access_point: AccessPoint) -> None:
        try:
            at.command(f'AT+CGDCONT=1,"{access_point.protocol}","{access_point.name}"')
        except AtTimeoutError:
            raise
        except AtError:  # a modem older than version 6 of IP
            at.command(f'AT+CGDCONT=1,"IP","{access_point.name}"')
        try:
            at.dial("ATD*99***1#", timeout=_DIAL_TIMEOUT)
        except AtTimeoutError:
            raise
        except AtError as error:
            if str(error).upper() != "ERROR":
                raise
            at.dial("ATD*99#", timeout=_DIAL_TIMEOUT)  # what only the oldest know

    def send(self, text: str, number: str) -> None:
        """Send a text message to the network."""
        if self._at is None:
            raise ModemError("no port is open")
        sending.send(self._at, text, number)

    def hang_up(self) -> None:
        """End the call, and bring the modem back to commands."""
        if self._call is not None:
            self._call.hang_up()
            self._over(self._call)
            if not self._is_up:
                self._failed()
        if self._at is None:
            return
        try:
            self._at.synchronise(QUICK)
        except AtTimeoutError:
            try:
                self._at.escape()
            except AtError:
                self._close_port()
                raise

    def recover(self, rung: Rung) -> None:
        """Take a step of recovery; what goes through sysfs is not ours."""
        if self._at is None:
            return
        match rung:
            case Rung.SETTINGS:
                self._at.command("ATZ")
                self._at.synchronise()
            case Rung.RADIO:
                self._radio_off_and_on(self._at)
            case Rung.RESTART if codes.guards(self._at):
                self._radio_off_and_on(self._at)  # the card would ask for its PIN once more
            case Rung.RESTART:
                self._at.prefer("AT+CFUN=1,1")
                self._close_port()

    def _radio_off_and_on(self, at: At) -> None:
        at.command("AT+CFUN=4", timeout=15)
        self._clock.wait((), _RADIO_OFF)
        at.command("AT+CFUN=1", timeout=15)

    def close(self) -> None:
        """End the call, if there is one, and close the port."""
        if self._call is not None:
            self._call.hang_up(timeout=2)
            self._over(self._call)
        self._close_port()

    def _close_port(self) -> None:
        if self._at is not None:
            self._at.close()
        self._at = self._sim = self._questions = None

    def traffic(self) -> tuple[int, int]:
        """Return the bytes sent and received over the interface of the call, or the last one."""
        return self._traffic if self._call is None else self._call.traffic()

    def _over(self, call: Call) -> None:
        self._call = None
        self._traffic = call.traffic()

    def _failed(self) -> None:
        self._turn += 1

    def _worked(self) -> None:
        """Remember the access point with which a call came about."""
        assert self._dialled is not None
        imsi, access_point = self._dialled
        settings = Settings.read()
        if (settings.imsi, settings.worked) != (imsi, access_point.name):
            try:
                replace(settings, imsi=imsi, worked=access_point.name).keep()
            except OSError as error:
                _log.warning("the access point is not remembered: %s", error)


def _introduced(at: At, facts: Facts) -> Facts:
    """Have the modem say who it is, and what it is not to chatter about."""
    at.prefer("AT+CMEE=1")
    at.prefer("AT^CURC=0")  # Huawei
    said = (at.optional(command, _WORDS) for command in ("AT+CGMI", "AT+CGMM"))
    model = " ".join(names.readable(each[1]) for each in said if each)
    imei = at.optional("AT+CGSN", _IMEI)
    return facts._replace(model=model or facts.model, imei=imei[1] if imei else "")
