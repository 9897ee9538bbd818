# SPDX-License-Identifier: Apache-2.0
"""A system on a chip: what all boards with it have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.recipes.recipe import Recipe, fields, kernel_options
from scripts.recipes.table import read


@dataclass(frozen=True, kw_only=True)
class Soc(Recipe):
    """A SoC: a recipe that also says what U-Boot and Linux call what is in it.

    Attributes:
        architecture: Debian's name of it ("arm64").
        fit_architecture: U-Boot's, in FIT images ("arm64").
        cross_compile: what the names of its compiler's programs begin with ("aarch64-linux-gnu-").
        kernel_image: the file of Linux that can be started: "Image", or a "zImage", which would
            unpack itself (scripts/assembly/kernel.py).
        kernel_address: where in memory it is started; a zImage, above what it would unpack to.
        fit_address: where in memory a slot's FIT image is read to, clear of the former.
        console: the serial console, as on the kernel's command line.
        card: U-Boot's number of the card ("mmc 0"), which Linux is made to use, too.
        card_node: the card's controller in Linux's device tree.
        watchdog: the name of the watchdog's node in U-Boot's device tree.
        watchdog_seconds: the longest time that it counts.
        u_boot_make: arguments of U-Boot's make.
        u_boot_config: lines of U-Boot's configuration.
        u_boot_firmware: what its make asks for, and which file that is of Trusted Firmware-A
            ("BL31": "sun50i_a64/bl31.bin").
        u_boot_files: what of U-Boot goes onto the card, and at which of its bytes.
        drivers: modules by their role, each role's in the order in which they are loaded.
    """

    architecture: str
    fit_architecture: str
    cross_compile: str
    kernel_image: str
    kernel_address: int
    fit_address: int
    console: str
    card: int
    card_node: str
    watchdog: str
    watchdog_seconds: int
    u_boot_make: tuple[str, ...]
    u_boot_config: tuple[str, ...]
    u_boot_firmware: Mapping[str, str]
    u_boot_files: Mapping[str, int]
    drivers: Mapping[str, tuple[str, ...]]

    @property
    def card_device(self) -> str:
        """Linux's name of the card."""
        return f"mmcblk{self.card}"

    @property
    def console_device(self) -> str:
        """Linux's name of the serial console."""
        return self.console.partition(",")[0]


def read_soc(path: Path) -> Soc:
    """Read a SoC; raises RecipeError."""
    table = read(path)
    u_boot = table.table("u_boot")
    files, firmware = u_boot.table("files"), u_boot.table("firmware")
    roles = table.table("drivers")
    drivers = {role: kernel_options(roles.table(role)) for role in roles.rest()}
    common = fields(path.stem, table)
    common["kernel"] = tuple(
        sorted({*common["kernel"], *(option for role in drivers.values() for option in role)})
    )
    soc = Soc(
        **common,
        architecture=table.text("architecture"),
        fit_architecture=table.text("fit_architecture"),
        cross_compile=table.text("cross_compile"),
        kernel_image=table.one_of("kernel_image", ("Image", "zImage")),
        kernel_address=table.number("kernel_address"),
        fit_address=table.number("fit_address"),
        console=table.text("console"),
        card=table.number("card"),
        card_node=table.text("card_node"),
        watchdog=table.text("watchdog"),
        watchdog_seconds=table.number("watchdog_seconds"),
        u_boot_make=u_boot.strings("make"),
        u_boot_config=u_boot.strings("config"),
        u_boot_firmware={name: firmware.text(name) for name in firmware.rest()},
        u_boot_files={name: files.number(name) for name in files.rest()},
        drivers={role: tuple(module for _, module in drivers[role]) for role in drivers},
    )
    for part in (u_boot, table):
        part.end()
    return soc
