# SPDX-License-Identifier: Apache-2.0
"""A USB stick like Huawei's E303: AT commands, and after `ATD*99#` a PPP link to a mobile network.

It speaks over any stream of bytes: the socket of an emulated USB serial port (connecting it is what
plugs the stick in), or a pseudo-terminal for tests without a board. Tests set its attributes while
it runs. Alone, on a pseudo-terminal whose name it prints:

    python -m tests.stand_ins.modem
"""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import socket
import threading
import time
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from tests.stand_ins import septets
from tests.stand_ins.mobile_network import MobileNetwork
from tests.stand_ins.ppp import Peer

OK, ERROR, NO_CARRIER = "OK", "ERROR", "NO CARRIER"
SIM_NOT_INSERTED, SIM_PIN_REQUIRED, INCORRECT_PASSWORD = 10, 11, 16
CME_TEXTS: Final = {
    SIM_NOT_INSERTED: "SIM not inserted",
    SIM_PIN_REQUIRED: "SIM PIN required",
    INCORRECT_PASSWORD: "incorrect password",
}
REGISTERED, SEARCHING, NOT_REGISTERED = 1, 2, 0
SILENCE: Final = ""
_SEND, _CANCEL = 0x1A, 0x1B


class CmeError(Exception):
    """A refusal with a number of 3GPP TS 27.007, section 9.2."""


