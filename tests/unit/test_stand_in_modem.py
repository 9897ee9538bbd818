# SPDX-License-Identifier: Apache-2.0
"""The stand-ins for the USB stick, the mobile network and the relay's door, without a board."""

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from ipaddress import IPv4Address

import pytest
import serial

from tests.stand_ins import ppp, septets
from tests.stand_ins.front import Front
from tests.stand_ins.mobile_network import MobileNetwork, RadioLink
from tests.stand_ins.modem import Modem

BOARD = IPv4Address("10.64.0.2")
PACKET = bytes.fromhex("45000014000000004011660a0a4000020a400001")


@pytest.fixture
def network() -> Iterator[tuple[MobileNetwork, socket.socket]]:
    """A network whose packets come out at a socket, not at a network device of this computer."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, theirs:
        theirs.setblocking(False)
        ours.settimeout(10)
        yield MobileNetwork(theirs.fileno()), ours


@pytest.fixture
def modem(network: tuple[MobileNetwork, socket.socket]) -> Modem:
    return Modem(network[0])


@pytest.fixture
def port(modem: Modem) -> Iterator[serial.Serial]:
    with modem.on_pseudo_terminal() as path, serial.Serial(path, timeout=10) as port:
        yield port


def ask(port: serial.Serial, command: str) -> list[str]:
    """The lines that answer `command`, its echo left out, up to the final one."""
    port.write(command.encode() + b"\r")
    return listen(port, command)


def listen(port: serial.Serial, command: str = "") -> list[str]:
    lines: list[str] = []
    finals = ("OK", "ERROR", "NO CARRIER", "CONNECT", "+CME", "+CUSD", "^")
    while not (lines and lines[-1].startswith(finals)):
        line = port.readline().decode().strip()
        if line and line != command:
            lines.append(line)
    return lines


def test_it_identifies_itself(port: serial.Serial, modem: Modem) -> None:
    assert ask(port, "ATZ") == ["OK"]
    assert ask(port, "AT+CGMI") == ["huawei", "OK"]
    assert ask(port, "AT+CGMM") == ["E303", "OK"]
    assert ask(port, "AT+CGSN") == [modem.imei, "OK"]
    assert ask(port, "AT+CIMI") == [modem.imsi, "OK"]


def test_it_echoes_until_told_otherwise(port: serial.Serial) -> None:
    port.write(b"AT\r")
    assert port.read_until(b"OK\r\n") == b"AT\r\r\nOK\r\n"
    ask(port, "ATE0")
    port.write(b"AT\r")
    assert port.read_until(b"OK\r\n") == b"\r\nOK\r\n"


def test_it_tells_operator_and_signal(port: serial.Serial, modem: Modem) -> None:
    assert ask(port, "AT+COPS?") == ['+COPS: 0,0,"Vodacom CD",2', "OK"]
    assert ask(port, "AT+CREG?") == ["+CREG: 0,1", "OK"]
    modem.signal = 99
    assert ask(port, "AT+CSQ") == ["+CSQ: 99,99", "OK"]
    assert ask(port, "AT+CGREG?") == ["+CGREG: 0,2", "OK"]
    assert ask(port, "ATD*99#") == ["NO CARRIER"]


def test_without_a_sim_card_it_says_so(port: serial.Serial, modem: Modem) -> None:
    modem.sim = "absent"
    assert ask(port, "AT+CPIN?") == ["ERROR"]
    ask(port, "AT+CMEE=1")
    assert ask(port, "AT+CPIN?") == ["+CME ERROR: 10"]
    ask(port, "AT+CMEE=2")
    assert ask(port, "AT+CPIN?") == ["+CME ERROR: SIM not inserted"]


def test_the_right_pin_opens_the_sim_card(port: serial.Serial, modem: Modem) -> None:
    modem.sim = "pin"
    assert ask(port, "AT+CPIN?") == ["+CPIN: SIM PIN", "OK"]
    assert ask(port, 'AT+CPIN="9999"') == ["ERROR"]
    assert ask(port, 'AT+CPIN="1234"') == ["OK"]
    assert ask(port, "AT+CPIN?") == ["+CPIN: READY", "OK"]


def test_it_speaks_unasked(port: serial.Serial, modem: Modem) -> None:
    modem.say("^RSSI:18")
    assert listen(port) == ["^RSSI:18"]


def test_faults_come_on_demand(port: serial.Serial, modem: Modem) -> None:
    modem.faults["ATD"] = "NO CARRIER"
    assert ask(port, "ATD*99#") == ["NO CARRIER"]
    modem.faults["AT+CSQ"] = ""
    port.write(b"AT+CSQ\r")
    assert ask(port, "AT+CGMM")[-2:] == ["E303", "OK"]
    assert modem.commands == ["ATD*99#", "AT+CSQ", "AT+CGMM"]


def test_the_balance_comes_packed_in_septets(port: serial.Serial, modem: Modem) -> None:
    assert septets.pack_ussd("*102#").hex().upper() == "AA184C3602"
    ok, reply = ask(port, "AT+CUSD=1,AA184C3602,15") + listen(port)
    packed = reply.split('"')[1]
    assert (ok, septets.unpack_ussd(bytes.fromhex(packed))) == ("OK", modem.balance)


def dial(port: serial.Serial) -> ppp.Deframer:
    """Bring a call up as pppd would; return what cuts the frames that follow.

    The echo is asked for behind the last thing to be agreed on: its reply says that the call is up.
    """
    assert ask(port, "ATD*99#") == ["CONNECT 7200000"]
    deframer = ppp.Deframer()
    port.write(ppp.frame(ppp.LCP, b"\x01\x01\x00\x04"))
    wanted = b"\x03\x06" + BOARD.packed
    while True:
        for protocol, payload in deframer.feed(port.read(1)):
            code, identifier, data = payload[0], payload[1:2], payload[2:]
            if code == ppp.CONFIGURE_REQUEST:
                if protocol == ppp.IPCP:
                    port.write(ppp.frame(protocol, b"\x02" + identifier + data))
                    port.write(ppp.frame(ppp.LCP, bytes((ppp.ECHO_REQUEST, 9, 0, 8)) + bytes(4)))
                elif len(data) > 2:
                    port.write(ppp.frame(protocol, b"\x04" + identifier + data))
                else:
                    port.write(ppp.frame(protocol, b"\x02" + identifier + data))
                    port.write(ppp.frame(ppp.IPCP, b"\x01\x01\x00\x0a" + wanted))
            elif code == ppp.ECHO_REPLY:
                return deframer


def test_a_call_carries_packets_both_ways(
    port: serial.Serial, modem: Modem, network: tuple[MobileNetwork, socket.socket]
) -> None:
    deframer = dial(port)
    assert modem.connected
    port.write(ppp.frame(ppp.IP, PACKET))
    assert network[1].recv(2000) == PACKET
    network[1].send(PACKET)
    frames: list[tuple[int, bytes]] = []
    while not frames:
        frames += deframer.feed(port.read(1))
    assert frames == [(ppp.IP, PACKET)]
    assert (network[0].up.bytes, network[0].down.bytes) == (len(PACKET), len(PACKET))


def test_the_network_hangs_up(port: serial.Serial, modem: Modem) -> None:
    dial(port)
    modem.hang_up()
    assert port.read_until(b"NO CARRIER\r\n").endswith(b"\r\nNO CARRIER\r\n")
    assert not modem.connected
    assert ask(port, "AT") == ["OK"]


def test_three_plus_signs_end_a_call(port: serial.Serial, modem: Modem) -> None:
    dial(port)
    port.write(b"+++")
    assert port.read_until(b"OK\r\n").endswith(b"\r\nOK\r\n")
    assert not modem.connected


def test_a_stick_can_be_plugged_in_again(modem: Modem) -> None:
    for _ in range(2):
        with modem.on_pseudo_terminal() as path, serial.Serial(path, timeout=10) as port:
            assert ask(port, "AT") == ["OK"]


def test_a_thin_link_delays_by_length_and_by_distance() -> None:
    link = RadioLink()
    link.bits_per_second, link.delay = 8000, 0.5
    link.offer(bytes(1000), now=10.0)
    link.offer(bytes(500), now=10.0)
    assert link.next_due() == 11.5
    assert link.due(11.4) == []
    assert link.due(11.5) == [bytes(1000)]
    assert link.due(12.0) == [bytes(500)]


def test_a_cut_loses_what_is_under_way(network: tuple[MobileNetwork, socket.socket]) -> None:
    mobile, gateway = network
    mobile.shape(64_000, round_trip=600)
    mobile.from_board(PACKET)
    mobile.cut()
    mobile.from_board(PACKET)
    assert mobile.timeout() is None
    mobile.restore()
    mobile.shape(None)
    mobile.from_board(PACKET)
    mobile.carry()
    assert gateway.recv(2000) == PACKET


@pytest.fixture
def echo_server() -> Iterator[tuple[str, int]]:
    def answer(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            while data := connection.recv(65536):
                connection.sendall(data)

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    server = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve, daemon=True).start()
    yield server.getsockname()
    server.shutdown(socket.SHUT_RDWR)
    server.close()


def call(front: Front, data: bytes) -> bytes:
    with socket.create_connection(front.address, timeout=10) as connection:
        connection.sendall(data)
        received = b""
        while len(received) < len(data) and (more := connection.recv(65536)):
            received += more
        return received


def test_the_front_passes_on_and_counts(echo_server: tuple[str, int]) -> None:
    with Front("127.0.0.1", echo_server) as front:
        data = os.urandom(300_000)
        assert call(front, data) == data
        assert (front.bytes_up, front.bytes_down) == (len(data), len(data))
        assert front.callers == ["127.0.0.1"]


def test_the_front_turns_callers_away_by_address(echo_server: tuple[str, int]) -> None:
    with Front("127.0.0.1", echo_server) as front:
        front.refused = {"127.0.0.1"}
        with pytest.raises(ConnectionResetError):
            call(front, b"hello")
        front.refused = set()
        assert call(front, b"hello") == b"hello"


def test_the_front_cuts_after_so_many_bytes_once(echo_server: tuple[str, int]) -> None:
    with Front("127.0.0.1", echo_server) as front:
        front.cut_after = 100_000
        try:
            received = call(front, bytes(1_000_000))
        except OSError:
            received = b""
        assert len(received) < 1_000_000
        assert call(front, b"again") == b"again"
