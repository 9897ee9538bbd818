# SPDX-License-Identifier: Apache-2.0
"""How often the modem may dial, whatever others want."""

from collections.abc import Collection
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mokanda_firmware import paths
from mokanda_firmware.modem.allowance import DIALS_A_DAY, REFUSED_LOGINS_A_DAY, Allowance

DAY = 86400.0


class Clock:
    def __init__(self) -> None:
        self.time = 100.0

    def now(self) -> float:
        return self.time

    def wait(self, descriptors: Collection[int], seconds: float | None) -> set[int]:
        raise NotImplementedError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOKANDA_RUN", str(tmp_path))


def fail(allowance: Allowance, clock: Clock, seconds: float, *, login: bool = False) -> int:
    """Dial whenever it is allowed, in vain; return how often."""
    dials = 0
    end = clock.time + seconds
    while clock.time + allowance.wait() < end:
        clock.time += allowance.wait()
        allowance.dialled()
        allowance.failed(login=login)
        dials += 1
        clock.time += 1
    clock.time = end
    return dials


def note(noted: bytes) -> None:
    paths.status("dials").parent.mkdir(parents=True, exist_ok=True)
    paths.status("dials").write_bytes(noted)


def test_calls_that_fail_come_ever_later() -> None:
    clock = Clock()
    assert fail(Allowance(clock), clock, 3600) <= 9


def test_a_day_of_failures_has_a_cap() -> None:
    clock = Clock()
    assert fail(Allowance(clock), clock, DAY) <= DIALS_A_DAY


def test_a_login_that_is_refused_is_tried_a_few_times_a_day() -> None:
    clock = Clock()
    allowance = Allowance(clock)
    assert fail(allowance, clock, DAY, login=True) == REFUSED_LOGINS_A_DAY
    assert fail(allowance, clock, DAY, login=True) == REFUSED_LOGINS_A_DAY


def test_even_calls_that_go_well_have_a_cap() -> None:
    clock = Clock()
    allowance = Allowance(clock)
    for _ in range(DIALS_A_DAY):
        assert allowance.wait() == 0
        allowance.dialled()
        allowance.succeeded()
    assert allowance.wait() == DAY


def test_a_restart_forgets_nothing() -> None:
    clock = Clock()
    allowance = Allowance(clock)
    for _ in range(5):
        allowance.dialled()
        allowance.failed()
    assert Allowance(clock).wait() == allowance.wait() > 0


def test_a_changed_setting_is_tried_at_once() -> None:
    clock = Clock()
    allowance = Allowance(clock)
    for _ in range(REFUSED_LOGINS_A_DAY):
        allowance.failed(login=True)
    allowance.forgive()
    assert allowance.wait() == 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_a_damaged_note_is_no_note(noted: bytes) -> None:
    note(noted)
    assert Allowance(Clock()).wait() >= 0


@pytest.mark.parametrize(
    "noted",
    [
        b"[" * 9000,
        b'{"dials": [1e999], "refused": [], "failures": 1, "next": 1e999}',
        b'{"dials": [NaN], "refused": [], "failures": 1, "next": NaN}',
        b'{"dials": [], "refused": [], "failures": 1e999, "next": 0}',
        b'{"dials": [], "refused": [], "failures": -99, "next": 0}',
    ],
)
def test_damaged_notes_hold_calls_up_for_an_hour_at_most(noted: bytes) -> None:
    note(noted)
    allowance = Allowance(Clock())
    assert allowance.wait() <= 3600
    allowance.failed()
