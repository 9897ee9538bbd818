# SPDX-License-Identifier: Apache-2.0
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mokanda_firmware import paths
from mokanda_firmware.bus import units
from mokanda_firmware.bus.changes import Subscription
from mokanda_firmware.bus.states import (
    CourierState,
    LightsState,
    ModemState,
    SetupState,
    StoreState,
    UnitState,
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
from mokanda_firmware.lights.known import DAEMONS, Known
from mokanda_firmware.lights.table import PATTERNS, Blink
from tests.small_disk import fill, memory
from tests.statuses import published

SCRIPTS = Path(__file__).parents[3] / "firmware/system/usr/lib/mokanda"
NOTE_UNIT, LIGHTS_ENDED = SCRIPTS / "note-unit", SCRIPTS / "lights-ended"
FILES = ("trigger", "brightness")


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
    paths.status("any").parent.mkdir()


def be_ready() -> None:
    SetupStatus(SetupState.CLAIMED).publish()
    UpdatesStatus(UpdatesState.IDLE).publish()
    ModemStatus(ModemState.READY).publish()
    CourierStatus(CourierState.IDLE, last_success=datetime.now(UTC)).publish()
    StoreStatus(StoreState.SOUND).publish()
    for unit in (units.PROOF, units.FIREWALL, *DAEMONS):
        note(unit, "up")


def note(unit: str, state: str, result: str = "") -> None:
    """What systemd does when a unit has started or ended."""
    environment = os.environ | {"SERVICE_RESULT": result}
    subprocess.run([NOTE_UNIT, unit, state], env=environment, check=True)


def just_started() -> Known:
    return Known.read(Path("no-card"))._replace(up=60.0)


def test_a_changed_state_is_played_once_and_published() -> None:
    lamps = Shown()
    daemon = Daemon([lamps], just_started)
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
    daemon = Daemon([lamps], just_started)
    be_ready()
    daemon.show()
    assert published(LightsStatus).outputs == ()
    lamps.missing = False
    daemon.show()
    assert lamps.patterns == [PATTERNS[LightsState.READY]]
    assert published(LightsStatus).outputs == ("green: a lamp",)


@pytest.mark.parametrize("result", ["exit-code", "signal", "watchdog", "oom-kill", "timeout"])
def test_a_daemon_that_has_died_is_shown_until_it_is_up_again(result: str) -> None:
    daemon = Daemon([Shown()], just_started)
    be_ready()
    note("mokanda-courier", "ended", result)
    daemon.show()
    assert published(LightsStatus).state is LightsState.DEAD
    note("mokanda-courier", "up")
    daemon.show()
    assert published(LightsStatus).state is LightsState.READY


@pytest.fixture
def others(tmp_path: Path) -> Iterator[Path]:
    with memory(tmp_path) as file:
        paths.status("any").parent.mkdir()
        yield file


def test_a_daemon_that_dies_is_noted_where_there_is_no_room(others: Path) -> None:
    be_ready()
    fill(others)
    note("mokanda-modem", "ended", "exit-code")
    assert units.state_of("mokanda-modem") is UnitState.FAILED
    note("mokanda-modem", "up")
    assert units.state_of("mokanda-modem") is UnitState.UP
    assert not list(paths.status("any").parent.glob(".*"))


def test_of_a_daemon_that_dies_unnoted_nothing_is_known(others: Path) -> None:
    ModemStatus(ModemState.READY).publish()
    fill(others)
    with pytest.raises(subprocess.CalledProcessError):
        note("mokanda-modem", "ended", "exit-code")
    assert units.state_of("mokanda-modem") is None
    assert not list(paths.status("any").parent.iterdir())


def test_one_on_demand_that_has_ended_as_it_should_is_well() -> None:
    be_ready()
    note("mokanda-updates", "ended", "success")
    assert units.state_of("mokanda-updates") is UnitState.ENDED
    Daemon([Shown()], just_started).show()
    assert published(LightsStatus).state is LightsState.READY


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"state": "asleep"}', '{"state": []}', "[" * 9000]
)
def test_a_note_that_is_not_understood_says_nothing(text: str) -> None:
    note("mokanda-modem", "up")
    paths.status("mokanda-modem").write_text(text)
    assert units.state_of("mokanda-modem") is None


def test_a_wifi_card_sends_or_does_not(tmp_path: Path) -> None:
    for told, sends in (("up", True), ("unknown", True), ("dormant", False), ("down", False)):
        (tmp_path / "operstate").write_text(f"{told}\n")
        assert Known.read(tmp_path).on_air is sends


def test_lights_that_nobody_looks_after_show_a_fault(tmp_path: Path) -> None:
    leds = {}
    for name in ("orangepi:green:pwr", "orangepi:red:status"):
        leds[name] = tmp_path / name
        leds[name].mkdir()
        for file, holds in (("trigger", "timer"), ("brightness", "1"), ("max_brightness", "255")):
            (leds[name] / file).write_text(f"{holds}\n")

    def end(result: str) -> list[str]:
        environment = {"PATH": os.environ["PATH"], "SERVICE_RESULT": result}
        subprocess.run([LIGHTS_ENDED, tmp_path], env=environment, check=False)
        return [(led / file).read_text() for led in leds.values() for file in FILES]

    assert end("success") == ["timer\n", "1\n", "timer\n", "1\n"]
    assert end("watchdog") == ["none\n", "0\n", "none\n", "255\n"]


def test_other_lamps_are_told_of_the_fault_too() -> None:
    lamps = Shown()
    Daemon([lamps]).fail()
    assert lamps.patterns == [PATTERNS[LightsState.FAULT]]


def test_the_lamps_are_dark_when_the_daemon_was_told_to_end() -> None:
    lamps = Shown()

    def told_to_end() -> Known:
        raise SystemExit(0)

    with pytest.raises(SystemExit):
        Daemon([lamps], told_to_end).run()
    assert lamps.patterns == [{}]


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    missing = {"lights", "mokanda-lights"}  # its status, and that its unit is up
    with Subscription() as changes:
        process = subprocess.Popen([sys.executable, "-m", "mokanda_firmware.lights"])
        while missing:
            news = changes.wait(30)
            assert news
            assert news <= {"lights", "mokanda-lights"}
            missing -= news
    yield process
    if process.poll() is None:
        process.kill()
        process.wait()


def test_the_daemon_follows_the_statuses(process: subprocess.Popen[bytes]) -> None:
    assert published(LightsStatus).state in (LightsState.STARTING, LightsState.DEAD)
    with Subscription() as changes:
        be_ready()
        while published(LightsStatus).state is not LightsState.READY:
            assert changes.wait(30)
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(30) == 0
