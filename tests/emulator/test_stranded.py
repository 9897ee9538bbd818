# SPDX-License-Identifier: Apache-2.0
"""A card as it is flashed, with its watchdog, and what must not strand its board.

The tests follow each other on one board: each begins where the one before has left it.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.assembly import layout
from scripts.emulator.board import Board
from scripts.emulator.card import CARD_SIZE, read_environment
from tests.emulator.shell import Shell

KERNEL = "Starting kernel"
U_BOOT = "U-Boot SPL"
# Every block group of the data partition is as long, and may begin with a copy of its superblock.
GROUP = 128 * layout.MIB


@pytest.fixture(scope="module")
def board(request: pytest.FixtureRequest, folder: Path) -> Iterator[Board]:
    image = request.config.getoption("image")
    with Board(image, folder / "as-flashed", keeps_time=False) as board:
        Shell(board).install()
        yield board


@pytest.fixture
def shell(board: Board) -> Shell:
    return Shell(board)


def test_noise_on_the_serial_line_does_not_stop_the_boot(board: Board) -> None:
    board.power_on()
    board.console.write("\x03 \r\n")
    board.console.wait_for(U_BOOT, 60)
    board.console.write("\x03 \r\n")
    board.console.wait_for(KERNEL, 60)


def test_a_systemd_that_stops_is_reset(board: Board, shell: Shell) -> None:
    shell.wait_for_start()
    # Signals do not stop process 1. With all others the time passes faster.
    groups = "/sys/fs/cgroup/init.scope /sys/fs/cgroup/system.slice"
    board.console.write(f"for group in {groups}; do echo 1 >$group/cgroup.freeze; done\n")
    board.console.wait_for(U_BOOT, 60)


@pytest.mark.thorough
def test_short_power_cuts_do_not_take_a_proven_slot_away(board: Board) -> None:
    for _ in range(5):
        board.console.wait_for(KERNEL, 60)
        board.cut_power()
        assert read_environment(board.card)["slot"] == "A"
        board.power_on()


def test_a_card_that_has_lost_both_copies_of_the_environment_starts(board: Board) -> None:
    board.cut_power()
    with board.card.open("r+b") as card:
        for offset in layout.ENVIRONMENT:
            card.seek(offset + 100)
            card.write(b"torn")
    board.power_on()
    board.console.wait_for("bad CRC", 60)
    board.console.wait_for(KERNEL, 60)
    board.cut_power()
    assert read_environment(board.card)["BOOT_A_LEFT"] == "8"


def test_a_data_partition_that_is_lost_is_made_anew(board: Board, shell: Shell) -> None:
    with board.card.open("r+b") as card:
        for offset in range(layout.DATA, CARD_SIZE, GROUP):
            card.seek(offset)
            card.write(bytes(layout.MIB))
    shell.install()  # it went with the environment
    board.power_on()
    board.console.wait_for("no data partition, resetting", 120)
    shell.wait_for_start()
    kept = "/data/mokanda/damaged/partition"
    assert shell.check(f"stat -c '%s %U %G' {kept}") == f"{16 * layout.MIB} root mokanda"
    assert shell.check("fw_printenv -n data_failures") == "0"
    told = shell.check("cat /run/mokanda/setup/mokanda-damaged.txt")
    assert "could not be read any more" in told
