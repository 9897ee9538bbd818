# SPDX-License-Identifier: Apache-2.0
"""The SETUP partition: what the initramfs does where there is none any more."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from scripts.assembly import card, layout
from scripts.recipes import ROOT
from scripts.tools.repository import TOOLBOX
from scripts.tools.steps import Log

GARBAGE = b"\xa5"


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The partition as it is flashed."""
    work = tmp_path_factory.mktemp("work")
    return card.setup(work, InToolbox(work / "log"))


class InToolbox(Log):
    """Runs commands where an image is made."""

    def run(self, *command: str | Path, **options: object) -> str:
        return super().run(TOOLBOX, *command, **options)  # type: ignore[arg-type]


class Start(NamedTuple):
    """A start of a board, whose partition and folders are files here."""

    root: Path

    @property
    def partition(self) -> Path:
        return self.root / "dev/mmcblk0p1"

    @property
    def kept(self) -> Path:
        return self.root / "data/mokanda/damaged/setup"

    @property
    def text(self) -> Path:
        return self.root / "run/mokanda/setup/mokanda-setup.txt"

    def make_setup(self, kind: str = "", *, mounted_at: int = 2) -> int:
        """Do what boot/init does when SETUP cannot be mounted; returns its code.

        `kind` is what lies there, as far as blkid knows; the how manieth try to mount it succeeds.
        """
        init = (ROOT / "boot/init").read_text().replace("@CARD@", "mmcblk0")
        found = re.search(r"(?ms)^make_setup\(\) \{$.*?^\}$", init)
        assert found
        script = f"""
            chroot() {{
              case $2 in
                */blkid) echo "{kind}" ;;
                rm) rm "{self.root}$3" ;;
              esac
            }}
            mount_setup() {{ tries=$((tries + 1)); [ $tries = {mounted_at} ]; }}
            setup=/dev/mmcblk0p1 tries=0
            {re.sub("/root(?=[/$])", str(self.root), found[0])}
            make_setup
        """
        return subprocess.run(["sh", "-c", script], check=False, capture_output=True).returncode


@pytest.fixture
def start(tmp_path: Path, empty: Path) -> Start:
    """A card whose SETUP is destroyed, of a device that is in use."""
    start = Start(tmp_path / "board")
    for folder in ("dev", "tmp", "data/mokanda", "run/mokanda/setup", "usr/lib/mokanda"):
        (start.root / folder).mkdir(parents=True)
    (start.root / "usr/lib/mokanda/setup.img").write_bytes(card.beginning(empty))
    (start.root / "data/mokanda/store-made").touch()
    start.partition.write_bytes(GARBAGE * layout.SETUP_SIZE)
    return start


def test_its_beginning_makes_a_sound_file_system_of_whatever_lay_there(
    tmp_path: Path, empty: Path
) -> None:
    path = tmp_path / "partition"
    path.write_bytes(GARBAGE * layout.SETUP_SIZE)
    content = card.beginning(empty)
    with path.open("r+b") as file:
        file.write(content)
    log = InToolbox(tmp_path / "log")
    log.run("fsck.vfat", "-n", path)
    assert "SETUP" in log.run("mlabel", "-s", "-i", path, "::")
    listed = log.run("mdir", "-b", "-i", path, "::")
    assert listed.split() == ["::/README.txt"]
    assert len(content) < 200_000


def test_one_that_is_destroyed_is_made_anew_and_says_so(start: Start, empty: Path) -> None:
    assert start.make_setup() == 0
    assert start.partition.read_bytes().startswith(card.beginning(empty))
    assert start.kept.read_bytes() == GARBAGE * (4 << 20)
    assert "could not be read any more. It was made anew.\r\n" in start.text.read_bytes().decode()
    assert (start.root / "run/mokanda/setup-made-anew").exists()


def test_on_a_new_device_nothing_is_kept_that_would_look_like_use(start: Start) -> None:
    (start.root / "data/mokanda/store-made").unlink()
    assert start.make_setup() == 0
    assert not start.kept.parent.exists()


def test_a_file_system_that_is_named_but_not_mounted_is_made_anew(start: Start) -> None:
    assert start.make_setup("vfat") == 0


def test_what_is_somebody_s_or_cannot_be_read_now_is_left_alone(start: Start) -> None:
    before = start.partition.read_bytes()
    assert start.make_setup("exfat") == 1
    assert start.partition.read_bytes() == before
    start.partition.unlink()
    assert start.make_setup() == 1
    assert not start.partition.exists()


def test_it_is_not_made_where_the_old_one_cannot_be_kept(start: Start) -> None:
    start.kept.parent.write_text("no folder")
    before = start.partition.read_bytes()
    assert start.make_setup() == 1
    assert start.partition.read_bytes() == before


def test_a_card_that_does_not_hold_it_says_nothing(start: Start) -> None:
    assert start.make_setup(mounted_at=3) == 1
    assert not start.text.exists()


def test_one_that_can_be_mounted_after_all_is_left_alone(start: Start) -> None:
    before = start.partition.read_bytes()
    assert start.make_setup(mounted_at=1) == 0
    assert start.partition.read_bytes() == before
