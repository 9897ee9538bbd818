# SPDX-License-Identifier: Apache-2.0
"""The device's state on its lamps: the board's own LEDs, and those of the LED driver on I2C.

The tests follow each other on one board; each but the last two leaves it as well as it was.
"""

from collections.abc import Iterator

import pytest

from tests.emulator.emulated_village import EmulatedVillage
from tests.emulator.ready_village import ReadyVillage


@pytest.fixture(scope="module")
def village(ready_village: ReadyVillage) -> Iterator[EmulatedVillage]:
    with ready_village.started() as village:
        yield village


def led(village: EmulatedVillage, name: str) -> str:
    """What the kernel's LED class says of a LED of the board: off, on, or the trigger it has."""
    folder = f"/sys/class/leds/orangepi:{name}"
    triggers = village.shell.check(f"cat {folder}/trigger")
    trigger = triggers.partition("[")[2].partition("]")[0]
    if trigger != "none":
        return trigger
    return "off" if village.shell.check(f"cat {folder}/brightness") == "0" else "on"


def publish(village: EmulatedVillage, kind: str, state: str) -> None:
    """Publish a status in a daemon's place."""
    code = f"from mokanda_firmware.bus import statuses; statuses.{kind}('{state}').publish()"
    village.shell.check(f'python3 -c "{code}"')


def kill_for_good(village: EmulatedVillage, unit: str) -> None:
    """Kill a daemon that systemd would otherwise start again, and wait until it is known."""
    folder = f"/run/systemd/system/{unit}.service.d"
    village.shell.check(f"mkdir -p {folder}")
    village.shell.check(f"printf '[Service]\\nRestart=no\\n' >{folder}/once.conf")
    village.shell.check("systemctl daemon-reload", seconds=60)
    # Not by `systemctl kill`, at which what systemd starts when a daemon ends is killed, too.
    village.shell.check(f"kill -KILL $(systemctl show --value --property MainPID {unit})")
    # What systemd starts then has ended, too.
    village.shell.check(f"until systemctl is-failed --quiet {unit}; do sleep 1; done", seconds=60)
    village.shell.wait_for_status(unit, lambda now: now["state"] == "failed")


def test_a_device_that_is_ready_shines_green(village: EmulatedVillage) -> None:
    village.shell.wait_for_status("lights", lambda now: now["state"] == "ready")
    assert (led(village, "green:pwr"), led(village, "red:status")) == ("on", "off")
    assert (village.board.lamp(0), village.board.lamp(1)) == ("on", "off")


def test_mail_on_its_way_blinks(village: EmulatedVillage) -> None:
    publish(village, "CourierStatus", "syncing")
    village.shell.wait_for_status("lights", lambda now: now["state"] == "syncing")
    assert (led(village, "green:pwr"), village.board.lamp(0)) == ("timer", "pwm0")
    publish(village, "CourierStatus", "idle")


def test_a_fault_shines_red(village: EmulatedVillage) -> None:
    publish(village, "UpdatesStatus", "failed")
    village.shell.wait_for_status("lights", lambda now: now["state"] == "fault")
    assert (led(village, "green:pwr"), led(village, "red:status")) == ("off", "on")
    assert (village.board.lamp(0), village.board.lamp(1)) == ("off", "on")
    publish(village, "UpdatesStatus", "idle")


def test_a_daemon_that_was_killed_is_shown_until_it_is_back(village: EmulatedVillage) -> None:
    kill_for_good(village, "mokanda-courier")
    village.shell.wait_for_status("lights", lambda now: now["state"] == "dead")
    assert (led(village, "green:pwr"), led(village, "red:status")) == ("off", "timer")
    village.shell.check("systemctl start mokanda-courier", seconds=180)
    village.shell.wait_for_status("mokanda-courier", lambda now: now["state"] == "up")
    village.shell.wait_for_status("lights", lambda now: now["state"] == "ready", 180)


def test_lights_whose_daemon_is_killed_show_a_fault(village: EmulatedVillage) -> None:
    assert led(village, "green:pwr") == "on"
    kill_for_good(village, "mokanda-lights")
    assert (led(village, "green:pwr"), led(village, "red:status")) == ("off", "on")
    assert (village.board.lamp(0), village.board.lamp(1)) == ("off", "on")


def test_a_lamp_that_has_just_come_promises_nothing(village: EmulatedVillage) -> None:
    """Follows the last test: there is no daemon that would set it."""
    village.shell.check("udevadm trigger --settle --action=add /sys/class/leds/orangepi:green:pwr")
    assert led(village, "green:pwr") == "timer"
