# SPDX-License-Identifier: Apache-2.0
"""A card, as it is flashed, whose bits rot: none are read as others, and all are mended.

The tests follow each other on one board: each begins where the one before has left it.
"""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from mokanda_firmware.updates.verity import BLOCK
from scripts.assembly import layout
from scripts.emulator.board import Board
from tests.emulator.shell import Shell

FLIPS = 6
# Programs and shell from memory: that these rot is another matter.
SUMS = (
    "/run/busybox find / -xdev -type f -exec /run/busybox sha256sum {{}} + >/run/{0} 2>/run/{0}.no"
)


@pytest.fixture(scope="module")
def board(request: pytest.FixtureRequest, folder: Path) -> Iterator[Board]:
    image = request.config.getoption("image")
    with Board(image, folder / "rotten", keeps_time=False) as board:
        Shell(board).install()
        board.power_on()
        yield board


@pytest.fixture
def shell(board: Board) -> Shell:
    return Shell(board)


def flip(card: Path, at: int) -> None:
    """Flip a bit of the card's byte `at`."""
    with card.open("r+b") as file:
        file.seek(at)
        (byte,) = file.read(1)
        file.seek(at)
        file.write(bytes([byte ^ 0x10]))


def blocks(card: Path) -> int:
    """How many blocks the root file system in slot A has; behind them is their hash tree."""
    with card.open("rb") as file:
        file.seek(layout.SLOTS["A"] + 40)
        return -(-int.from_bytes(file.read(8), "little") // BLOCK)


def content(card: Path, slot: str) -> bytes:
    """A whole slot, as it lies on the card."""
    with card.open("rb") as file:
        file.seek(layout.SLOTS[slot])
        return file.read(layout.SLOT_SIZE)


@pytest.mark.thorough
def test_a_file_whose_bits_rot_is_not_read_as_another(board: Board, shell: Shell) -> None:
    shell.wait_for_start()
    shell.check("cp /usr/bin/busybox /run")
    shell.run(SUMS.format("before"), seconds=300)
    chosen = random.Random(1).sample(range(blocks(board.card)), FLIPS)
    for block in chosen:
        flip(board.card, layout.SLOTS["A"] + block * BLOCK + block % BLOCK)
    shell.check("echo 3 >/proc/sys/vm/drop_caches")
    for block in chosen:
        told = shell.run(
            f"/run/busybox dd if=/dev/dm-0 of=/dev/null bs={BLOCK} skip={block} count=1"
        )
        assert "Input/output error" in told.output
    shell.run(SUMS.format("after"), seconds=300)
    assert shell.check("/run/busybox grep -c 'Input/output error' /run/after.no") != "0"
    changed = shell.run(
        "/run/busybox diff -U 0 /run/before /run/after | /run/busybox tail -n +3"
    ).output
    assert {line[0] for line in changed.splitlines()} == {"@", "-"}, changed


def test_a_slot_whose_hash_tree_has_rotted_gives_way(board: Board, shell: Shell) -> None:
    board.cut_power()
    flip(board.card, layout.SLOTS["A"] + blocks(board.card) * BLOCK)
    board.set_boot_variable("BOOT_A_LEFT", "1")
    board.power_on()
    board.console.wait_for("cannot be mounted, resetting", 120)
    shell.wait_for_start()
    assert "rauc.slot=B" in shell.check("cat /proc/cmdline")


@pytest.mark.thorough
def test_it_is_mended_by_what_runs(board: Board, shell: Shell) -> None:
    shell.check("systemctl start mokanda-slots", 180)
    assert content(board.card, "A") == content(board.card, "B")
    shown = shell.wait_for_status("updates", lambda now: bool(now.get("mended")))
    assert "blocks mended in slot A" in shown["rot"]


@pytest.mark.thorough
def test_what_runs_is_mended_while_it_does(board: Board, shell: Shell) -> None:
    block = blocks(board.card) // 2
    flip(board.card, layout.SLOTS["B"] + block * BLOCK)
    read = f"dd if=/dev/dm-0 of=/dev/null bs={BLOCK} skip={block} count=1"
    assert "Input/output error" in shell.run(read).output
    shell.check("systemctl start mokanda-slots", 180)
    shell.check(read)
    assert content(board.card, "A") == content(board.card, "B")