class Modem:
    """One stick. Set an attribute to change its world; the next question gets the new answer.

    Attributes:
        sim: "ready", "absent", "pin" (which waits for `pin`) or "puk" (for `puk`).
        tries: how many wrong PINs make it ask for its PUK.
        signal: 0 to 31 as in +CSQ, 99 for none; none also ends the registration.
        faults: start of a command -> what to answer instead; `SILENCE` for nothing at all.
        raw: likewise, the bytes to answer, with {line ends and all}, as they are.
        credit: bytes of IP that are paid for: then the call ends, and there is none; None for all.
        messages: the SIM card's, as PDUs in hexadecimal digits, by their places.
        memories: where messages lie instead, by its two letters, in a modem that tells of them.
        outbox: the messages that it was given to send, as such digits.
        sending: what it says to each of them, to the byte.
        at_prompt: whether it takes what comes for a message, until Ctrl-Z or ESC.
        cancelled: what it says to ESC then.
        menus: what the network says instead, one after the other; all but the last are menus, in
            which any code is taken for a choice until AT+CUSD=2, which ends them.
        asked_network: the USSD requests that it got.
        balance: what the operator answers to a USSD request.
        commands: all that was asked, in order.
        calls: how many times it was dialled with success.
        password: what CHAP has to prove; None takes anything, as most networks do.
    """

    def __init__(self, network: MobileNetwork | None = None) -> None:
        self.network = network
        self.sim = "ready"
        self.pin = "1234"
        self.puk = "12345678"
        self.tries = 3
        self.iccid = "8924301000123456789"
        self.imei = "861195009876543"
        self.imsi = "630010123456789"
        self.operator = "Vodacom CD"
        self.signal = 18
        self.faults: dict[str, str] = {}
        self.raw: dict[str, str] = {}
        self.credit: int | None = None
        self.balance = "Votre solde est de 2.50 USD, valable jusqu'au 31/12."
        self.messages: dict[int, str] = {}
        self.memories: dict[str, dict[int, str]] = {}
        self.outbox: list[str] = []
        self.sending = "\r\n+CMGS: 1\r\n\r\nOK\r\n"
        self.cancelled = "\r\nOK\r\n"
        self.menus: list[str] = []
        self._is_menu_open = False
        self.asked_network: list[str] = []
        self.password: str | None = None
        self.commands: list[str] = []
        self.calls = 0
        self.apn = ""
        self._peer: Peer | None = None
        self._echo = True
        self._errors = "0"
        self._numeric_operator = False
        self._memory = ""
        self.at_prompt = False
        self._line = bytearray()
        self._outgoing = bytearray()
        self._requests: list[Callable[[], None]] = []
        self._stream = -1
        self._thread: threading.Thread | None = None
        self._wake_reader, self._wake_writer = os.pipe()

    # Plugging in and out

    def plug_into_socket(self, path: Path) -> None:
        """Connect to the socket behind an emulated USB serial port: the board sees a new stick."""
        # A connection too many would wait at the port, and be the next stick to be plugged in.
        if self._thread is not None:
            raise RuntimeError("the stick is plugged in already")
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))
            self._start(os.dup(connection.fileno()))

    @contextlib.contextmanager
    def on_pseudo_terminal(self) -> Iterator[str]:
        """Serve a pseudo-terminal, whose path it gives, until the block ends."""
        master, slave = pty.openpty()
        tty.setraw(slave)
        self._start(master)
        try:
            # The open slave keeps the master readable while nobody else has it open.
            yield os.ttyname(slave)
        finally:
            self.unplug()
            os.close(slave)

    def unplug(self) -> None:
        """Pull the stick out, if it is in; it forgets its call and its settings."""
        if self._thread:
            self._ask(self._leave)
            self._thread.join()
            self._thread = None

    # What happens on the network

    def say(self, line: str) -> None:
        """Send an unsolicited line, such as `^RSSI:18` or `+CREG: 2`; during a call it is lost."""
        self._ask(lambda: None if self._peer else self._answer(line))

    def hang_up(self) -> None:
        """End the call from the network's side."""

        def end() -> None:
            if self._peer:
                self._send(self._peer.terminate())
                self._end_call()

        self._ask(end)

    def deliver(self, packet: bytes) -> None:
        """Have the network send the board a packet, whoever it says it is from."""

        def come() -> None:
            if self.network:
                self.network.down.offer(packet, time.monotonic())

        self._ask(come)

    @property
    def connected(self) -> bool:
        """Whether a call is up and IP packets pass."""
        peer = self._peer
        return peer is not None and peer.up

    @property
    def registration(self) -> int:
        """The second number of +CREG."""
        if self.sim != "ready":
            return NOT_REGISTERED
        return SEARCHING if self.signal == 99 else REGISTERED

    @property
    def registered(self) -> bool:
        return self.registration == REGISTERED

    # The stick's own thread

    def _start(self, stream: int) -> None:
        if self._thread is not None:
            raise RuntimeError("the stick is plugged in already")
        os.set_blocking(stream, False)
        self._stream = stream
        self._reset()
        self._requests.clear()
        self._line.clear()
        self.at_prompt = False
        self._outgoing.clear()
        self._peer = None
        self._thread = threading.Thread(target=self._run, name="modem", daemon=True)
        self._thread.start()

    def _ask(self, action: Callable[[], None]) -> None:
        if self._thread is None:
            raise RuntimeError("the stick is not plugged in")
        self._requests.append(action)
        os.write(self._wake_writer, b"!")

    def _leave(self) -> None:
        if self._stream >= 0:
            os.close(self._stream)
            self._stream = -1

    def _run(self) -> None:
        inputs = [self._stream, self._wake_reader]
        if self.network:
            inputs.append(self.network.fileno())
        while self._stream >= 0:
            readable, _, _ = select.select(
                inputs,
                [self._stream] if self._outgoing else [],
                [],
                self.network.timeout() if self.network else None,
            )
            if self._wake_reader in readable:  # first: it was asked for before what is read now
                os.read(self._wake_reader, 4096)
                while self._requests:
                    self._requests.pop(0)()
                if self._stream < 0:
                    break
            if self._stream in readable:
                self._read()
            self._carry()
            self._flush()
        self._peer = None

    def _read(self) -> None:
        try:
            data = os.read(self._stream, 65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._leave()
        elif self._peer is None:
            self._read_commands(data)
        elif data.strip() == b"+++":
            self._end_call(OK)
        else:
            self._read_call(self._peer, data)

    def _flush(self) -> None:
        if self._outgoing and self._stream >= 0:
            with contextlib.suppress(BlockingIOError):
                del self._outgoing[: os.write(self._stream, self._outgoing)]

    def _send(self, data: bytes) -> None:
        self._outgoing += data

    # Calls

    def _read_call(self, peer: Peer, data: bytes) -> None:
        answer, packets = peer.receive(data)
        self._send(answer)
        for packet in packets:
            if self.network:
                self.network.from_board(packet)
                self._count(packet)
        if peer.ended and self._peer:
            self._end_call()

    def _carry(self) -> None:
        for packet in self.network.carry() if self.network else []:
            if self._peer:
                self._send(self._peer.send(packet))
                self._count(packet)

    def _count(self, packet: bytes) -> None:
        """Take a packet off the credit, and end the call when there is none left."""
        if self.credit is not None:
            self.credit -= len(packet)
        if self._peer and not self._has_credit:
            self._send(self._peer.terminate())
            self._end_call()

    @property
    def _has_credit(self) -> bool:
        return self.credit is None or self.credit > 0

    def _end_call(self, result: str = NO_CARRIER) -> None:
        self._peer = None
        self._answer(result)

    def _dial(self, _: str) -> str:
        if self.network is None or not self.registered or not self._has_credit:
            return NO_CARRIER
        self._peer = Peer(
            self.network.gateway, self.network.board, self.network.gateway, password=self.password
        )
        self.calls += 1
        return "CONNECT 7200000"

    # Commands

    def _read_commands(self, data: bytes) -> None:
        if self._echo:
            self._send(data)
        for byte in data:
            if self.at_prompt:
                self._read_message(byte)
                continue
            if byte != 0x0D:
                self._line.append(byte)
                continue
            line = self._line.decode("ascii", "replace").strip()
            self._line.clear()
            # What was noise on the line, or the end of a call, comes before the AT.
            if found := re.search(r"AT.*", line, re.IGNORECASE):
                self._command(found[0])

    def _read_message(self, byte: int) -> None:
        """Take all for a message until Ctrl-Z or ESC, as 27.005 has it in 3.5.1."""
        if byte not in (_SEND, _CANCEL):
            self._line.append(byte)
            if byte == 0x0D:
                self._send(b"\r\n> ")
            return
        content = self._line.decode("ascii", "replace")
        self._line.clear()
        self.at_prompt = False
        if byte == _SEND:
            self._take_message(content)
        else:
            self._send(self.cancelled.encode())

    def _answer(self, line: str) -> None:
        self._send(f"\r\n{line}\r\n".encode())

    def _command(self, line: str) -> None:
        self.commands.append(line)
        if (raw := self._raw_answer(line)) is not None:
            self._send(raw.encode())
            return
        for start, answer in self.faults.items():
            if line.upper().startswith(start):
                if answer != SILENCE:
                    self._answer(answer)
                return
        for pattern, handler in COMMANDS:
            if found := re.fullmatch(pattern, line[2:], re.IGNORECASE):
                try:
                    result = handler(self, found[1] if found.re.groups else "")
                except CmeError as error:
                    result = self._refusal(error.args[0])
                if result:
                    self._answer(result)
                return
        self._answer(ERROR)

    def _raw_answer(self, line: str) -> str | None:
        starts = (answer for start, answer in self.raw.items() if line.upper().startswith(start))
        return next(starts, None)

    def _refusal(self, number: int) -> str:
        text = {"0": "", "1": str(number), "2": CME_TEXTS[number]}[self._errors]
        return f"+CME ERROR: {text}" if text else ERROR

    def _reset(self) -> str:
        self._echo = True
        self._errors = "0"
        self._numeric_operator = False
        return OK

    def _set_echo(self, value: str) -> str:
        self._echo = value != "0"
        return OK

    def _set_errors(self, value: str) -> str:
        self._errors = value
        return OK

    def _identify(self) -> str:
        self._answer(
            f"Manufacturer: huawei\r\nModel: E303\r\nRevision: 22.318.01.00.00\r\nIMEI: {self.imei}"
        )
        return OK

    def _tell(self, line: str) -> str:
        self._answer(line)
        return OK

    def _need_sim(self) -> None:
        if self.sim == "absent":
            raise CmeError(SIM_NOT_INSERTED)
        if self.sim in ("pin", "puk"):
            raise CmeError(SIM_PIN_REQUIRED)

    def _tell_pin(self) -> str:
        if self.sim == "absent":
            raise CmeError(SIM_NOT_INSERTED)
        said = {"pin": "SIM PIN", "puk": "SIM PUK"}.get(self.sim, "READY")
        return self._tell(f"+CPIN: {said}")

    def _enter_pin(self, pin: str) -> str:
        if self.sim != "pin" or pin != self.pin:
            self.tries -= 1
            if self.tries <= 0:
                self.sim = "puk"
            raise CmeError(INCORRECT_PASSWORD)
        self.sim = "ready"
        self.tries = 3
        return OK

    def _unlock(self, codes: str) -> str:
        puk, _, pin = codes.partition(",")
        if self.sim != "puk" or puk.strip('"') != self.puk:
            raise CmeError(INCORRECT_PASSWORD)
        self.sim, self.pin, self.tries = "ready", pin.strip('"'), 3
        return OK

    def _tell_tries(self) -> str:
        return self._tell(f"+CPINR: SIM PIN,{self.tries},3\r\n+CPINR: SIM PUK,10,10")

    def _tell_imsi(self) -> str:
        self._need_sim()
        return self._tell(self.imsi)

    def _tell_operator(self) -> str:
        self._need_sim()
        if not self.registered:
            return self._tell("+COPS: 0")
        if self._numeric_operator:
            return self._tell(f'+COPS: 0,2,"{self.imsi[:5]}",2')
        return self._tell(f'+COPS: 0,0,"{self.operator}",2')

    def _set_operator_format(self, value: str) -> str:
        self._numeric_operator = value == "2"
        return OK

    def _set_context(self, apn: str) -> str:
        self._need_sim()
        self.apn = apn
        return OK

    def _ussd(self, request: str) -> str:
        self._need_sim()
        try:
            asked = septets.unpack_ussd(bytes.fromhex(request))
        except ValueError:
            return ERROR
        self._answer(OK)
        if not re.fullmatch(r"[0-9*#]+", asked):
            return "+CUSD: 4"
        self.asked_network.append(asked)
        text = self.menus.pop(0) if self.menus else self.balance
        self._is_menu_open = bool(self.menus)
        packed = septets.pack_ussd(text).hex().upper()
        self._answer(f'+CUSD: {int(self._is_menu_open)},"{packed}",15')
        return ""

    def _leave_menu(self, _: str) -> str:
        if self._is_menu_open:
            self.menus.clear()
        self._is_menu_open = False
        return OK

    def _stored(self) -> dict[int, str]:
        return self.memories[self._memory] if self._memory else self.messages

    def _tell_memories(self) -> str:
        known = ",".join(f'"{name}"' for name in self.memories)
        return self._tell(f"+CPMS: ({known}),({known}),({known})") if known else ERROR

    def _choose_memory(self, name: str) -> str:
        if name not in self.memories:
            return ERROR
        self._memory = name
        return self._tell(f"+CPMS: {len(self._stored())},20,0,20,0,20")

    def _list_messages(self) -> str:
        self._need_sim()
        for place, pdu in self._stored().items():
            self._answer(f"+CMGL: {place},0,,{len(pdu) // 2 - 1}\r\n{pdu}")
        return OK

    def _delete_message(self, place: str) -> str:
        return OK if self._stored().pop(int(place), None) else ERROR

    def _await_message(self) -> str:
        self._need_sim()
        self.at_prompt = True
        self._send(b"\r\n> ")
        return ""

    def _take_message(self, digits: str) -> None:
        self.outbox.append(digits)
        self._send(self.sending.encode())


def _accept(_modem: Modem, _argument: str) -> str:
    return OK


def _constant(line: str) -> Callable[[Modem, str], str]:
    return lambda modem, _: modem._tell(line)


# What follows AT -> how it is answered; a group of the pattern is the handler's argument.
COMMANDS: Final[list[tuple[str, Callable[[Modem, str], str]]]] = [
    (r"", _accept),
    (r"Z0?|&F0?", lambda modem, _: modem._reset()),
    (r"E([01]?)", Modem._set_echo),
    (r"V1|Q0|X\d|S0=0|&[CDK]\d|H0?", _accept),
    (r"\^CURC=[01]|\+CNMI=2,1|\+(?:CREG|CGREG|CGATT|CFUN)=\d", _accept),
    (r"I", lambda modem, _: modem._identify()),
    (r"\+C?GMI", _constant("huawei")),
    (r"\+C?GMM", _constant("E303")),
    (r"\+C?GMR", _constant("22.318.01.00.00")),
    (r"\+C?GSN", lambda modem, _: modem._tell(modem.imei)),
    (r"\+CMEE=([012])", Modem._set_errors),
    (r"\+CPIN\?", lambda modem, _: modem._tell_pin()),
    (r'\+CPIN="?(\d+)"?', Modem._enter_pin),
    (r'\+CPIN=("?\d+"?,"?\d+"?)', Modem._unlock),
    (r"\+CPINR", lambda modem, _: modem._tell_tries()),
    (r"\+CCID", lambda modem, _: modem._tell(f"+CCID: {modem.iccid}")),
    (r"\+CIMI", lambda modem, _: modem._tell_imsi()),
    (r"\+CSQ", lambda modem, _: modem._tell(f"+CSQ: {modem.signal},99")),
    (r"\+CREG\?", lambda modem, _: modem._tell(f"+CREG: 0,{modem.registration}")),
    (r"\+CGREG\?", lambda modem, _: modem._tell(f"+CGREG: 0,{modem.registration}")),
    (r"\+CGATT\?", lambda modem, _: modem._tell(f"+CGATT: {int(modem.registered)}")),
    (r"\+COPS\?", lambda modem, _: modem._tell_operator()),
    (r"\+COPS=3,([0-2])", Modem._set_operator_format),
    (r"\+CGDCONT\?", lambda modem, _: modem._tell(f'+CGDCONT: 1,"IP","{modem.apn}","",0,0')),
    (r'\+CGDCONT=1,"IP(?:V4V6)?","([^"]*)".*', Modem._set_context),
    (r'\+CUSD=1,"?([0-9A-F]+)"?(?:,15)?', Modem._ussd),
    (r"\+CUSD=0", _accept),
    (r"\+CUSD=2", Modem._leave_menu),
    (r"\+CMGF=0", _accept),
    (r"\+CPMS=\?", lambda modem, _: modem._tell_memories()),
    (r'\+CPMS="(\w\w)"', Modem._choose_memory),
    (r"\+CMGS=\d+", lambda modem, _: modem._await_message()),
    (r"\+CMGL=4", lambda modem, _: modem._list_messages()),
    (r"\+CMGD=(\d+)", Modem._delete_message),
    (r"DT?\*99(?:\*\*\*1)?#", lambda modem, number: modem._dial(number)),
]


def main() -> None:
    with Modem().on_pseudo_terminal() as path:
        print(path, flush=True)  # noqa: T201
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    main()
