# SPDX-License-Identifier: Apache-2.0
"""The daemon as it runs, with its own clock and a real process for pppd; udev is played by `Bus`.

What may happen to it in a night is in tests/scenarios.

pppd is the script beside this file, as a test host's kernel need not have PPP: the real one dials
in tests/emulator.
"""

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mokanda_firmware import paths
from mokanda_firmware.bus.changes import Subscription
from mokanda_firmware.bus.requests import RequestError, Requests, ask, held
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.bus.states import ModemState
from mokanda_firmware.bus.statuses import ModemStatus
from mokanda_firmware.modem import apn, calls
from mokanda_firmware.modem.at.call import Call
from mokanda_firmware.modem.clock import SystemClock
from mokanda_firmware.modem.daemon import Daemon
from mokanda_firmware.modem.settings import Settings
from mokanda_firmware.modem.stick import Stick
from tests.small_disk import fill, memory
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
    """Which sticks are plugged in, and word of it."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        self._sticks: list[Stick] = []

    def fileno(self) -> int:
        return self._reader

    def drain(self) -> None:
        os.read(self._reader, 100)

    def sticks(self) -> list[Stick]:
        return self._sticks

    def set(self, *sticks: Stick) -> None:
        self._sticks = list(sticks)
        os.write(self._writer, b"!")


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOKANDA_RUN", str(tmp_path))
    monkeypatch.setenv("PATH", f"{HERE}:{os.environ['PATH']}")
    monkeypatch.setenv("MOKANDA_DATA", str(tmp_path))
    # The providers' list is in the image; the computer that tests may have none.
    providers = tmp_path / "providers.xml"
    providers.write_text(PROVIDERS)
    monkeypatch.setattr(apn, "candidates", partial(apn.candidates, providers=providers))


@pytest.fixture
def others(tmp_path: Path) -> Iterator[Path]:
    """A file in the folder of statuses, that may take all its room."""
    paths.status("any").parent.mkdir()
    with memory(tmp_path / "status") as file:
        yield file


@pytest.fixture
def bus() -> Iterator[Bus]:
    bus = Bus()
    requests = Requests("modem")
    with Subscription() as changes:
        clock = SystemClock()
        daemon = Daemon(bus, requests, clock, partial(Call, clock=clock, hook=HOOK))
        thread = threading.Thread(target=daemon.run)
        thread.start()
        assert changes.wait(10)
    yield bus
    daemon.end()
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
            status = ModemStatus.read()  # none in the moment in which it is written without room
            if status is not None and replace(status, state=state, **fields) == status:
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


def test_it_connects_and_disconnects(plug: Callable[[], Stick], modem: Modem) -> None:
    plug()
    wait_for(ModemState.READY)
    assert ask("modem", "connect", timeout=20) == {"interface": "ppp0"}
    assert published(ModemStatus).state is ModemState.CONNECTED
    assert modem.apn == "vodanet"
    calls.end_noted()  # as at the next start, if this daemon were killed
    [call] = calls.last()
    assert (call.apn, call.trouble) == ("vodanet", calls.STOPPED)
    ask("modem", "disconnect", timeout=20)
    assert wait_for(ModemState.READY).interface == ""


def test_a_call_whose_holders_have_gone_without_a_word_ends(plug: Callable[[], Stick]) -> None:
    plug()
    wait_for(ModemState.READY)
    with (
        held("modem", "connect", timeout=20, held=True) as one,
        held("modem", "connect", timeout=20, held=True) as other,
    ):
        assert one == other == {"interface": "ppp0"}
        assert published(ModemStatus).state is ModemState.CONNECTED
    wait_for(ModemState.READY)
    assert calls.last()[0].trouble is None


def test_a_call_lasts_as_long_as_somebody_holds_it(plug: Callable[[], Stick]) -> None:
    plug()
    wait_for(ModemState.READY)
    with held("modem", "connect", timeout=20, held=True):
        with held("modem", "connect", timeout=20, held=True):
            pass
        ask("modem", "look", timeout=20)  # by now it has seen who has gone
        assert published(ModemStatus).state is ModemState.CONNECTED


def test_a_connection_is_cancelled_once_all_who_wait_for_it_have_gone(
    plug: Callable[[], Stick], modem: Modem
) -> None:
    modem.faults = {"ATD": SILENCE}
    plug()
    wait_for(ModemState.READY)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as killed:
        killed.connect(str(paths.requests("modem")))
        killed.sendall(b'{"verb": "connect", "arguments": {}}')
        wait_for(ModemState.DIALLING)
    wait_for(ModemState.READY)
    assert str(calls.last()[0].trouble) == "The connection was cancelled."


def test_it_goes_on_and_tells_so_where_there_is_no_room_for_statuses(
    others: Path, plug: Callable[[], Stick], bus: Bus
) -> None:
    plug()
    wait_for(ModemState.READY)
    fill(others)
    assert ask("modem", "connect", timeout=20) == {"interface": "ppp0"}
    wait_for(ModemState.CONNECTED)
    bus.set()
    wait_for(ModemState.ABSENT)
    assert str(calls.last()[0].trouble) == "The modem was unplugged."


def test_a_network_card_is_not_ready_before_it_has_an_address(bus: Bus) -> None:
    bus.set(Stick("/sys/devices/card", "HUAWEI HiLink", cards=("enxabc",)))  # not of this computer
    wait_for(ModemState.STARTING, detail=Sentence("The network card is starting."))
    bus.set()
    wait_for(ModemState.ABSENT)


def test_an_unknown_request_is_refused(bus: Bus) -> None:  # noqa: ARG001
    with pytest.raises(RequestError, match="does not understand"):
        ask("modem", "fly")


@pytest.mark.usefixtures("bus")
def test_an_empty_password_leaves_the_one_that_is_kept() -> None:
    ask("modem", "configure", apn="own.cd", username="u", password="secret", roaming=True)
    ask("modem", "configure", apn="other.cd", username="u", password="", roaming=False)
    assert Settings.read() == Settings("other.cd", "u", "secret")


@pytest.mark.usefixtures("bus")
def test_a_password_goes_with_its_user_name() -> None:
    ask("modem", "configure", apn="own.cd", username="u", password="secret", roaming=True)
    ask("modem", "configure", apn="", username="", password="", roaming=True)
    assert Settings.read() == Settings(roaming=True)


@pytest.mark.usefixtures("bus")
def test_the_balance_is_set_beside_the_access_point() -> None:
    ask("modem", "configure", apn="own.cd", username="u", password="secret", roaming=True)
    ask("modem", "configure_balance", code="*100#", daily=True)
    ask("modem", "configure", apn="", username="", password="", roaming=False)
    assert Settings.read() == Settings(balance_code="*100#", balance_daily=True)
    ask("modem", "configure_balance", code="", daily=False)
    assert Settings.read() == Settings()


@pytest.mark.usefixtures("bus")
@pytest.mark.parametrize("code", ['*1"#', "*1#\r", "*" * 31, 7])
def test_a_code_that_cannot_be_used_is_refused(code: object) -> None:
    with pytest.raises(RequestError):
        ask("modem", "configure_balance", code=code, daily=True)
    assert Settings.read() == Settings()


@pytest.mark.usefixtures("bus")
@pytest.mark.parametrize("zone", ["x" * 65, 7, None])
def test_a_time_zone_that_is_none_is_refused(zone: object) -> None:
    with pytest.raises(RequestError):
        ask("modem", "balance", zone=zone)


@pytest.mark.usefixtures("bus")
@pytest.mark.parametrize("apn", ['own"', "own\nAT+CPIN=1234", "x" * 101, 7])
def test_settings_that_cannot_be_used_are_refused(apn: object) -> None:
    with pytest.raises(RequestError):
        ask("modem", "configure", apn=apn, username="", password="", roaming=True)
    assert Settings.read() == Settings()
