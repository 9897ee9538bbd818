# SPDX-License-Identifier: Apache-2.0
"""Blocks of a slot that have rotted, and who has them right."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mokanda_firmware.updates.mending import Fit, RootHash, System
from mokanda_firmware.updates.partition import Partition
from mokanda_firmware.updates.verity import BLOCK

from .a_system import BLOCKS, FIT_BLOCK, FIT_SIZE, LEAF, TOP, ASystem, a_system, differing, put, rot

EVERYWHERE = (0, 127, 128, BLOCKS - 1, TOP, LEAF, LEAF + 2, FIT_BLOCK, FIT_BLOCK + 2)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> ASystem:
    return a_system(tmp_path_factory.mktemp("system"), 1)


class Slots:
    """Two slots of a card."""

    def __init__(self, folder: Path, own: ASystem, other: ASystem) -> None:
        self.own, self.other = own.write(folder / "own"), other.write(folder / "other")
        self._built = own
        with Partition(self.own) as partition:
            fit = Fit.of(partition)
        assert fit is not None
        self._fit = fit

    def rotten(self, path: Path) -> list[int]:
        """What is found in a slot."""
        with self._opened() as (own, other, system):
            return system.rotten(own if path == self.own else other)

    def mend(self, path: Path) -> list[int]:
        """Mend a slot; returns what cannot be."""
        with self._opened() as (own, other, system):
            partition = own if path == self.own else other
            return [
                number
                for number in system.rotten(partition)
                if (right := system.right(number)) is None or not partition.put(number, right)
            ]

    def is_meant_for_other(self) -> bool:
        with self._opened() as (_, other, system):
            return system.is_meant_for(other)

    def _opened(self) -> Opened:
        return Opened(self.own, self.other, self._built.root, self._fit)


class Opened(ExitStack):
    """Both, open; and what is known of the system of the first."""

    def __init__(self, own: Path, other: Path, root: RootHash, fit: Fit) -> None:
        super().__init__()
        self._all = own, other, root, fit

    def __enter__(self) -> tuple[Partition, Partition, System]:  # type: ignore[override]
        super().__enter__()
        paths, (root, fit) = self._all[:2], self._all[2:]
        own, other = (self.enter_context(Partition(path)) for path in paths)
        return own, other, System(root, fit, [own, other])


@pytest.fixture
def twins(tmp_path: Path, built: ASystem) -> Slots:
    return Slots(tmp_path, built, built)


@pytest.fixture
def with_older(tmp_path: Path, built: ASystem) -> Slots:
    """The other slot holds another version."""
    return Slots(tmp_path, built, a_system(tmp_path, 2))


def test_a_sound_slot_has_nothing_to_mend(twins: Slots) -> None:
    assert twins.rotten(twins.own) == []


@pytest.mark.parametrize("number", EVERYWHERE)
def test_a_block_is_mended_by_the_twin_s(twins: Slots, built: ASystem, number: int) -> None:
    rot(twins.own, number)
    assert twins.rotten(twins.own) == [number]
    assert twins.mend(twins.own) == []
    assert differing(twins.own, built) == []


@pytest.mark.parametrize("number", EVERYWHERE)
def test_a_block_of_the_twin_is_mended_by_what_runs(
    twins: Slots, built: ASystem, number: int
) -> None:
    rot(twins.other, number)
    assert twins.mend(twins.other) == []
    assert differing(twins.other, built) == []


def test_two_slots_that_have_rotted_in_other_places_mend_each_other(
    twins: Slots, built: ASystem
) -> None:
    rot(twins.own, *range(0, BLOCKS, 2), TOP, FIT_BLOCK)
    rot(twins.other, *range(1, BLOCKS, 2), LEAF)
    assert twins.mend(twins.own) == twins.mend(twins.other) == []
    assert differing(twins.own, built) == differing(twins.other, built) == []


def test_what_has_rotted_in_both_stays_and_nothing_is_written_over_it(twins: Slots) -> None:
    for path in (twins.own, twins.other):
        rot(path, 5)
    before = twins.own.read_bytes()
    assert twins.mend(twins.own) == [5]
    assert twins.own.read_bytes() == before


@pytest.mark.parametrize("number", [TOP, LEAF, LEAF + 2])
def test_the_tree_is_made_anew_where_nobody_else_has_it(
    with_older: Slots, built: ASystem, number: int
) -> None:
    rot(with_older.own, number)
    assert with_older.mend(with_older.own) == []
    assert differing(with_older.own, built) == []


def test_the_whole_tree_is_made_anew(with_older: Slots, built: ASystem) -> None:
    rot(with_older.own, *range(TOP, LEAF + 3))
    assert with_older.mend(with_older.own) == []
    assert differing(with_older.own, built) == []


def test_the_tree_s_root_is_made_anew_by_what_lies_below_it(
    with_older: Slots, built: ASystem
) -> None:
    rot(with_older.own, TOP, 5)
    assert with_older.mend(with_older.own) == [5]
    assert differing(with_older.own, built) == [5]


def test_a_block_is_lost_where_the_other_slot_has_another_version(with_older: Slots) -> None:
    rot(with_older.own, 5, FIT_BLOCK + 1)
    before = with_older.own.read_bytes()
    assert with_older.mend(with_older.own) == [5, *range(FIT_BLOCK, FIT_BLOCK + 3)]
    assert with_older.own.read_bytes() == before


def test_what_a_rotten_block_of_the_tree_is_over_is_lost_with_both(with_older: Slots) -> None:
    rot(with_older.own, LEAF, 5)
    assert with_older.mend(with_older.own) == [LEAF, *range(128)]


def test_what_lies_behind_the_fit_image_is_no_matter(twins: Slots, built: ASystem) -> None:
    last = built.content[FIT_BLOCK + 2][: FIT_SIZE % BLOCK]
    put(twins.own, FIT_BLOCK + 2, last.ljust(BLOCK, b"x"))
    put(twins.own, FIT_BLOCK + 3, b"left over")
    put(twins.own, BLOCKS + 9, b"left over")
    assert twins.rotten(twins.own) == []


def test_the_other_slot_is_known_by_the_hashes_of_its_tree(twins: Slots) -> None:
    rot(twins.other, *range(BLOCKS), TOP, FIT_BLOCK)
    assert twins.is_meant_for_other()


def test_another_version_is_none_of_ours(with_older: Slots) -> None:
    assert not with_older.is_meant_for_other()


def test_a_sector_that_cannot_be_read_is_written_anew(
    twins: Slots, built: ASystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Partition._read

    def fails(self: Partition, first: int, count: int) -> bytes | None:
        covers = first <= 7 < first + count
        return None if covers and self is unreadable else read(self, first, count)

    monkeypatch.setattr(Partition, "_read", fails)
    with Partition(twins.own) as unreadable, Partition(twins.other) as other:
        system = System(built.root, Fit(0, ""), [unreadable, other])
        assert system.rotten(unreadable) == [7]
        assert system.right(7) == built.content[7]


def test_a_block_that_the_card_does_not_hold_is_not_mended(
    twins: Slots, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.pwritev", lambda *_: BLOCK)
    rot(twins.own, 5)
    assert twins.mend(twins.own) == [5]


def test_a_card_that_cannot_be_written_is_not_mended(
    twins: Slots, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("os.pwritev", refuses)
    rot(twins.own, 5)
    assert twins.mend(twins.own) == [5]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "300",
        "300 00 00",
        "300 zz 00",
        f"1 {'00' * 32} 00",
        f"-5 {'00' * 32} 00",
        f"99999999999 {'00' * 32} 00",
        f"300 {'00' * 32} {'00' * 257}",
        "x" * 9999,
    ],
)
def test_a_damaged_root_hash_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "root-hash"
    path.write_text(line)
    with pytest.raises(ValueError):
        RootHash.read(path)


def test_a_root_hash_is_read_as_the_initramfs_has_it(tmp_path: Path, built: ASystem) -> None:
    path = tmp_path / "root-hash"
    blocks, digest, salt = built.root
    path.write_text(f"{blocks} {digest.hex()} {salt.hex()}\n")
    assert RootHash.read(path) == built.root


@pytest.fixture(scope="module")
def slots(tmp_path_factory: pytest.TempPathFactory, built: ASystem) -> Iterator[Slots]:
    yield Slots(tmp_path_factory.mktemp("twins"), built, built)


ALL = [*range(BLOCKS + 4), *range(FIT_BLOCK, FIT_BLOCK + 3)]
numbers = st.sets(st.sampled_from(ALL), max_size=9)


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(numbers, numbers)
def test_whatever_rots_no_block_becomes_another_and_what_is_lost_is_told(
    slots: Slots, built: ASystem, own: set[int], other: set[int]
) -> None:
    rot(slots.own, *own)
    rot(slots.other, *other)
    lost = slots.mend(slots.own)
    left = differing(slots.own, built)
    assert set(left) <= own & set(lost)
    built.write(slots.own)
    built.write(slots.other)
