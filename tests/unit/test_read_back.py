# SPDX-License-Identifier: Apache-2.0
"""What was written to a card is read back, and a card that gives something else is found out."""

import os
import random
from pathlib import Path

import pytest

from scripts.tools import read_back
from scripts.tools.read_back import BadCardError, compare, mapped

SIZE = 5 << 20
MAP = """<?xml version="1.0" ?>
<bmap version="2.0">
  <ImageSize> 5242000 </ImageSize>
  <BlockSize> 4096 </BlockSize>
  <BlockMap>
    <Range chksum="00"> 0-1 </Range>
    <Range chksum="00"> 512 </Range>
    <Range chksum="00"> 1279 </Range>
  </BlockMap>
</bmap>
"""


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image"
    path.write_bytes(random.Random(0).randbytes(SIZE))
    return path


@pytest.fixture
def card(tmp_path: Path, image: Path) -> Path:
    path = tmp_path / "card"
    path.write_bytes(image.read_bytes() + b"what was there before")
    return path


def read(image: Path, card: Path, parts: list[tuple[int, int]] | None = None) -> int:
    """Compare to the end; how many bytes that were."""
    return list(compare(image, card, [(0, SIZE)] if parts is None else parts))[-1]


def test_a_good_card_gives_all_of_it_back(image: Path, card: Path) -> None:
    assert read(image, card) == SIZE


def test_a_byte_that_is_another_is_found(image: Path, card: Path) -> None:
    with card.open("r+b") as file:
        file.seek(3_000_001)
        file.write(bytes([image.read_bytes()[3_000_001] ^ 1]))
    with pytest.raises(BadCardError, match="something else at byte 3000001"):
        read(image, card)


def test_a_card_that_begins_anew_where_it_ends_is_found(image: Path, card: Path) -> None:
    written = image.read_bytes()
    half = SIZE // 2
    card.write_bytes(written[half:] * 2)  # the second half went over the first
    with pytest.raises(BadCardError, match="at byte 0"):
        read(image, card)


def test_a_card_that_ends_before_the_image_is_found(image: Path, card: Path) -> None:
    card.write_bytes(image.read_bytes()[:-1])
    with pytest.raises(BadCardError, match=f"at byte {SIZE - 1}"):
        read(image, card)


def test_a_card_that_cannot_be_read_is_found(
    image: Path, card: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.pread

    def worn_out(descriptor: int, size: int, at: int) -> bytes:
        if at >= 2 << 20 and real(descriptor, 21, SIZE):  # the card alone has more than the image
            raise OSError(5, "Input/output error")
        return real(descriptor, size, at)

    monkeypatch.setattr("os.pread", worn_out)
    with pytest.raises(
        BadCardError, match=r"cannot be read at byte 2097152 \(Input/output error\)"
    ):
        read(image, card)


def test_with_a_block_map_only_what_was_written_is_compared(
    image: Path, card: Path, tmp_path: Path
) -> None:
    block_map = tmp_path / "map"
    block_map.write_text(MAP)
    parts = mapped(block_map)
    assert parts == [(0, 8192), (512 * 4096, 513 * 4096), (1279 * 4096, 5_242_000)]
    with card.open("r+b") as file:
        file.seek(10_000)
        file.write(bytes(1000))
    assert read(image, card, parts) == sum(end - start for start, end in parts)
    with card.open("r+b") as file:
        file.seek(512 * 4096)
        file.write(bytes(4096))
    with pytest.raises(BadCardError):
        read(image, card, parts)


def test_the_command_names_the_card(
    image: Path, card: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["read_back", str(image), str(card)])
    assert read_back.main() == 0
    assert "read back: 100 % of 5 MB" in capsys.readouterr().err
    card.write_bytes(bytes(SIZE))
    assert read_back.main() == 1
    assert "the card holds something else at byte 0" in capsys.readouterr().err
