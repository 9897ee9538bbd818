# SPDX-License-Identifier: Apache-2.0
"""Recipes of a board and of a SoC that nobody sells."""

from pathlib import Path

# 64 bits, U-Boot in two files, the card not the first of its kind.
SOC = """
summary = "A SoC"
architecture = "arm64"
fit_architecture = "arm64"
cross_compile = "aarch64-linux-gnu-"
kernel_image = "Image"
kernel_address = 0x02000000
fit_address = 0x0C000000
console = "ttyS2,1500000"
card = 1
card_node = "/mmc@fe320000"
watchdog = "watchdog@ff848000"
watchdog_seconds = 20

[u_boot]
make = ["SCP=/dev/null"]
config = ["CONFIG_DESIGNWARE_WATCHDOG=y"]
files = { "idbloader.img" = 0x8000, "u-boot.itb" = 0x200000 }

[u_boot.firmware]
BL31 = "a-soc/bl31.elf"

[debian]
packages = ["linux-image-arm64"]

[buildroot]
config = ["BR2_aarch64=y", "BR2_cortex_a53=y", "BR2_LINUX_KERNEL_USE_ARCH_DEFAULT_CONFIG=y"]

[drivers.watchdog]
DW_WATCHDOG = "dw_wdt"

[drivers.card]
MMC_DW = "dw_mmc"
MMC_DW_ROCKCHIP = "dw_mmc_rockchip"

[drivers.hashing]
CRYPTO_SHA256_ARM64 = "sha256_arm64"

[drivers.ethernet]
DWMAC_ROCKCHIP = "dwmac_rk"

[drivers.usb]
USB_DWC2 = "dwc2"

[drivers.i2c]
I2C_RK3X = "i2c_rk3x"
"""

BOARD = """
summary = "A board"
soc = "a-soc"
u_boot = "a_board-a-soc"
device_tree = "a-maker/a-soc-a-board"
"""


def write(folder: Path, *, soc: str = SOC, board: str = BOARD, **topics: str) -> Path:
    """Write the recipes of an image for the board "a-board"; returns their folder."""
    files = {"socs/a-soc": soc, "boards/a-board": board}
    files.update({name: f'summary = "A topic"\n{text}' for name, text in topics.items()})
    for name, text in files.items():
        path = folder / f"{name}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder
