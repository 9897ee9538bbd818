# SPDX-License-Identifier: Apache-2.0
"""When the slots are looked at, what is remembered of it, and what is said."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from mokanda_firmware import paths
from mokanda_firmware.bus.states import UpdatesState
from mokanda_firmware.bus.statuses import UpdatesStatus
from mokanda_firmware.updates import daemon, kept, rot, slot, upkeep
from mokanda_firmware.updates.memory import Memory
from mokanda_firmware.updates.mending import Fit
from mokanda_firmware.updates.partition import Partition
from mokanda_firmware.updates.upkeep import TIMES, YEAR, Mending, Upkeep, look_after_slots
from mokanda_firmware.updates.verity import BLOCK
from tests.statuses import published

from . import a_system as systems
from .a_system import BLOCKS, FIT_BLOCK, LEAF, TOP, ASystem, a_system, differing
from .conftest import started

NOW = 1_800_000_000
DAY = 86400
LOST = Path("/usr/lib/a-library")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> ASystem:
    return a_system(tmp_path_factory.mktemp("system"), 1)


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> ASystem:
    return a_system(tmp_path_factory.mktemp("older"), 2)


class Card(NamedTuple):
    """A card with a system in slot A, which runs, and in slot B."""

    a: Path
    b: Path
    told: Path  # what RAUC was told


@pytest.fixture
def card(device: Path, built: ASystem, monkeypatch: pytest.MonkeyPatch) -> Card:
    """Both slots hold what runs; the kernel has met no rot."""
    made = Card(
        built.write(device / "mmcblk0p2"), built.write(device / "mmcblk0p3"), device / "told"
    )
    monkeypatch.setattr(slot, "running", lambda: made.a)
    monkeypatch.setattr(upkeep, "_now", lambda: NOW)
    monkeypatch.setattr(rot, "unreadable_file", lambda: LOST)
    let_kernel_meet_rot(monkeypatch, met=False)
    paths.run().mkdir()
    blocks, digest, salt = built.root
    paths.root_hash().write_text(f"{blocks} {digest.hex()} {salt.hex()}\n")
    rauc = device / "bin" / "rauc"
    rauc.parent.mkdir()
    rauc.write_text(f'#!/bin/sh\necho "$@" >>{made.told}\n')
    rauc.chmod(0o755)
    monkeypatch.setenv("PATH", f"{rauc.parent}:{os.environ['PATH']}")
    made.told.touch()
    return made


def let_kernel_meet_rot(monkeypatch: pytest.MonkeyPatch, *, met: bool) -> None:
    monkeypatch.setattr(rot, "is_met", lambda: met)


def keep_bundle(built: ASystem) -> None:
    """Keep an update that made this system: a bundle's beginning, then the slot's blocks."""
    paths.updates().mkdir(parents=True, exist_ok=True)
    unit = 1 << 17
    lying = b"".join(built.content[number] for number in range(BLOCKS + 4))
    lying = lying.ljust(-(-len(lying) // unit) * unit, b"\0")
    fit = b"".join(built.content[number] for number in range(FIT_BLOCK, FIT_BLOCK + 3))
    head = (b"hsqs".ljust(12, b"\0") + unit.to_bytes(4, "little")).ljust(500, b"\0")
    # A root file system begins as one; here it begins with bytes of chance.
    (paths.updates() / "installed.kept").write_bytes(head + lying + fit)


def find_beginning_at(start: int, monkeypatch: pytest.MonkeyPatch) -> None:
    found = kept.KeptSlot.__init__

    def init(self: kept.KeptSlot, *arguments: object) -> None:
        found(self, *arguments)  # type: ignore[arg-type]
        self._start = start

    monkeypatch.setattr(kept.KeptSlot, "__init__", init)


def test_what_has_rotted_in_both_slots_is_mended_and_remembered(card: Card, built: ASystem) -> None:
    systems.rot(card.a, 3, TOP)
    systems.rot(card.b, 4, LEAF, FIT_BLOCK)
    assert look_after_slots()
    assert differing(card.a, built) == differing(card.b, built) == []
    remembered = Upkeep.read()
    assert remembered.mended == (Mending("A", NOW, 2), Mending("B", NOW, 3))
    assert (remembered.system, remembered.at) == (built.root.digest.hex(), NOW)
    assert remembered.lost == 0
    assert str(remembered) == (
        "2027-01-15 08:00: blocks mended in slot A: 2; 2027-01-15 08:00: blocks mended in slot B: 3"
    )


def test_the_fit_image_is_remembered_as_it_was_started(card: Card, built: ASystem) -> None:
    look_after_slots()
    with Partition(card.a) as partition:
        assert Upkeep.read().fit == Fit.of(partition)
    Upkeep.read()._replace(at=0).keep()
    systems.rot(card.a, FIT_BLOCK + 1)
    look_after_slots()
    assert differing(card.a, built) == []


def test_the_other_slot_gets_its_tries_back(card: Card) -> None:
    systems.rot(card.b, 4)
    look_after_slots()
    assert card.told.read_text() == "status mark-good other\n"


def test_an_older_version_is_left_as_it_is(card: Card, older: ASystem) -> None:
    older.write(card.b)
    systems.rot(card.b, 4)
    before = card.b.read_bytes()
    look_after_slots()
    assert card.b.read_bytes() == before
    assert card.told.read_text() == ""


def test_what_is_half_written_is_left_as_it_is(card: Card) -> None:
    Memory(wanted="1.1.0", trial="1.1.0", slot="B").keep()
    systems.rot(card.b, 4)
    before = card.b.read_bytes()
    look_after_slots()
    assert card.b.read_bytes() == before


def test_beside_an_older_version_the_kept_update_mends(
    card: Card, built: ASystem, older: ASystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    older.write(card.b)
    keep_bundle(built)
    find_beginning_at(500, monkeypatch)
    look_after_slots()
    Upkeep.read()._replace(at=0).keep()
    systems.rot(card.a, 3, 200, LEAF, FIT_BLOCK, FIT_BLOCK + 2)
    look_after_slots()
    assert differing(card.a, built) == []


@pytest.mark.parametrize("content", [b"", b"hsqs", b"hsqs" * 9, b"x" * 99999])
def test_a_damaged_kept_update_mends_nothing(card: Card, older: ASystem, content: bytes) -> None:
    older.write(card.b)
    paths.updates().mkdir(parents=True)
    (paths.updates() / "installed.kept").write_bytes(content)
    systems.rot(card.a, 3)
    look_after_slots()
    assert Upkeep.read().lost == 1


def test_what_cannot_be_mended_is_told_with_a_file(card: Card, older: ASystem) -> None:
    older.write(card.b)
    systems.rot(card.a, 3)
    look_after_slots()
    daemon.show()
    shown = published(UpdatesStatus)
    assert shown.state is UpdatesState.FAILED
    assert str(LOST) in str(shown.detail)
    assert shown.rot == f"blocks of the running slot that cannot be mended: 1 ({LOST})"
    assert Upkeep.read().mended == ()


def test_what_belongs_to_no_file_is_told_too(
    card: Card, older: ASystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rot, "unreadable_file", lambda: None)
    older.write(card.b)
    look_after_slots()
    systems.rot(card.a, FIT_BLOCK)
    let_kernel_meet_rot(monkeypatch, met=True)
    look_after_slots()
    daemon.show()
    assert "cannot be mended. The next update" in str(published(UpdatesStatus).detail)


def test_what_was_mended_is_told(card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    systems.rot(card.a, 3)
    look_after_slots()
    daemon.show()
    shown = published(UpdatesStatus)
    assert shown.state is UpdatesState.IDLE
    assert "rotted on the card, and were mended" in str(shown.detail)
    assert shown.mended is not None
    assert int(shown.mended.timestamp()) == NOW
    assert shown.rot == "2027-01-15 08:00: blocks mended in slot A: 1"
    monkeypatch.setattr(upkeep, "_now", lambda: NOW + 15 * DAY)
    daemon.show()
    assert str(published(UpdatesStatus).detail) == "Version 1.0.0 is running."


def test_a_slot_that_rots_again_and_again_is_given_up(
    card: Card, built: ASystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in range(0, TIMES * DAY, DAY):
        monkeypatch.setattr(upkeep, "_now", lambda day=day: NOW + day)
        let_kernel_meet_rot(monkeypatch, met=True)
        systems.rot(card.a, 3)
        look_after_slots()
        assert differing(card.a, built) == []
    daemon.show()
    assert "again and again" in str(published(UpdatesStatus).detail)
    assert "slot A rots again and again" in published(UpdatesStatus).rot
    systems.rot(card.a, 3)
    look_after_slots()
    assert differing(card.a, built) == [3]
    assert Upkeep.read().lost == 1


def test_it_may_rot_so_often_in_many_years() -> None:
    many = Upkeep()
    for year in range(5):
        many = many.and_mended(Mending("A", NOW + year * YEAR, 1)).and_mended(Mending("B", NOW, 1))
    assert not many.is_worn("A", NOW + 5 * YEAR)
    assert len(many.mended) == 2 * TIMES


def test_that_it_is_mended_is_written_down_before_it_is(
    card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a card that hangs over it would be tried for ever."""

    class PowerCutError(Exception):
        pass

    def cut(*_: object) -> None:
        raise PowerCutError

    systems.rot(card.a, 3)
    monkeypatch.setattr(Partition, "put", cut)
    with pytest.raises(PowerCutError):
        look_after_slots()
    assert Upkeep.read().mended == (Mending("A", NOW, 1),)


