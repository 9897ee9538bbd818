# SPDX-License-Identifier: Apache-2.0
"""The emulated board's machinery: card, console, control socket; on a card that boots nothing."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.emulator import CARD_SIZE, Board, BoardError, run_tool
from scripts.patience import Deadline, DeadlineError, wait_until

MIB = 1 << 20


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image with a FAT partition SETUP at 1 MiB and nothing else."""
    path = tmp_path_factory.mktemp("image") / "mokanda.img"
    with path.open("wb") as file:
        file.truncate(16 * MIB)
    table = "label: dos\nstart=2048, size=8192, type=c\n"
    toolbox = Path(__file__).parents[2] / "scripts" / "toolbox"
    subprocess.run([toolbox, "sfdisk", "--quiet", path], input=table, text=True, check=True)
    run_tool(
        "mformat", "-i", f"{path}@@1M", "-v", "SETUP", "-T", "8192", "-h", "2", "-s", "9", "::"
    )
    return path


@pytest.fixture
def board(image: Path, tmp_path: Path) -> Iterator[Board]:
    with Board(image, tmp_path / "board") as board:
        yield board


def test_a_card_is_sparse_and_as_large_as_sold(board: Board) -> None:
    status = board.card.stat()
    assert status.st_size == CARD_SIZE
    assert status.st_blocks * 512 < 16 * MIB


def test_a_file_can_be_put_on_the_setup_partition(board: Board, tmp_path: Path) -> None:
    claim = tmp_path / "claim.toml"
    claim.write_text("code = 1\n")
    board.write_setup_file(claim)
    board.write_setup_file(claim)
    assert run_tool("mtype", "-i", f"{board.card}@@1M", "::mokanda-claim.toml") == "code = 1\n"


def test_the_card_is_kept_for_the_next_run(board: Board, image: Path, tmp_path: Path) -> None:
    claim = tmp_path / "claim.toml"
    claim.write_text("code = 1\n")
    board.write_setup_file(claim)
    with Board(image, board.card.parent) as again:
        assert "mokanda" in run_tool("mdir", "-b", "-i", f"{again.card}@@1M")
        assert not again.outdated


def test_without_an_image_the_board_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(BoardError, match="make image"):
        Board(tmp_path / "missing.img", tmp_path / "board")


def test_lamps_can_be_read_and_power_cut(board: Board) -> None:
    board.power_on()
    assert not board.lamp(0)
    with pytest.raises(BoardError, match="take the power away"):
        board.write_setup_file(board.log)
    board.cut_power()
    assert not board.running
    board.power_on()
    assert board.running


def test_what_qemu_refuses_is_said_in_its_words(board: Board) -> None:
    board.power_on()
    with pytest.raises(BoardError, match="QEMU refuses device_del: Device 'stick' not found"):
        board.qmp.execute("device_del", id="stick")


def test_a_wait_on_the_console_ends_with_its_last_lines(board: Board) -> None:
    board.power_on()
    with pytest.raises(DeadlineError, match=r"'login:' on the console .* for load"):
        board.console.wait_for("login:", seconds=0.1)


def test_a_deadline_names_what_did_not_come() -> None:
    with pytest.raises(DeadlineError, match="in vain for a miracle"):
        wait_until(lambda: False, "a miracle", seconds=0.01, every=0.01)
    assert Deadline(10, "much").left() > 0
