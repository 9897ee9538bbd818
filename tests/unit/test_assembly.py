# SPDX-License-Identifier: Apache-2.0
"""The card's layout and the boot environment, without building an image."""

from itertools import pairwise
from pathlib import Path

import pytest

from scripts.assembly import boot, card, layout, u_boot
from scripts.emulator.card import run_tool
from scripts.recipes import boards, load
from scripts.tools.steps import StepError
from scripts.tools.tree import lay


def test_nothing_on_the_card_lies_over_anything_else() -> None:
    size = layout.ENVIRONMENT_SIZE
    parts = [
        (layout.ENVIRONMENT[0], size),
        (layout.ENVIRONMENT[1], size),
        (layout.SETUP, layout.SETUP_SIZE),
        (layout.SLOTS["A"], layout.SLOT_SIZE),
        (layout.SLOTS["B"], layout.SLOT_SIZE),
        (layout.DATA, layout.CARD_SIZE - layout.DATA),
    ]
    for (start, length), (following, _) in pairwise(parts):
        assert start + length <= following


def test_a_script_of_the_environment_becomes_one_line() -> None:
    text = "# a comment\n\nbootdelay=0\n\nbootcmd=\nif test a = b; then\n  run c;\nfi\n"
    assert u_boot.parse_environment(text) == {
        "bootdelay": "0",
        "bootcmd": "if test a = b; then run c; fi",
    }


@pytest.mark.parametrize("board", boards())
def test_the_shipped_environment_starts_with_tries_for_both_slots(board: str) -> None:
    variables = u_boot.environment(load(board).soc)
    assert variables["BOOT_ORDER"] == "A B"
    assert int(variables["BOOT_A_LEFT"], 16) <= 9
    assert int(variables["BOOT_B_LEFT"], 16) <= 9


@pytest.mark.parametrize("board", boards())
def test_only_what_changes_is_taken_from_the_card(board: str) -> None:
    taken = u_boot.TAKEN_FROM_CARD
    assert {"BOOT_ORDER", "BOOT_A_LEFT", "BOOT_B_LEFT"} < taken.keys()
    built_in = u_boot.environment(load(board).soc).keys() - taken
    assert built_in == {"bootcmd", "bootdelay", "bootm_size", "choose_slot", "start_slot"}
    command = " ".join(u_boot.make(load(board).soc, Path("tree"), {}))
    assert all(f"{name}:{kind}w" in command for name, kind in taken.items())


@pytest.mark.parametrize("umask", [0o000, 0o002, 0o077])
def test_our_files_have_the_same_modes_by_whatever_umask_they_came(
    tmp_path: Path, umask: int
) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    for path, mode in (("etc/settings", 0o666), ("usr/bin/program", 0o777)):
        file = source / path
        file.parent.mkdir(parents=True)
        file.touch()
        file.chmod(mode & ~umask)
        file.parent.chmod(0o777 & ~umask)
    (target / "etc").mkdir(parents=True)
    (target / "etc/secret").touch(mode=0o600)
    lay(source, target)
    modes = {path.name: path.stat().st_mode & 0o777 for path in target.rglob("*")}
    assert modes["settings"] == 0o644
    assert modes["program"] == modes["etc"] == modes["bin"] == 0o755
    assert modes["secret"] == 0o600


def image(path: Path, size: int) -> Path:
    with path.open("wb") as file:
        file.truncate(size)
    return path


def test_a_kernel_that_cannot_verify_the_root_makes_no_image(tmp_path: Path) -> None:
    (tmp_path / "modules.builtin").write_text("kernel/fs/squashfs/squashfs.ko\n")
    (tmp_path / "modules.dep").write_text(
        "kernel/md/dm-bufio.ko: kernel/md/dm-mod.ko\nkernel/md/dm-mod.ko:\n"
    )
    wanted = ["dm_bufio", "squashfs"]
    assert boot.in_order(tmp_path, wanted) == ["kernel/md/dm-mod.ko", "kernel/md/dm-bufio.ko"]
    with pytest.raises(StepError, match="the kernel has no dm_verity"):
        boot.in_order(tmp_path, [*wanted, "dm_verity"])


def test_the_program_that_maps_the_root_is_small(tmp_path: Path) -> None:
    """It lies in memory and on the card of every board; with a C library it had 400 KB."""
    run_tool(*boot.verity_command(load("orangepi-zero").soc, tmp_path / "verity"))
    assert (tmp_path / "verity").stat().st_size < 4096


def test_a_slot_holds_root_and_fit_at_their_places(tmp_path: Path) -> None:
    (tmp_path / "root").write_bytes(b"root")
    (tmp_path / "fit").write_bytes(b"fit")
    card.slot(tmp_path / "root", tmp_path / "fit", tmp_path / "slot")
    content = (tmp_path / "slot").read_bytes()
    assert content.startswith(b"root")
    assert content[layout.FIT :].startswith(b"fit")


def test_a_root_image_that_leaves_no_room_to_grow_is_refused(tmp_path: Path) -> None:
    root = image(tmp_path / "root", int(layout.ROOT_SIZE * 0.81))
    with pytest.raises(StepError, match="root image fills 81%"):
        card.slot(root, image(tmp_path / "fit", 1), tmp_path / "slot")
