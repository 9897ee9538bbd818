# SPDX-License-Identifier: Apache-2.0
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from mokanda_firmware.bus.changes import Subscription
from mokanda_firmware.bus.states import (
    CourierState,
    LightsState,
    ModemState,
    SetupState,
    StoreState,
    UpdatesState,
)
from mokanda_firmware.bus.statuses import (
    CourierStatus,
    LightsStatus,
    ModemStatus,
    SetupStatus,
    StoreStatus,
    UpdatesStatus,
)
from mokanda_firmware.lights.daemon import Daemon
from mokanda_firmware.lights.table import PATTERNS, Blink
from tests.statuses import published


class Shown:
    """Lamps that note what they show; they can be missing."""

    def __init__(self) -> None:
        self.patterns: list[Mapping[str, Blink]] = []
        self.missing = False

    def outputs(self) -> list[str]:
        return ["green: a lamp"]

    def show(self, pattern: Mapping[str, Blink]) -> None:
        if self.missing:
            raise FileNotFoundError
        self.patterns.append(pattern)


@pytest.fixture(autouse=True)
def run_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOKANDA_RUN", str(tmp_path))


def be_ready() -> None:
    SetupStatus(SetupState.CLAIMED).publish()
    UpdatesStatus(UpdatesState.IDLE).publish()
    ModemStatus(ModemState.READY).publish()
    CourierStatus(CourierState.IDLE).publish()
    StoreStatus(StoreState.SOUND).publish()


def test_a_changed_state_is_played_once_and_published() -> None:
    lamps = Shown()
    daemon = Daemon([lamps])
    daemon.show()
    be_ready()
    daemon.show()
    daemon.show()
    assert lamps.patterns == [PATTERNS[LightsState.STARTING], PATTERNS[LightsState.READY]]
    assert published(LightsStatus).state is LightsState.READY
    assert published(LightsStatus).outputs == ("green: a lamp",)


def test_missing_lamps_hurt_nobody_and_are_tried_again() -> None:
    lamps = Shown()
    lamps.missing = True
    daemon = Daemon([lamps])
    be_ready()
    daemon.show()
    assert published(LightsStatus).outputs == ()
    lamps.missing = False
    daemon.show()
    assert lamps.patterns == [PATTERNS[LightsState.READY]]
    assert published(LightsStatus).outputs == ("green: a lamp",)


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    with Subscription() as changes:
        process = subprocess.Popen([sys.executable, "-m", "mokanda_firmware.lights"])
        assert changes.wait(30) == {"lights"}
    yield process
    if process.poll() is None:
        process.kill()
        process.wait()


def test_the_daemon_follows_the_statuses(process: subprocess.Popen[bytes]) -> None:
    assert published(LightsStatus).state is LightsState.STARTING
    with Subscription() as changes:
        be_ready()
        while published(LightsStatus).state is not LightsState.READY:
            assert changes.wait(30)
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(30) == 0
