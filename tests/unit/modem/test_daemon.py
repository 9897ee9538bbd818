# SPDX-License-Identifier: Apache-2.0
"""The daemon against the stand-in stick on a pseudo-terminal; udev is played by `Bus`.

pppd is the script beside this file, as a test host's kernel need not have PPP: the real one dials
in tests/emulator.
"""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mokanda_firmware.bus.changes import Subscription
from mokanda_firmware.bus.requests import RequestError, Requests, ask
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.bus.states import ModemState
from mokanda_firmware.bus.statuses import ModemStatus
from mokanda_firmware.modem import apn
from mokanda_firmware.modem import daemon as daemon_module
from mokanda_firmware.modem.daemon import Daemon
from mokanda_firmware.modem.sticks import Stick
from tests.stand_ins.mobile_network import MobileNetwork
from tests.stand_ins.modem import SILENCE, Modem
from tests.statuses import published

HERE = Path(__file__).parent
PROVIDERS = """\
<serviceproviders><country><provider><gsm>
<network-id mcc="630" mnc="01"/>
<apn value="vodanet"><usage type="internet"/></apn>
</gsm></provider></country></serviceproviders>
"""
HOOK = HERE.parents[2] / "firmware/system/usr/lib/mokanda/ppp-up"


class Bus:
    """Which sticks are plugged in, and word of it; ends the daemon when told to."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        self._sticks: list[Stick] = []
        self._ending = False

    def fileno(self) -> int:
        return self._reader

    def drain(self) -> None:
        os.read(self._reader, 100)
        if self._ending:
            raise SystemExit

    def sticks(self) -> list[Stick]:
        return self._sticks

    def set(self, *sticks: Stick) -> None:
        self._sticks = list(sticks)
        os.write(self._writer, b"!")

    def end(self) -> None:
        self._ending = True
        os.write(self._writer, b"!")


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOKANDA_RUN", str(tmp_path))
    monkeypatch.setenv("PATH", f"{HERE}:{os.environ['PATH']}")
    monkeypatch.setattr(daemon_module, "_START_PAUSE", 0.05)
    monkeypatch.setattr(daemon_module, "_SEARCH_PAUSE", 0.05)
    # The providers' list is in the image; the computer that tests may have none.
    providers = tmp_path / "providers.xml"
    providers.write_text(PROVIDERS)
    monkeypatch.setattr(apn, "find", partial(apn.find, providers=providers))


@pytest.fixture
def bus() -> Iterator[Bus]:
    bus = Bus()
    requests = Requests("modem")
    with Subscription() as changes:
        daemon = Daemon(bus, requests, hook=HOOK)

        def run() -> None:
            with pytest.raises(SystemExit):
                daemon.run()

        thread = threading.Thread(target=run)
        thread.start()
        assert changes.wait(10)
    yield bus
    bus.end()
    thread.join(20)
    requests.close()
    assert not thread.is_alive()


@pytest.fixture
def modem() -> Iterator[Modem]:
    reader, writer = os.pipe()  # a network that never has a packet for the board
    os.set_blocking(reader, False)
    yield Modem(MobileNetwork(reader))
    os.close(reader)
    os.close(writer)


@pytest.fixture
def plug(bus: Bus, modem: Modem) -> Iterator[Callable[[], Stick]]:
    """Plug the modem in; at the end of the test it is pulled out."""
    with contextlib.ExitStack() as stack:

        def plug_in() -> Stick:
            path = stack.enter_context(modem.on_pseudo_terminal())
            stick = Stick("/sys/devices/stick", "HUAWEI Mobile", (path,))
            bus.set(stick)
            return stick

        yield plug_in
        bus.set()
        wait_for(ModemState.ABSENT)


def wait_for(state: ModemState, **fields: Any) -> ModemStatus:  # noqa: ANN401
    """Wait until the published status has this state and these fields, and return the whole."""
    with Subscription() as changes:
        while True:
            status = published(ModemStatus)
            if replace(status, state=state, **fields) == status:
                return status
            assert changes.wait(20), f"still {status}"


def test_without_a_stick_the_modem_is_absent(bus: Bus) -> None:  # noqa: ARG001
    assert str(wait_for(ModemState.ABSENT).detail) == "No modem is plugged in."


def test_a_stick_is_identified(plug: Callable[[], Stick], modem: Modem) -> None:
    plug()
    status = wait_for(ModemState.READY)
    assert status.model == "huawei E303"
    assert (status.imei, status.imsi) == (modem.imei, modem.imsi)
    assert (status.operator, status.signal) == ("Vodacom CD", 58)


def test_a_stick_that_is_pulled_out_is_absent(
    plug: Callable[[], Stick], bus: Bus, modem: Modem
) -> None:
    plug()
    wait_for(ModemState.READY)
    modem.unplug()
    bus.set()
    assert wait_for(ModemState.ABSENT).imsi == ""


def test_a_stick_that_is_pulled_out_in_the_middle_of_a_command_is_absent(
    plug: Callable[[], Stick], bus: Bus, modem: Modem
) -> None:
    modem.faults["AT+COPS?"] = SILENCE
    plug()
    wait_for(ModemState.STARTING, imsi=modem.imsi)
    bus.set()
    modem.unplug()
    wait_for(ModemState.ABSENT)


def test_without_a_sim_card_a_connection_is_refused(
    plug: Callable[[], Stick], modem: Modem
) -> None:
    modem.sim = "absent"
    plug()
    wait_for(ModemState.NO_SIM)
    with pytest.raises(RequestError, match="no SIM card"):
        ask("modem", "connect")


def test_a_locked_sim_card_says_what_to_do(plug: Callable[[], Stick], modem: Modem) -> None:
    modem.sim = "pin"
    plug()
    assert "Switch that off in a phone" in str(wait_for(ModemState.PIN).detail)


def test_the_network_comes_and_goes(plug: Callable[[], Stick], modem: Modem) -> None:
    modem.signal = 99
    plug()
    wait_for(ModemState.NO_SIGNAL, signal=None)
    modem.signal = 31
    modem.say("+CREG: 1")
    wait_for(ModemState.READY, signal=100)


def test_it_connects_and_disconnects(plug: Callable[[], Stick], modem: Modem) -> None:
    plug()
    wait_for(ModemState.READY)
    assert ask("modem", "connect", timeout=20) == {"interface": "ppp0"}
    assert published(ModemStatus).state is ModemState.CONNECTED
    assert modem.apn == "vodanet"
    ask("modem", "disconnect", timeout=20)
    assert wait_for(ModemState.READY).interface == ""


def test_a_second_connect_finds_the_connection(plug: Callable[[], Stick], modem: Modem) -> None:
    plug()
    ask("modem", "connect", timeout=20)
    assert ask("modem", "connect", timeout=20) == {"interface": "ppp0"}
    assert modem.calls == 1


def test_a_connect_waits_for_the_network(plug: Callable[[], Stick], modem: Modem) -> None:
    modem.signal = 99
    plug()
    wait_for(ModemState.NO_SIGNAL)
    replies: list[dict[str, Any]] = []
    asker = threading.Thread(target=lambda: replies.append(ask("modem", "connect", timeout=20)))
    asker.start()
    modem.signal = 20  # and does not say so
    asker.join(20)
    assert replies == [{"interface": "ppp0"}]


def test_a_stick_that_is_pulled_out_during_a_call_is_absent(
    plug: Callable[[], Stick], bus: Bus, modem: Modem
) -> None:
    plug()
    ask("modem", "connect", timeout=20)
    modem.unplug()
    bus.set()
    wait_for(ModemState.ABSENT, interface="")


def test_a_call_that_the_network_refuses_is_an_error_and_the_modem_is_reset(
    plug: Callable[[], Stick], modem: Modem
) -> None:
    modem.faults["ATD"] = "NO CARRIER"
    plug()
    wait_for(ModemState.READY)
    with pytest.raises(RequestError, match=r"did not take the call \(NO CARRIER\)"):
        ask("modem", "connect", timeout=20)
    wait_for(ModemState.READY)
    assert "ATZ" in modem.commands


def test_the_second_refused_call_enumerates_the_stick_again(
    tmp_path: Path, bus: Bus, modem: Modem
) -> None:
    switch = tmp_path / "authorized"
    switch.write_text("1")
    modem.faults["ATD"] = "NO CARRIER"
    with modem.on_pseudo_terminal() as path:
        bus.set(Stick(str(tmp_path), "HUAWEI Mobile", (path,)))
        for _ in range(2):
            wait_for(ModemState.READY)
            switch.write_text("untouched")
            with pytest.raises(RequestError):
                ask("modem", "connect", timeout=20)
        wait_for(ModemState.STARTING, detail=Sentence("The modem is restarting."))
        assert switch.read_text() == "1"
        bus.set()
        wait_for(ModemState.ABSENT)


def test_a_link_that_does_not_come_up_tells_why(
    plug: Callable[[], Stick], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_PPPD_STATUS", "19")
    plug()
    wait_for(ModemState.READY)
    with pytest.raises(RequestError, match="refused the user name or password"):
        ask("modem", "connect", timeout=20)
    wait_for(ModemState.READY)


def test_a_link_that_gets_no_address_is_given_up(
    plug: Callable[[], Stick], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(daemon_module, "_LINK_TIMEOUT", 0.2)
    silent = tmp_path / "pppd"
    silent.write_text("#!/bin/sh\nexec sleep 60\n")
    silent.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    plug()
    with pytest.raises(RequestError, match="not complete in time"):
        ask("modem", "connect", timeout=20)
    wait_for(ModemState.READY)


def test_a_modem_that_does_not_answer_is_a_fault(
    plug: Callable[[], Stick], modem: Modem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon_module, "_MAX_START_TRIES", 1)
    modem.faults["AT"] = SILENCE
    plug()
    assert "Pull it out" in str(wait_for(ModemState.FAULT).detail)


def test_the_port_that_answers_is_found_among_several(bus: Bus, modem: Modem) -> None:
    deaf = Modem()
    deaf.faults["AT"] = SILENCE
    with deaf.on_pseudo_terminal() as first, modem.on_pseudo_terminal() as second:
        bus.set(Stick("/sys/devices/stick", "HUAWEI Mobile", (first, second)))
        wait_for(ModemState.READY)
        bus.set()
        wait_for(ModemState.ABSENT)


def test_a_network_card_is_ready_and_connects_by_itself(bus: Bus) -> None:
    bus.set(Stick("/sys/devices/card", "HUAWEI HiLink", cards=("enxabc",)))
    assert str(wait_for(ModemState.READY).detail) == "HUAWEI HiLink is a network card."
    assert ask("modem", "connect") == {"interface": "enxabc"}
    wait_for(ModemState.CONNECTED)
    ask("modem", "disconnect")
    wait_for(ModemState.READY, interface="enxabc")
    bus.set()
    wait_for(ModemState.ABSENT)


def test_a_network_card_whose_serial_ports_appear_later_is_a_modem(bus: Bus, modem: Modem) -> None:
    bus.set(Stick("/sys/devices/stick", "HUAWEI Mobile", cards=("enxabc",)))
    wait_for(ModemState.READY, interface="enxabc")
    with modem.on_pseudo_terminal() as path:
        bus.set(Stick("/sys/devices/stick", "HUAWEI Mobile", (path,), ("enxabc",)))
        wait_for(ModemState.READY, imsi=modem.imsi)
        bus.set()
        wait_for(ModemState.ABSENT)


def test_an_unknown_request_is_refused(bus: Bus) -> None:  # noqa: ARG001
    with pytest.raises(RequestError, match="does not understand"):
        ask("modem", "fly")
