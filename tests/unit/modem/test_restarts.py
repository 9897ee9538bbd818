# SPDX-License-Identifier: Apache-2.0
"""Restarts of the device for its modem's sake: one a day, whatever the clock says."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mokanda_firmware import boot, paths, relaytime
from mokanda_firmware.modem import restarts
from mokanda_firmware.modem.restarts import DAY

HOUR = 3600.0
NOON = datetime(2026, 2, 2, 12, 0, tzinfo=UTC)


class Boots:
    """The device: which boot it is in, and what the relay has told in it."""

    def __init__(self, patch: pytest.MonkeyPatch, folder: Path) -> None:
        self._file = folder / "boot_id"
        self._number = 0
        patch.setattr(boot, "ID", self._file)
        patch.setattr(relaytime, "now", lambda: self.time)
        self.time: datetime | None = None
        self.begin()

    def begin(self) -> None:
        self._number += 1
        self._file.write_text(f"boot {self._number}\n")
        self.time = None
        restarts.recognise()


@pytest.fixture
def boots(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Boots:
    monkeypatch.setenv("MOKANDA_DATA", str(tmp_path / "data"))
    return Boots(monkeypatch, tmp_path)


@pytest.mark.usefixtures("boots")
def test_the_first_is_allowed() -> None:
    assert restarts.is_allowed(HOUR)


def test_the_next_takes_a_day_of_the_boot(boots: Boots) -> None:
    restarts.note(HOUR)
    boots.begin()
    assert not restarts.is_allowed(DAY - 1)
    assert restarts.is_allowed(DAY)


def test_the_next_may_come_sooner_where_the_relay_tells_of_a_day(boots: Boots) -> None:
    boots.time = NOON
    restarts.note(HOUR)
    boots.begin()
    assert not restarts.is_allowed(HOUR)  # its time is not known yet
    boots.time = NOON + timedelta(hours=23)
    assert not restarts.is_allowed(HOUR)
    boots.time = NOON + timedelta(hours=24)
    assert restarts.is_allowed(HOUR)


def test_a_time_that_goes_back_allows_nothing(boots: Boots) -> None:
    boots.time = NOON
    restarts.note(HOUR)
    boots.begin()
    boots.time = NOON - timedelta(days=9000)
    assert not restarts.is_allowed(HOUR)


@pytest.mark.usefixtures("boots")
def test_one_that_did_not_come_about_is_tried_again_a_day_later() -> None:
    restarts.note(2 * DAY)
    assert not restarts.is_allowed(3 * DAY - 1)
    assert restarts.is_allowed(3 * DAY)


def test_it_is_told_of_in_the_boot_after_it_alone(boots: Boots) -> None:
    assert restarts.before_this_boot() is None
    boots.time = NOON
    restarts.note(HOUR)
    assert restarts.before_this_boot() is None
    boots.begin()
    told = restarts.before_this_boot()
    assert told is not None
    assert told.at == NOON
    boots.begin()
    assert restarts.before_this_boot() is None


@pytest.mark.usefixtures("boots")
def test_what_cannot_be_noted_is_an_error() -> None:
    paths.data().write_text("no folder")
    with pytest.raises(OSError, match="data"):
        restarts.note(HOUR)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
@pytest.mark.usefixtures("boots")
def test_a_damaged_note_is_one_of_a_time_that_nobody_knows(noted: bytes) -> None:
    paths.restart().parent.mkdir(parents=True, exist_ok=True)
    paths.restart().write_bytes(noted)
    restarts.recognise()
    assert restarts.before_this_boot() is None
    assert not restarts.is_allowed(HOUR)
    assert restarts.is_allowed(DAY)