def test_mending_that_is_cut_is_gone_on_with(
    card: Card, built: ASystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    class PowerCutError(Exception):
        pass

    def torn(self: Partition, number: int, content: bytes) -> bool:
        put(self, number, content[:512] + bytes(BLOCK - 512))
        raise PowerCutError

    put = Partition.put
    look_after_slots()
    systems.rot(card.a, 3, 9)
    monkeypatch.setattr(Partition, "put", torn)
    let_kernel_meet_rot(monkeypatch, met=True)
    with pytest.raises(PowerCutError):
        look_after_slots()
    monkeypatch.setattr(Partition, "put", put)
    let_kernel_meet_rot(monkeypatch, met=False)  # not yet, since the start after that
    assert look_after_slots()
    assert differing(card.a, built) == []


def test_where_nothing_can_be_written_down_nothing_is_mended(card: Card) -> None:
    systems.rot(card.a, 3)
    shutil.rmtree(paths.data())
    paths.data().write_text("no folder")
    before = card.a.read_bytes()
    with pytest.raises(OSError):
        look_after_slots()
    assert card.a.read_bytes() == before


@pytest.mark.parametrize(
    ("after", "met", "looks"),
    [
        (0, False, False),
        (DAY, False, False),
        (DAY, True, True),
        (31 * DAY, False, True),
        (-DAY, False, True),  # the clock was set back
    ],
)
def test_it_looks_once_a_month_and_when_the_kernel_has_met_rot(
    card: Card,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
    after: int,
    met: bool,
    looks: bool,
) -> None:
    assert look_after_slots()
    monkeypatch.setattr(upkeep, "_now", lambda: NOW + after)
    let_kernel_meet_rot(monkeypatch, met=met)
    assert look_after_slots() is looks


def test_it_looks_after_an_update(card: Card, older: ASystem) -> None:
    assert look_after_slots()
    older.write(card.a)
    blocks, digest, salt = older.root
    paths.root_hash().write_text(f"{blocks} {digest.hex()} {salt.hex()}\n")
    assert look_after_slots()
    assert Upkeep.read().system == digest.hex()


def test_it_looks_when_the_other_slot_runs_which_may_have_been_given_up(
    card: Card, built: ASystem, device: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert look_after_slots()
    systems.rot(card.a, FIT_BLOCK)
    started(monkeypatch, device, "B")
    monkeypatch.setattr(slot, "running", lambda: card.b)
    assert look_after_slots()
    assert differing(card.a, built) == []
    assert card.told.read_text() == "status mark-good other\n"


def test_an_update_that_is_installed_goes_first(card: Card) -> None:
    systems.rot(card.a, 3)
    before = card.a.read_bytes()
    with slot.writing() as is_ours:
        assert is_ours
        assert not look_after_slots()
    assert card.a.read_bytes() == before
    assert look_after_slots()


@pytest.mark.usefixtures("device")
def test_an_update_waits_for_the_mending() -> None:
    paths.run().mkdir()
    with slot.writing(), paths.slots_lock().open("wb") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with slot.writing(wait=True) as is_ours:
        assert is_ours


@pytest.mark.parametrize(
    ("lost", "at", "well"), [(0, NOW, True), (2, NOW, False), (0, NOW - 9, False)]
)
def test_the_proof_has_it_done_by_the_unit_that_may(
    card: Card,  # noqa: ARG001
    device: Path,
    lost: int,
    at: int,
    well: bool,
) -> None:
    command = device / "bin" / "systemctl"
    command.write_text(f'#!/bin/sh\necho "$@" >{device}/asked\n')
    command.chmod(0o755)
    Upkeep(at=at, lost=lost).keep()
    assert upkeep.have_mended() is well
    assert (device / "asked").read_text() == "start mokanda-slots.service\n"


def test_a_unit_that_fails_has_mended_nothing(card: Card, device: Path) -> None:  # noqa: ARG001
    command = device / "bin" / "systemctl"
    command.write_text("#!/bin/sh\nexit 1\n")
    command.chmod(0o755)
    Upkeep(at=NOW).keep()
    assert not upkeep.have_mended()


@pytest.mark.parametrize(("free", "stays"), [(1 << 20, False), (1 << 30, True)])
def test_an_update_is_kept_where_there_is_room(
    device: Path, monkeypatch: pytest.MonkeyPatch, free: int, *, stays: bool
) -> None:
    paths.updates().mkdir(parents=True)
    bundle = device / "data/updates/an.raucb"
    bundle.write_bytes(b"a bundle")
    usage: Callable[[object], object] = lambda _: shutil._ntuple_diskusage(9, 9, free)  # noqa: E731
    monkeypatch.setattr(shutil, "disk_usage", usage)
    kept.keep(bundle)
    assert not bundle.exists()
    assert (kept.open_kept() is not None) is stays


def test_it_gives_way_to_the_next_one(device: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    paths.updates().mkdir(parents=True)
    (paths.updates() / "installed.kept").touch()
    usage: Callable[[object], object] = lambda _: shutil._ntuple_diskusage(9, 9, kept.ROOM)  # noqa: E731
    monkeypatch.setattr(shutil, "disk_usage", usage)
    kept.give_way()
    assert (paths.updates() / "installed.kept").exists()
    kept.give_way(1)
    assert not (paths.updates() / "installed.kept").exists()
