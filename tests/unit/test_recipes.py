# SPDX-License-Identifier: Apache-2.0
"""Recipes: what is read from them, and what is refused."""

from pathlib import Path

import pytest

from scripts.recipes import RecipeError, boards, load
from tests import recipes


@pytest.mark.parametrize("board", boards())
def test_the_recipes_of_every_board_can_be_followed(board: str) -> None:
    assert "systemd" in load(board).debian_packages


def test_topics_are_merged(tmp_path: Path) -> None:
    root = recipes.write(
        tmp_path,
        mail='[debian]\npackages = ["gpg"]\nwithout = ["dirmngr"]',
        modem='[debian]\npackages = ["ppp", "gpg"]\n[services]\nenable = ["modem.service"]',
    )
    system = load("a-board", root)
    assert system.debian_packages == ["gpg", "linux-image-arm64", "ppp"]
    assert system.debian_without == ["dirmngr"]
    assert system.services_enable == ["modem.service"]
    assert system.compatible == "mokanda-a-board"


def test_a_package_that_one_recipe_asks_for_stays_though_another_leaves_it_out(
    tmp_path: Path,
) -> None:
    root = recipes.write(
        tmp_path,
        one='[debian]\npackages = ["tar"]',
        other='[debian]\nwithout = ["tar"]',
    )
    assert load("a-board", root).debian_without == []


def test_a_topic_names_the_drivers_of_the_soc_by_their_role(tmp_path: Path) -> None:
    root = recipes.write(
        tmp_path,
        boot='[kernel]\nSQUASHFS = "squashfs"\n'
        '[initramfs]\nmodules = ["@watchdog", "@card", "squashfs"]',
    )
    system = load("a-board", root)
    assert system.initramfs_modules == ["dw_wdt", "dw_mmc", "dw_mmc_rockchip", "squashfs"]
    assert system.kernel["MMC_DW_ROCKCHIP"] == "dw_mmc_rockchip"


def test_a_driver_that_is_no_module_is_loaded_by_nobody(tmp_path: Path) -> None:
    soc = recipes.SOC.replace('"dw_wdt"', '""')
    root = recipes.write(tmp_path, soc=soc, boot='[initramfs]\nmodules = ["@watchdog"]')
    system = load("a-board", root)
    assert system.initramfs_modules == []
    assert system.kernel["DW_WATCHDOG"] == ""


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[debian]\npackage = ["gpg"]', r"topic.toml: \[debian\] has no key 'package'"),
        ("[debain]\npackages = []", "topic.toml has no key 'debain'"),
        ('[debian]\npackages = "gpg"', "packages must be a list of strings"),
        ("[debian]\npackages = [1]", "packages must be a list of strings"),
        ("[kernel]\nPPP = true", r"\[kernel\]: PPP must be a string"),
        ('[initramfs]\nmodules = ["squashfs"]', "'squashfs' belongs to no"),
        ('[initramfs]\nmodules = ["@radio"]', r"a-soc.toml: \[drivers.radio\] is missing"),
        ("[debian", "topic.toml"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    root = recipes.write(tmp_path, topic=text)
    with pytest.raises(RecipeError, match=complaint):
        load("a-board", root)


@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        ('architecture = "arm64"', "", "a-soc.toml: architecture is missing"),
        ('architecture = "arm64"', 'architecture = ""', "architecture is empty"),
        ('"Image"', '"vmlinux"', "kernel_image must be one of: Image, zImage"),
        ("card = 1", 'card = "mmc 1"', "card must be a number"),
        ("card = 1", "card = -1", "card must be a number, 0 or more"),
        ("card = 1", "card = true", "card must be a number, 0 or more"),
        ("0x8000", '"8 KiB"', r"\[u_boot\]: \[files\]: idbloader.img must be a number"),
        ("[u_boot]", "[u_boot]\nspl = 8192", r"\[u_boot\] has no key 'spl'"),
        ("card = 1", "card = 1\nramdisk_address = 0", "a-soc.toml has no key 'ramdisk_address'"),
        ("[drivers.i2c]", "[drivers]\n[i2c]", "a-soc.toml has no key 'i2c'"),
    ],
)
def test_a_mistake_of_a_soc_is_named(
    tmp_path: Path, right: str, wrong: str, complaint: str
) -> None:
    root = recipes.write(tmp_path, soc=recipes.SOC.replace(right, wrong, 1))
    with pytest.raises(RecipeError, match=complaint):
        load("a-board", root)


def test_two_recipes_must_agree_on_the_module_of_an_option(tmp_path: Path) -> None:
    root = recipes.write(
        tmp_path, one='[kernel]\nPPP = "ppp_generic"', other='[kernel]\nPPP = "ppp"'
    )
    with pytest.raises(RecipeError, match="PPP makes"):
        load("a-board", root)


def test_an_unknown_board_is_answered_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no board 'b-board'; there are: a-board"):
        load("b-board", recipes.write(tmp_path))


def test_an_unknown_soc_is_answered_with_those_there_are(tmp_path: Path) -> None:
    root = recipes.write(tmp_path, board=recipes.BOARD.replace("a-soc", "b-soc"))
    with pytest.raises(RecipeError, match=r"a-board.toml: no soc 'b-soc'; there are: a-soc"):
        load("a-board", root)
