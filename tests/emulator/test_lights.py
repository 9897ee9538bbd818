# SPDX-License-Identifier: Apache-2.0
"""The device's state on its lamps: the board's own LEDs, and those of the LED driver on I2C."""

from tests.emulator.emulated_village import EmulatedVillage


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


def test_a_device_that_is_ready_shines_green(village: EmulatedVillage) -> None:
    village.shell.wait_for_status("lights", lambda now: now["state"] == "ready")
    assert (led(village, "green:pwr"), led(village, "red:status")) == ("on", "off")
    assert (village.board.lamp(0), village.board.lamp(1)) == ("on", "off")


def test_a_fault_shines_red(village: EmulatedVillage) -> None:
    publish(village, "UpdatesStatus", "failed")
    village.shell.wait_for_status("lights", lambda now: now["state"] == "fault")
    assert (led(village, "green:pwr"), led(village, "red:status")) == ("off", "on")
    assert (village.board.lamp(0), village.board.lamp(1)) == ("off", "on")


def test_mail_on_its_way_blinks(village: EmulatedVillage) -> None:
    publish(village, "CourierStatus", "syncing")
    village.shell.wait_for_status("lights", lambda now: now["state"] == "syncing")
    assert (led(village, "green:pwr"), village.board.lamp(0)) == ("timer", "pwm0")
