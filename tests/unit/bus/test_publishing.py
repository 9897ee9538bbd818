# SPDX-License-Identifier: Apache-2.0
"""Statuses in a folder that has no room left, or cannot be written."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mokanda_firmware import paths
from mokanda_firmware.bus import publishing
from mokanda_firmware.bus.changes import Subscription
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.bus.states import CourierState, ModemState
from mokanda_firmware.bus.statuses import CourierStatus, ModemStatus
from scripts.tools.deadlines import wait_until
from tests.small_disk import fill, memory
from tests.statuses import READY

LONGER = replace(READY, state=ModemState.FAULT, detail=Sentence("{why}", why="x" * 5000))


@pytest.fixture
def others(run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file of others, who may take all the room."""
    monkeypatch.setattr(publishing, "AGAIN", 0.05)
    with memory(run_folder) as file:
        paths.status("any").parent.mkdir()
        yield file
        file.unlink(missing_ok=True)
        wait_until(lambda: not publishing._waiting, "the end of all tries", 20)


def files() -> set[str]:
    return {path.name for path in paths.status("any").parent.iterdir()}


def test_what_is_there_is_replaced_where_there_is_no_room(others: Path) -> None:
    READY.publish()
    fill(others)
    with Subscription() as changes:
        ModemStatus(ModemState.ABSENT).publish()
        assert "modem" in changes.wait(20)
    assert ModemStatus.read() == ModemStatus(ModemState.ABSENT)
    READY.publish()
    assert ModemStatus.read() == READY
    assert files() == {"modem.json"}


def test_what_finds_no_room_is_published_once_there_is_some(
    others: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fill(others)
    for state in (CourierState.IDLE, CourierState.DIALLING):
        CourierStatus(state).publish()
    assert files() == set()
    told = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert len(told) == 1
    others.unlink()
    wait_until(lambda: CourierStatus.read() == CourierStatus(CourierState.DIALLING), "it", 20)
    assert files() == {"courier.json"}


def test_what_is_no_longer_true_is_taken_away(others: Path) -> None:
    READY.publish()
    fill(others)
    LONGER.publish()
    fill(others)
    assert ModemStatus.read() is None
    assert files() == set()
    others.unlink()
    wait_until(lambda: ModemStatus.read() == LONGER, "it", 20)


def test_a_later_status_takes_the_place_of_one_that_waits(others: Path) -> None:
    fill(others)
    READY.publish()
    others.unlink()
    ModemStatus(ModemState.ABSENT).publish()
    wait_until(lambda: not publishing._waiting, "the end of all tries", 20)
    assert ModemStatus.read() == ModemStatus(ModemState.ABSENT)
