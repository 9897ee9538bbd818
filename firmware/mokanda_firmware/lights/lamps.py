# SPDX-License-Identifier: Apache-2.0
"""What lamps hang on: the kernel's LED class, or a PCA9552 on I2C. Either blinks by itself."""

import logging
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from mokanda_firmware.lights.table import DARK, STEADY, Blink

_log = logging.getLogger(__name__)

LED_CLASS = Path("/sys/class/leds")

# PCA9552 (NXP, data sheet rev. 6): registers and the two bits of an output in LS0 to LS3.
_PSC0 = 0x02
_AUTO_INCREMENT = 0x10
_OUTPUTS = 16
_LIT, _OFF, _BLINK0, _BLINK1 = 0b00, 0b01, 0b10, 0b11
_TICKS = 44  # of the prescaler, a second


class Lamps(Protocol):
    """Lamps of one kind."""

    def outputs(self) -> list[str]:
        """Name lamps and what they hang on, for people."""
        ...

    def show(self, pattern: Mapping[str, Blink]) -> None:
        """Play `pattern`; lamps that it does not name are dark. Raises OSError."""
        ...


class LedClass:
    """Lamps of the kernel's LED class; its `timer` trigger blinks."""

    def __init__(self, names: Mapping[str, str], root: Path = LED_CLASS) -> None:
        """`names` maps lamps to folders below `root`."""
        self._folders = {lamp: root / name for lamp, name in names.items()}

    def outputs(self) -> list[str]:
        """Name lamps and LED folders."""
        return [f"{lamp}: {folder.name}" for lamp, folder in self._folders.items()]

    def show(self, pattern: Mapping[str, Blink]) -> None:
        """Play `pattern`."""
        for lamp, folder in self._folders.items():
            blink = pattern.get(lamp, DARK)
            if blink.lit and blink.dark:
                _write(folder / "trigger", "timer")
                _write(folder / "delay_on", str(round(blink.lit * 1000)))
                _write(folder / "delay_off", str(round(blink.dark * 1000)))
            else:
                _write(folder / "trigger", "none")
                brightest = (folder / "max_brightness").read_text(encoding="ascii").strip()
                _write(folder / "brightness", brightest if blink.lit else "0")


class Pca9552:
    """Lamps at the 16 outputs of a PCA9552, which has two rates of blinking."""

    def __init__(self, bus: int, address: int, lamps: Mapping[str, int]) -> None:
        """`lamps` maps lamps to outputs, 0 to 15."""
        self._bus = bus
        self._address = address
        self._lamps = dict(lamps)

    def outputs(self) -> list[str]:
        """Name lamps and outputs."""
        return [f"{lamp}: PCA9552 LED{output}" for lamp, output in self._lamps.items()]

    def show(self, pattern: Mapping[str, Blink]) -> None:
        """Play `pattern`, of at most two different ways to blink."""
        from smbus2 import SMBus

        registers = self.registers(pattern)
        with SMBus(self._bus) as bus:
            bus.write_i2c_block_data(self._address, _PSC0 | _AUTO_INCREMENT, registers)

    def registers(self, pattern: Mapping[str, Blink]) -> list[int]:
        """Return what the registers from PSC0 to LS3 must hold."""
        rates: list[Blink] = []
        selectors = [_OFF] * _OUTPUTS
        for lamp, output in self._lamps.items():
            blink = pattern.get(lamp, DARK)
            if not blink.lit:
                continue
            if blink == STEADY:
                selectors[output] = _LIT
                continue
            if blink not in rates:
                rates.append(blink)
            selectors[output] = (_BLINK0, _BLINK1)[rates.index(blink)]
        rates += [STEADY] * (2 - len(rates))
        registers = [value for blink in rates for value in _rate(blink)]
        for first in range(0, _OUTPUTS, 4):
            group = selectors[first : first + 4]
            registers.append(sum(bits << (2 * place) for place, bits in enumerate(group)))
        return registers


def _rate(blink: Blink) -> tuple[int, int]:
    """Return prescaler and PWM: a lamp is lit for (256 - PWM) / 256 of its period."""
    period = blink.lit + blink.dark
    prescaler = round(period * _TICKS) - 1
    dark = round(256 * blink.dark / period)
    return min(prescaler, 255), min(dark, 255)


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="ascii")


def of_board(file: Path, led_class: Path = LED_CLASS) -> list[Lamps]:
    """Return the lamps that the board's file names; none, with a line in the log, without it.

    The file is TOML, part of the image::

        [lights.led_class]
        green = "orangepi:green:pwr"
        [lights.pca9552]
        bus = 0
        address = 0x60
        lamps = { green = 0, red = 1 }
    """
    try:
        board = tomllib.loads(file.read_text(encoding="utf-8"))
        lights = board.get("lights", {})
        found: list[Lamps] = []
        if "led_class" in lights:
            found.append(LedClass(dict(lights["led_class"]), led_class))
        if "pca9552" in lights:
            found.append(Pca9552(**lights["pca9552"]))
    except (OSError, ValueError, TypeError) as error:
        _log.error("no lamps: %s: %s", file, error)
        return []
    return found
