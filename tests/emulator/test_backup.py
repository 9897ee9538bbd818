# SPDX-License-Identifier: Apache-2.0
"""A memory stick takes a backup on the board, and any computer can read it; the log is shown."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from scripts.tools.deadlines import wait_until
from scripts.tools.repository import TOOLBOX
from tests.emulator.emulated_village import EmulatedVillage
from tests.emulator.phone import Phone

PASSPHRASE = "four goats at the river"


@pytest.fixture
def stick(village: EmulatedVillage) -> Iterator[Path]:
    """An ordinary stick, FAT without partitions, that is in the board."""
    image = village.board.card.parent / "stick.img"
    with image.open("wb") as file:
        file.truncate(64 << 20)
    subprocess.run([str(TOOLBOX), "mkfs.vfat", "-n", "GOATS", str(image)], check=True)
    village.board.plug_in_stick(image)
    yield image
    image.unlink()


def back_up(keeper: Phone) -> None:
    """Have a backup made on the stick."""
    wait_until(lambda: "GOATS" in keeper.open("/backup").text, "the stick", 60, every=1)
    assert keeper.open("/backup").html.select_one("form[action='/backup/make']")
    keeper.fill_in("/backup", "/backup/make", passphrase=PASSPHRASE, again=PASSPHRASE)

    def is_done() -> bool:
        page = keeper.open("/backup").html.main
        assert not page.select_one(".problem"), page.get_text(" ", strip=True)
        return "You may take the stick out now." in page.get_text(" ", strip=True)

    wait_until(is_done, "the backup", 300, every=2)


@pytest.mark.thorough
def test_a_backup_on_a_stick_can_be_read_elsewhere(
    village: EmulatedVillage,
    keeper: Phone,
    stick: Path,
    record_property: Callable[[str, object], None],
) -> None:
    back_up(keeper)
    assert village.shell.run("grep mokanda/stick /proc/mounts").code == 1
    village.board.pull_out_stick()

    folder = stick.parent / "unpacked"
    folder.mkdir()
    copy = [str(TOOLBOX), "mcopy", "-i", str(stick), "::mokanda-*.backup", str(folder)]
    subprocess.run(copy, check=True)
    [backup] = folder.glob("*.backup")
    record_property("backup", f"{backup.stat().st_size / 1e6:.1f} MB")
    # As docs/keeper.md tells.
    sealed = backup.read_bytes().split(b"\n", 2)[2]
    home = folder / "gnupg"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--pinentry-mode", "loopback"]
    (folder / "sealed").write_bytes(sealed)
    opened = subprocess.run(
        [*gpg, "--passphrase-fd", "0", "--decrypt", str(folder / "sealed")],
        input=PASSPHRASE.encode(),
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    subprocess.run(["tar", "x", "-C", str(folder)], input=opened, check=True)
    with closing(sqlite3.connect(folder / "mail.db")) as store:
        names = [name for (name,) in store.execute("SELECT name FROM account")]
    assert "awa" in names
    assert (folder / "claim.toml").exists()
    assert list((folder / "keys" / "private-keys-v1.d").glob("*.key"))


@pytest.mark.usefixtures("stick")
def test_a_restored_board_goes_on_from_its_backup(village: EmulatedVillage, keeper: Phone) -> None:
    keeper.write("awa", "Kept by the goats", "This is in the backup.")
    back_up(keeper)
    keeper.write("awa", "Too late for them", "This is not.")
    keeper.fill_in("/backup", "/backup/check", passphrase=PASSPHRASE)
    wait_until(
        lambda: "/backup/restore" in keeper.open("/backup").text, "the look at it", 300, every=2
    )
    page = keeper.fill_in("/backup", "/backup/restore", sure="1")
    assert "The device starts anew with these data." in page.text
    village.shell.wait_for_start()
    village.wait_for_webmail()
    village.board.pull_out_stick()
    phone = village.phone()
    assert phone.log_in("awa")
    inbox = phone.open("/inbox").text
    assert "Kept by the goats" in inbox
    assert "Too late for them" not in inbox
    courier = village.sync(phone)
    assert courier["state"] == "idle", courier["detail"]


def test_the_keeper_sees_the_log(keeper: Phone) -> None:
    lines = keeper.open("/logs?part=webmail").html.select(".log li")
    assert any("listening on" in line.get_text() for line in lines)
