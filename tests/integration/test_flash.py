# SPDX-License-Identifier: Apache-2.0
"""`make flash`: cards, played by loop devices, are written; what is no card is refused."""

import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

FLASH = Path(__file__).resolve().parents[2] / "scripts" / "flash"
CARD_SIZE = 4 << 20

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="loop devices need root")


@pytest.fixture
def card(tmp_path: Path) -> Iterator[Path]:
    """A card that was used before."""
    backing = tmp_path / "card"
    backing.write_bytes(random.Random(0).randbytes(CARD_SIZE))
    attach = ["losetup", "--find", "--show", str(backing)]
    device = subprocess.run(attach, check=True, capture_output=True, text=True).stdout.strip()
    yield Path(device)
    subprocess.run(["losetup", "--detach", device], check=True)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """An image with holes."""
    path = tmp_path / "image"
    with path.open("wb") as file:
        file.write(b"Mokanda")
        file.truncate(CARD_SIZE)
    return path


def flash(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [FLASH, *arguments]
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def test_every_byte_of_the_image_is_written(card: Path, image: Path) -> None:
    done = flash("--yes", "--image", image, card)
    assert done.returncode == 0, done.stderr
    assert f"erases everything on {card}" in done.stdout
    assert "read back: 100 % of 4 MB" in done.stderr
    assert "Written and read back" in done.stdout
    assert card.read_bytes() == image.read_bytes()


def test_a_card_that_takes_no_more_is_named_as_bad(image: Path, tmp_path: Path) -> None:
    """Of what it pretends to hold it has a quarter."""
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", mounted], check=True)
    try:
        with (mounted / "card").open("wb") as backing:
            backing.truncate(CARD_SIZE)
        attach = ["losetup", "--find", "--show", str(mounted / "card")]
        card = subprocess.run(attach, check=True, capture_output=True, text=True).stdout.strip()
        try:
            done = flash("--yes", "--image", image, card)
        finally:
            subprocess.run(["losetup", "--detach", card], check=True)
    finally:
        subprocess.run(["umount", mounted], check=True)
    assert done.returncode == 1
    assert f"{card} was not written whole" in done.stderr
    assert "Written" not in done.stdout


@pytest.fixture
def block_map(image: Path) -> Path:
    """A map of the image's blocks that are not empty."""
    path = image.with_suffix(".bmap")
    subprocess.run(
        [FLASH.with_name("toolbox"), "bmaptool", "create", f"--output={path}", image], check=True
    )
    return path


@pytest.mark.usefixtures("block_map")
def test_with_a_block_map_only_what_is_not_empty_is_written(card: Path, image: Path) -> None:
    before = card.read_bytes()
    assert flash("--yes", "--image", image, card).returncode == 0
    after = card.read_bytes()
    assert after[:4096] == image.read_bytes()[:4096]
    assert after[-4096:] == before[-4096:]  # which is nothing to be read back


@pytest.mark.usefixtures("block_map")
def test_an_image_that_was_damaged_is_refused(card: Path, image: Path) -> None:
    with image.open("r+b") as file:
        file.write(b"damaged")
    done = flash("--yes", "--image", image, card)
    assert done.returncode != 0
    assert "checksum" in done.stderr


def test_nothing_is_written_without_an_answer(card: Path, image: Path) -> None:
    before = card.read_bytes()
    done = flash("--image", image, card)
    assert done.returncode == 1
    assert "nobody is there to answer" in done.stderr
    assert card.read_bytes() == before


def test_a_mounted_card_is_refused(card: Path, image: Path, tmp_path: Path) -> None:
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    subprocess.run(["mkfs.ext4", "-q", card], check=True)
    subprocess.run(["mount", card, mounted], check=True)
    try:
        done = flash("--yes", "--image", image, card)
    finally:
        subprocess.run(["umount", mounted], check=True)
    assert done.returncode == 1
    assert f"in use at {mounted}" in done.stderr


def test_a_card_that_is_too_small_is_refused(card: Path, image: Path) -> None:
    os.truncate(image, 2 * CARD_SIZE)
    done = flash("--yes", "--image", image, card)
    assert done.returncode == 1
    assert "use a larger card" in done.stderr


def test_what_is_no_disk_is_refused(image: Path) -> None:
    done = flash("--yes", "--image", image, "/dev/null")
    assert done.returncode == 1
    assert "not a disk" in done.stderr
