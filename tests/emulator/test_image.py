# SPDX-License-Identifier: Apache-2.0
"""The card's image as `make image` leaves it, before any board sees it."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from scripts.assembly import layout
from scripts.emulator.card import run_tool

BLOCK = 4096


@pytest.fixture(scope="module")
def image(request: pytest.FixtureRequest) -> Path:
    return Path(request.config.getoption("image"))


@pytest.fixture(scope="module")
def data(image: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data partition."""
    path = tmp_path_factory.mktemp("image") / "data.img"
    with image.open("rb") as card:
        card.seek(layout.DATA)
        path.write_bytes(card.read())
    return path


def test_all_of_both_file_systems_is_flashed(image: Path) -> None:
    """What an older file system left on a card would be read as part of ours."""
    mapped: set[int] = set()
    block_map = ElementTree.parse(image.with_suffix(".bmap")).getroot()
    for span in block_map.iterfind("BlockMap/Range"):
        first, _, last = (span.text or "").strip().partition("-")
        mapped.update(range(int(first), int(last or first) + 1))
    for start, size in (
        (layout.SETUP, layout.SETUP_SIZE),
        (layout.DATA, layout.CARD_SIZE - layout.DATA),
    ):
        assert mapped.issuperset(range(start // BLOCK, (start + size) // BLOCK))
    assert len(mapped) * BLOCK < layout.CARD_SIZE


def test_the_data_partition_is_whole(data: Path) -> None:
    run_tool("e2fsck", "-fn", data)


def test_the_data_partition_can_grow_to_a_terabyte(data: Path) -> None:
    told = dict(
        line.split(":", 1) for line in run_tool("dumpe2fs", "-h", data).splitlines() if ":" in line
    )
    blocks = int(told["Blocks per group"]) * (int(told["Reserved GDT blocks"]) + 1) * BLOCK // 64
    assert int(told["Block size"]) == BLOCK
    assert blocks * BLOCK >= 1 << 40
