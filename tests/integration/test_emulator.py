# SPDX-License-Identifier: Apache-2.0
"""The emulated board's machinery: card, console, control socket; on a card that boots nothing."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.assembly import layout
from scripts.emulator.board import Board, BoardError
from scripts.emulator.card import (
    CARD_SIZE,
    CardError,
    read_environment,
    run_tool,
    set_boot_variable,
)
from scripts.emulator.qmp import QmpError
from scripts.emulator.snapshot import Snapshot
from scripts.tools.deadlines import Deadline, DeadlineError, wait_until

SETUP = f"@@{layout.SETUP}"


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image with a boot environment and a FAT partition SETUP, and nothing to boot."""
    path = tmp_path_factory.mktemp("image") / "mokanda.img"
    variables = path.with_suffix(".txt")
    variables.write_text("bootdelay=0\nbootcmd=run choose_slot\n")
    copy = path.with_suffix(".env")
    run_tool("mkenvimage", "-r", "-s", str(layout.ENVIRONMENT_SIZE), "-o", copy, variables)
    with path.open("wb") as file:
        for offset in layout.ENVIRONMENT:
            file.seek(offset)
            file.write(copy.read_bytes())
        file.truncate(layout.SETUP + layout.SETUP_SIZE)
    sectors = str(layout.SETUP_SIZE // layout.SECTOR)
    run_tool("mformat", "-i", f"{path}{SETUP}", "-v", "SETUP", "-T", sectors, "::")
    return path


@pytest.fixture
def board(image: Path, tmp_path: Path) -> Iterator[Board]:
    with Board(image, tmp_path / "board") as board:
        yield board


def test_a_card_is_sparse_and_as_large_as_sold(board: Board) -> None:
    status = board.card.stat()
    assert status.st_size == CARD_SIZE
    assert status.st_blocks * 512 < layout.SETUP + layout.SETUP_SIZE


def test_a_file_can_be_put_on_the_setup_partition(board: Board, tmp_path: Path) -> None:
    claim = tmp_path / "claim.toml"
    claim.write_text("code = 1\n")
    board.write_setup_file(claim)
    board.write_setup_file(claim)
    assert run_tool("mtype", "-i", f"{board.card}{SETUP}", "::mokanda-claim.toml") == "code = 1\n"


def test_the_card_is_kept_for_the_next_run(board: Board, image: Path, tmp_path: Path) -> None:
    claim = tmp_path / "claim.toml"
    claim.write_text("code = 1\n")
    board.write_setup_file(claim)
    with Board(image, board.card.parent) as again:
        assert "mokanda" in run_tool("mdir", "-b", "-i", f"{again.card}{SETUP}")
        assert not again.outdated


def test_u_boots_variables_can_be_changed(board: Board) -> None:
    board.set_kernel_arguments("quiet")
    assert read_environment(board.card) == {
        "bootdelay": "0",
        "bootcmd": "run choose_slot",
        "watchdog": "off",
        "extra_args": "maxcpus=1 quiet",
    }


def test_a_board_with_a_time_of_its_own_keeps_its_watchdog(image: Path, tmp_path: Path) -> None:
    with Board(image, tmp_path / "board", keeps_time=False) as board:
        assert "watchdog" not in read_environment(board.card)
        board.power_on()
        assert board.running


def test_the_newer_copy_of_the_environment_counts(board: Board) -> None:
    first, second = layout.ENVIRONMENT
    set_boot_variable(board.card, "slot", "A")
    with board.card.open("rb") as file:
        file.seek(first)
        older = file.read(layout.ENVIRONMENT_SIZE)
    set_boot_variable(board.card, "slot", "B")
    with board.card.open("r+b") as file:
        file.seek(first)
        file.write(older)
        file.seek(second + 4)
        file.write(b"\x02")
    assert read_environment(board.card)["slot"] == "B"


def test_a_damaged_copy_of_the_environment_does_not_count(board: Board) -> None:
    set_boot_variable(board.card, "slot", "A")
    with board.card.open("r+b") as file:
        file.seek(layout.ENVIRONMENT[0] + 100)
        file.write(b"damaged")
    assert read_environment(board.card)["slot"] == "A"


def test_a_card_without_an_environment_is_refused(board: Board) -> None:
    with board.card.open("r+b") as file:
        for offset in layout.ENVIRONMENT:
            file.seek(offset)
            file.write(bytes(64))
    with pytest.raises(CardError, match="no whole copy"):
        board.set_kernel_arguments("quiet")


def test_without_an_image_the_board_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(CardError, match="make image"):
        Board(tmp_path / "missing.img", tmp_path / "board")


def test_lamps_can_be_read_and_power_cut(board: Board) -> None:
    board.power_on()
    assert board.lamp(0) == "off"
    with pytest.raises(BoardError, match="take the power away"):
        board.write_setup_file(board.log)
    board.cut_power()
    assert not board.running
    board.power_on()
    assert board.running


def test_a_board_that_does_not_start_says_why_and_nothing_else_ends(
    image: Path, tmp_path: Path
) -> None:
    with (
        Board(image, tmp_path / "board", options=("-no-such-option",)) as board,
        pytest.raises(BoardError, match="no-such-option"),
    ):
        board.power_on()
    assert not board.running


def light(board: Board) -> None:
    """Do what a running board would do to its LED driver."""
    lamps = "/machine/peripheral/lamps"
    board.qmp.execute("qom-set", path=lamps, property="led0", value="on")


def test_what_qemu_refuses_is_said_in_its_words(board: Board) -> None:
    board.power_on()
    with pytest.raises(QmpError, match="QEMU refuses device_del: Device 'stick' not found"):
        board.qmp.execute("device_del", id="stick")


def test_a_wait_on_the_console_ends_with_its_last_lines(board: Board) -> None:
    board.power_on()
    with pytest.raises(DeadlineError, match=r"'login:' on the console .* for load"):
        board.console.wait_for("login:", seconds=0.1)


def test_a_board_goes_on_from_a_snapshot(board: Board, tmp_path: Path) -> None:
    board.set_boot_variable("slot", "A")
    board.power_on()
    light(board)
    snapshot = Snapshot(board, tmp_path / "snapshot")
    assert not board.running
    for _ in range(2):
        board.set_boot_variable("slot", "B")
        snapshot.restore(board)
        assert board.lamp(0) == "on"
        assert board.qmp.execute("query-status")["status"] == "running"
        board.cut_power()
        assert read_environment(board.card)["slot"] == "A"


def test_what_follows_is_no_part_of_a_snapshot(board: Board, tmp_path: Path) -> None:
    board.power_on()
    snapshot = Snapshot(board, tmp_path / "snapshot")
    snapshot.restore(board)
    light(board)
    snapshot.restore(board)
    assert board.lamp(0) == "off"


def test_a_board_from_a_snapshot_can_be_powered_on_anew(board: Board, tmp_path: Path) -> None:
    board.power_on()
    light(board)
    Snapshot(board, tmp_path / "snapshot").restore(board)
    board.cut_power()
    board.power_on()
    assert board.lamp(0) == "off"


def test_a_stick_can_be_plugged_in_after_a_snapshot(board: Board, tmp_path: Path) -> None:
    board.power_on()
    snapshot = Snapshot(board, tmp_path / "snapshot")
    snapshot.restore(board)
    content = tmp_path / "stick.img"
    content.write_bytes(bytes(1 << 20))
    board.plug_in_stick(content)
    with socket.socket(socket.AF_UNIX) as modem:
        modem.connect(str(board.modem_socket))
        usb = board.qmp.execute("human-monitor-command", **{"command-line": "info usb"})
    assert {"ID: modem", "ID: stick"} <= set(re.findall("ID: .*", usb.replace("\r", "")))


def test_a_snapshot_that_is_damaged_is_refused(board: Board, tmp_path: Path) -> None:
    board.power_on()
    snapshot = Snapshot(board, tmp_path / "snapshot")
    (tmp_path / "snapshot" / "state").write_bytes(b"damaged")
    with pytest.raises(QmpError, match="state to be loaded: "):
        snapshot.restore(board)


def test_a_deadline_names_what_did_not_come() -> None:
    with pytest.raises(DeadlineError, match="in vain for a miracle"):
        wait_until(lambda: False, "a miracle", seconds=0.01, every=0.01)
    assert Deadline(10, "much").left() > 0
