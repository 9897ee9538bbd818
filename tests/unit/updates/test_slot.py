# SPDX-License-Identifier: Apache-2.0
import hashlib
import shutil
from pathlib import Path

import pytest

from mokanda_firmware.updates import slot as module
from mokanda_firmware.updates.slot import Slot, SlotError
from scripts.assembly import layout
from tests.unit.updates.a_delta import a_slot, parts


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "slot"
    a_slot(path, [b"block " * 99, b"another " * 99])
    return path


def changed(path: Path, at: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(content)


def sha256(path: Path) -> bytes:
    with path.open("rb") as file:
        return Slot(file).sha256()


def test_its_places_are_those_of_the_card() -> None:
    assert (module.FIT, module.SIZE) == (layout.FIT, layout.SLOT_SIZE)


def test_it_is_known_by_what_is_read_of_it(path: Path) -> None:
    assert sha256(path) == hashlib.sha256(parts(path)).digest()


def test_what_an_older_system_has_left_between_is_no_matter(path: Path) -> None:
    before = sha256(path)
    changed(path, 1 << 20, b"left over")
    changed(path, layout.FIT + 4096, b"left over")
    assert sha256(path) == before


@pytest.mark.parametrize("mapped", [True, False])
def test_what_runs_lies_below_what_is_verified_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, mapped: bool
) -> None:
    name = "dm-0" if mapped else "mmcblk0p2"
    (tmp_path / name / "slaves/mmcblk0p2").mkdir(parents=True)
    if not mapped:
        shutil.rmtree(tmp_path / name / "slaves")
    monkeypatch.setattr(module, "_root_device", lambda: tmp_path / name)
    assert module.running() == Path("/dev/mmcblk0p2")


@pytest.mark.parametrize("at", [100, layout.FIT + 4095])
def test_a_bit_that_has_rotted_is_noticed(path: Path, at: int) -> None:
    before = sha256(path)
    changed(path, at, b"\x80")
    assert sha256(path) != before


@pytest.mark.parametrize(
    ("at", "content"),
    [
        (0, b"ext4"),
        (40, (layout.FIT + 1).to_bytes(8, "little")),
        (layout.FIT, b"zero"),
        (layout.FIT + 4, (1 << 31).to_bytes(4, "big")),
    ],
)
def test_what_is_not_of_ours_is_no_system(path: Path, at: int, content: bytes) -> None:
    changed(path, at, content)
    with path.open("rb") as file, pytest.raises(SlotError):
        Slot(file)


def test_a_slot_that_ends_too_early_cannot_be_read(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(layout.FIT + 100)
    with path.open("rb") as file, pytest.raises(SlotError, match="early"):
        Slot(file).sha256()
