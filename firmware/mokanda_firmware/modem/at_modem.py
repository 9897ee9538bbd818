# SPDX-License-Identifier: Apache-2.0
"""A modem with a serial port: it is asked by AT commands, and carries calls of pppd."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from mokanda_firmware.bus.sentences import Sentence, SentenceError
from mokanda_firmware.bus.states import ModemState
from mokanda_firmware.bus.statuses import ModemStatus
from mokanda_firmware.modem import apn
from mokanda_firmware.modem.at import At, AtError, AtTimeoutError
from mokanda_firmware.modem.backend import (
    Connected,
    ConnectError,
    Disconnected,
    Event,
    NetworkChanged,
    SimChanged,
)
from mokanda_firmware.modem.call import Call
from mokanda_firmware.modem.sticks import Stick

_log = logging.getLogger(__name__)

_DIAL_TIMEOUT = 60.0  # seconds from ATD to CONNECT
_SIM_BUSY = 14  # +CME ERROR (3GPP TS 27.007, 9.2)


class _NotReadyError(SentenceError):
    """The SIM card cannot be used; the state to publish."""

    def __init__(self, state: ModemState, sentence: Sentence) -> None:
        super().__init__(sentence)
        self.state = state


class AtModem:
    """The back-end of a modem at whose port somebody answers AT."""

    def __init__(self, at: At, hook: Path) -> None:
        """`hook` is the script that pppd runs when the link is up."""
        self._at = at
        self._hook = hook
        self._call: Call | None = None
        self._is_up = False  # whether `hear` has told so of the call

    def fileno(self) -> int | None:
        """Return the descriptor of the call, if there is one, else of the port."""
        return self._at.fileno() if self._call is None else self._call.fileno()

    def fits(self, stick: Stick) -> bool:
        """It does as long as the stick is there."""
        return bool(stick.ports)

    def identify(self, status: ModemStatus) -> Iterator[ModemStatus]:
        """Ask for model and IMEI, then for the SIM card, then for the network."""
        at = self._at
        at.command("AT+CMEE=1")
        at.optional("AT^CURC=0")  # Huawei: no chatter that wakes us
        model = " ".join(filter(None, (at.optional("AT+CGMI"), at.optional("AT+CGMM"))))
        status = replace(status, model=model or status.model, imei=at.optional("AT+CGSN"))
        yield status
        try:
            _check_sim(at)
        except _NotReadyError as error:
            yield replace(status, state=error.state, detail=error.sentence)
            return
        status = replace(status, imsi=at.optional("AT+CIMI"))
        yield status
        for command in ("AT+CREG=1", "AT+CGREG=1"):  # tell us when it changes
            at.optional(command)
        yield self.search(status)

    def search(self, status: ModemStatus) -> ModemStatus:
        """Ask for registration, operator and signal."""
        at = self._at
        registered = any(
            _is_registered(at.optional(command)) for command in ("AT+CGREG?", "AT+CREG?")
        )
        at.optional("AT+COPS=3,0")  # the long name
        operator = _quoted_field(at.optional("AT+COPS?"), 2) if registered else ""
        signal = _percent(at.optional("AT+CSQ"))
        if not registered:
            state, detail = ModemState.NO_SIGNAL, Sentence("Searching for the mobile network.")
        elif operator:
            state, detail = ModemState.READY, Sentence("Ready on {network}.", network=operator)
        else:
            state, detail = ModemState.READY, Sentence("Ready.")
        return replace(
            status, state=state, detail=detail, operator=operator, signal=signal, interface=""
        )

    def hear(self) -> Event | None:
        """Take in what the modem said by itself, or what became of the call."""
        if self._call is not None:
            return self._hear_call(self._call)
        lines = self._at.unsolicited()
        if lines:
            _log.info("modem: %s", ", ".join(lines))
        if any(line.startswith(("+CPIN", "^SIMST")) for line in lines):
            return SimChanged()
        if any(line.startswith(("+CREG", "+CGREG")) for line in lines):
            return NetworkChanged()
        return None

    def _hear_call(self, call: Call) -> Event | None:
        call.read()
        if call.ended:
            self._call = None
            return Disconnected(call.reason())
        if call.up and not self._is_up:
            self._is_up = True
            return Connected(call.interface)
        return None

    def connect(self, status: ModemStatus) -> Iterator[ModemStatus]:
        """Dial the access point of the SIM card's network, and let pppd work on the call."""
        access_point = apn.find(status.imsi)
        detail = Sentence("Dialling the access point {name}.", name=access_point.name)
        yield replace(status, state=ModemState.DIALLING, detail=detail)
        try:
            self._at.command(f'AT+CGDCONT=1,"IP","{access_point.name}"')
            self._at.dial("ATD*99***1#", timeout=_DIAL_TIMEOUT)
        except AtError as error:
            raise ConnectError(
                Sentence("The mobile network did not take the call ({why}).", why=str(error))
            ) from error
        carrier = self._at.reports_carrier()
        self._is_up = False
        try:
            self._call = Call(self._at.path, access_point, carrier=carrier, hook=self._hook)
        except OSError as error:
            raise ConnectError(
                Sentence("The connection program pppd cannot be started ({why}).", why=str(error))
            ) from error

    def disconnect(self, *, reset: bool = False) -> None:
        """End the call, and bring the modem back to commands; `reset` it by ATZ."""
        if self._call is not None:
            self._call.hang_up()
            self._call = None
        try:
            self._at.synchronise()
        except AtTimeoutError:
            self._at.escape()
        if reset:
            _log.warning("recovery: ATZ")
            self._at.command("ATZ")
            self._at.synchronise()

    def close(self) -> None:
        """End the call, if there is one, and close the port."""
        if self._call is not None:
            self._call.hang_up(timeout=2)
            self._call = None
        self._at.close()


def find(stick: Stick, hook: Path) -> AtModem | None:
    """Try the ports of a stick; return what to talk with by the first that answers AT."""
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
            return AtModem(at, hook)
    return None


def _check_sim(at: At) -> None:
    """Raise _NotReadyError unless the SIM card can be used."""
    try:
        answer = at.value("AT+CPIN?", timeout=10)
    except AtTimeoutError:
        raise
    except AtError as error:
        if error.code == _SIM_BUSY:
            raise _NotReadyError(
                ModemState.STARTING, Sentence("The SIM card is starting.")
            ) from error
        _log.info("SIM card: %s", error)
        raise _NotReadyError(
            ModemState.NO_SIM, Sentence("There is no SIM card in the modem.")
        ) from error
    if answer == "READY":
        return
    if answer in ("SIM PIN", "SIM PUK"):
        detail = Sentence(
            "The SIM card asks for its {code}. Switch that off in a phone first.", code=answer[4:]
        )
        raise _NotReadyError(ModemState.PIN, detail)
    raise _NotReadyError(ModemState.PIN, Sentence("The SIM card is locked ({why}).", why=answer))


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
