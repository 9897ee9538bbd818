# SPDX-License-Identifier: Apache-2.0
"""A board of another SoC is two recipes: what is planned for one of 64 bits, unbuilt."""

import re
import shutil
from pathlib import Path

import pytest

from scripts.assembly import boot, card, layout, root, u_boot
from scripts.assembly.kernel import Kernel
from scripts.assembly.template import fill
from scripts.emulator.card import run_tool
from scripts.engines.buildroot import external_tree
from scripts.recipes import ROOT, RecipeError, System, load
from scripts.tools.steps import StepError
from tests import recipes


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> System:
    """The board with all the topics of our own images."""
    folder = tmp_path_factory.mktemp("recipes")
    for topic in ROOT.glob("*.toml"):
        shutil.copy(topic, folder)
    return load("a-board", recipes.write(folder))


def test_its_kernel_and_drivers_take_the_place_of_others(system: System) -> None:
    ours = load("orangepi-zero")
    assert set(system.debian_packages) ^ set(ours.debian_packages) == {
        "linux-image-arm64",
        "linux-image-armmp",
    }
    assert system.initramfs_modules[:3] == ["dw_wdt", "dw_mmc", "dw_mmc_rockchip"]
    assert "dwmac_rk" in system.modules_early
    assert {"dwc2", "i2c_rk3x"} <= set(system.modules_late)
    assert not {name for name in system.kernel if "SUN" in name}


def test_u_boot_is_compiled_for_it(system: System) -> None:
    command = u_boot.make(system.soc, Path("/tree"), {"BL31": Path("/firmware/bl31.elf")})
    assert "CROSS_COMPILE=aarch64-linux-gnu-" in command
    assert {"SCP=/dev/null", "BL31=/firmware/bl31.elf"} <= set(command)
    lines = u_boot.configuration(system.soc).splitlines()
    assert "CONFIG_DESIGNWARE_WATCHDOG=y" in lines
    assert "CONFIG_SYS_MMC_ENV_DEV=1" in lines
    assert "CONFIG_WATCHDOG_TIMEOUT_MSECS=20000" in lines
    assert not [line for line in lines if "SUNXI" in line]


def test_u_boot_starts_a_slot_with_its_addresses_and_devices(system: System) -> None:
    variables = u_boot.environment(system.soc)
    assert variables["bootcmd"].startswith("wdt dev watchdog@ff848000;")
    script = variables["start_slot"]
    assert script.startswith("mmc dev 1; if part start mmc 1 ${partition} start &&")
    assert "console=ttyS2,1500000 " in script
    assert script.endswith("bootm c000000; fi")
    assert re.findall(r"4[0-9]{7}", script) == []


def files(folder: Path, *places: tuple[int, int]) -> dict[Path, int]:
    """Files of some sizes, and where on the card they belong."""
    placed = {}
    for number, (offset, size) in enumerate(places):
        path = folder / f"part-{number}"
        with path.open("wb") as file:
            file.truncate(size)
        placed[path] = offset
    return placed


def test_u_boot_in_two_files_finds_room_on_the_card(system: System, tmp_path: Path) -> None:
    offsets = system.soc.u_boot_files
    card.check_places(
        files(tmp_path, (offsets["idbloader.img"], 200 << 10), (offsets["u-boot.itb"], 1 << 20))
    )


@pytest.mark.parametrize(
    "places",
    [
        [(0, 1)],  # the partition table
        [(0x8000, layout.ENVIRONMENT[0] - 0x8000 + 1)],
        [(layout.ENVIRONMENT[1], 1)],
        [(0x200000, layout.SETUP - 0x200000 + 1)],
        [(0x8000, 0x10000), (0x17FFF, 1)],  # each other
    ],
)
def test_u_boot_may_lie_over_nothing_else(tmp_path: Path, places: list[tuple[int, int]]) -> None:
    with pytest.raises(StepError, match="would lie over something else"):
        card.check_places(files(tmp_path, *places))


def test_u_boot_takes_its_boot_image_for_one_of_64_bits(system: System, tmp_path: Path) -> None:
    kernel, tree, initramfs, source, image = (tmp_path / name for name in "kdisf")
    for path in (kernel, tree, initramfs):
        path.write_text("content")
    started = Kernel(kernel, system.soc.kernel_address, None)
    source.write_text(boot.fit_source(system.soc, started, tree, initramfs))
    run_tool("mkimage", "-f", source, image)
    listed = run_tool("dumpimage", "-l", image)
    assert re.findall(r"Architecture: +(\S+)", listed) == ["AArch64"] * 3
    assert re.findall(r"Load Address: +(0x0\w+)", listed) == ["0x02000000"]
    assert re.findall(r"Compression: +(\w+)", listed) == ["gzip", "uncompressed", "uncompressed"]


def test_linux_finds_slots_environment_and_data_on_its_card(system: System) -> None:
    configuration = root.rauc_configuration(system, "1.2.3")
    assert "compatible=mokanda-a-board\n" in configuration
    assert re.findall(r"device=(\S+)", configuration) == ["/dev/mmcblk1p2", "/dev/mmcblk1p3"]
    assert root.environment_places(system.soc).startswith("/dev/mmcblk1 0x100000 0x10000\n")
    init = fill((ROOT / "boot/init").read_text(), system.soc)
    assert "data=/dev/mmcblk1p4\n" in init
    assert "mmcblk0" not in init


def test_nothing_older_is_installed_over_it(system: System) -> None:
    configuration = root.rauc_configuration(system, "1.2.3-dev+0123456789ab.dirty")
    assert "min-bundle-version=1.2.3-dev\n" in configuration


def test_a_version_that_rauc_cannot_compare_is_refused(system: System) -> None:
    with pytest.raises(StepError, match="semver"):
        root.rauc_configuration(system, "spring")


def test_buildroot_is_told_of_it(system: System) -> None:
    defconfig = external_tree.defconfig(system)
    assert "BR2_aarch64=y\n" in defconfig
    assert "BR2_arm=y" not in defconfig
    assert 'BR2_LINUX_KERNEL_INTREE_DTS_NAME="a-maker/a-soc-a-board"\n' in defconfig
    assert "/linux/boards/a-board.config" in defconfig
    fragment = external_tree.kernel_fragment(system, [system.soc, system.board])
    assert "CONFIG_MMC_DW=y\n" in fragment  # no module: the card is needed from the first


def test_a_word_that_no_soc_has_is_refused(system: System) -> None:
    with pytest.raises(RecipeError, match="@RADIO@"):
        fill("modprobe @RADIO@", system.soc)
