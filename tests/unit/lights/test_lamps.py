# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from mokanda_firmware.lights.lamps import LedClass, Pca9552, of_board
from mokanda_firmware.lights.table import FAST, SLOW, STEADY, WINK


@pytest.fixture
def leds(tmp_path: Path) -> Path:
    """A tree like /sys/class/leds with a green and a red lamp."""
    for name in ("orangepi:green:pwr", "orangepi:red:status"):
        (tmp_path / name).mkdir()
        for file in ("trigger", "brightness", "delay_on", "delay_off"):
            (tmp_path / name / file).write_text("")
        (tmp_path / name / "max_brightness").write_text("255\n")
    return tmp_path


@pytest.fixture
def led_class(leds: Path) -> LedClass:
    return LedClass({"green": "orangepi:green:pwr", "red": "orangepi:red:status"}, leds)


def of(leds: Path, name: str) -> tuple[str, ...]:
    folder = leds / name
    return tuple(
        (folder / file).read_text() for file in ("trigger", "brightness", "delay_on", "delay_off")
    )


def test_a_steady_lamp_is_lit_and_the_other_dark(led_class: LedClass, leds: Path) -> None:
    led_class.show({"green": STEADY})
    assert of(leds, "orangepi:green:pwr")[:2] == ("none", "255")
    assert of(leds, "orangepi:red:status")[:2] == ("none", "0")


def test_the_kernel_blinks(led_class: LedClass, leds: Path) -> None:
    led_class.show({"red": WINK})
    assert of(leds, "orangepi:red:status") == ("timer", "", "1750", "250")


def test_a_lamp_that_is_not_there_is_an_error(leds: Path) -> None:
    with pytest.raises(FileNotFoundError):
        LedClass({"green": "nowhere"}, leds).show({"green": STEADY})


def test_the_chip_lights_steady_lamps_and_darkens_all_others() -> None:
    chip = Pca9552(0, 0x60, {"green": 0, "red": 5})
    psc_and_pwm, selectors = split(chip.registers({"green": STEADY}))
    assert len(psc_and_pwm) == 4
    assert selectors == [0x54, 0x55, 0x55, 0x55]


def test_the_chip_blinks_at_two_rates() -> None:
    chip = Pca9552(0, 0x60, {"green": 0, "red": 5})
    psc_and_pwm, selectors = split(chip.registers({"green": FAST, "red": SLOW}))
    assert psc_and_pwm == [21, 128, 87, 128]  # half a second and two seconds of 1/44 s ticks
    assert selectors == [0x56, 0x5D, 0x55, 0x55]


def test_a_wink_is_dark_for_a_short_part_of_its_period() -> None:
    chip = Pca9552(0, 0x60, {"green": 0})
    assert chip.registers({"green": WINK})[:2] == [87, 32]


def split(registers: list[int]) -> tuple[list[int], list[int]]:
    return registers[:4], registers[4:]


def test_the_board_file_tells_what_lamps_there_are(tmp_path: Path) -> None:
    board = tmp_path / "board.toml"
    board.write_text(
        '[lights.led_class]\ngreen = "orangepi:green:pwr"\n'
        "[lights.pca9552]\nbus = 0\naddress = 0x60\nlamps = { green = 1 }\n"
    )
    outputs = [output for lamps in of_board(board) for output in lamps.outputs()]
    assert outputs == ["green: orangepi:green:pwr", "green: PCA9552 LED1"]


@pytest.mark.parametrize("text", ["", "[lights]", "not toml", "[lights.pca9552]\nbusses = 3\n"])
def test_a_board_file_without_lamps_or_sense_means_no_lamps(tmp_path: Path, text: str) -> None:
    board = tmp_path / "board.toml"
    board.write_text(text)
    assert of_board(board) == []


def test_without_a_board_file_there_are_no_lamps(tmp_path: Path) -> None:
    assert of_board(tmp_path / "board.toml") == []
