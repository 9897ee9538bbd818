# SPDX-License-Identifier: Apache-2.0
"""A call as the daemon sees it; pppd is the script beside this: the real one dials on the board."""

import os
import pty
import select
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from mokanda_firmware.modem.apn import AccessPoint
from mokanda_firmware.modem.at.call import Call
from mokanda_firmware.modem.clock import SystemClock

HERE = Path(__file__).parent
HOOK = HERE.parents[2] / "firmware/system/usr/lib/mokanda/ppp-up"


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("PATH", f"{HERE}:{os.environ['PATH']}")
    master, slave = pty.openpty()
    tty.setraw(slave)
    yield os.ttyname(slave)
    os.close(slave)
    os.close(master)


def until(call: Call, what: str) -> None:
    while not getattr(call, what):
        assert select.select([call.fileno()], [], [], 10)[0]
        call.read()


def test_a_call_comes_up_with_its_interface(device: str) -> None:
    call = Call(device, AccessPoint("internet"), carrier=False, clock=SystemClock(), hook=HOOK)
    until(call, "up")
    assert call.interface == "ppp0"
    call.hang_up()
    assert call.ended
    assert call.traffic() == (1234, 56789)


def test_a_login_that_is_refused_is_told_from_other_failures(
    device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_PPPD_STATUS", "19")
    call = Call(device, AccessPoint("internet"), carrier=False, clock=SystemClock(), hook=HOOK)
    until(call, "ended")
    assert call.login_refused
    assert "refused the user name or password" in str(call.reason())


def test_an_unknown_end_is_told_by_its_number(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_PPPD_STATUS", "77")
    call = Call(device, AccessPoint("internet"), carrier=False, clock=SystemClock(), hook=HOOK)
    until(call, "ended")
    assert not call.login_refused
    assert "77" in str(call.reason())


def test_a_call_that_has_ended_unheard_can_be_hung_up(
    device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_PPPD_STATUS", "16")
    call = Call(device, AccessPoint("internet"), carrier=False, clock=SystemClock(), hook=HOOK)
    os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
    call.hang_up()
    assert call.ended
    assert "lost the connection" in str(call.reason())
