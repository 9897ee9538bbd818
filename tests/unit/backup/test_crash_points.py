# SPDX-License-Identifier: Apache-2.0
"""The power goes between any two steps of a backup, a restore, and the change to restored data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mokanda_firmware import paths
from mokanda_firmware.backup import switch
from mokanda_firmware.backup.daemon import Daemon
from mokanda_firmware.bus.requests import Requests
from tests.crash_points import crashes
from tests.unit.backup.conftest import PASSPHRASE, Backups, FolderStick, drafts, write_draft

MAX_STEPS = 200


def at_each_crash_point(work: Callable[[], None], look: Callable[[], None]) -> int:
    """Kill the work before each of its steps, and look; return how many there were."""
    for step in range(1, MAX_STEPS):
        if not crashes(step, work):
            return step - 1
        look()
    pytest.fail("it takes more steps than this test")


class Idle(Requests):
    """Requests of which none come."""

    def __init__(self) -> None:
        pass


def daemon(stick: FolderStick) -> Daemon:
    return Daemon(Idle(), lambda: stick, lambda: None)


@pytest.fixture
def stick(device: Path) -> FolderStick:
    (device / "stick").mkdir()
    return FolderStick(device / "stick")


def make(stick: FolderStick) -> None:
    daemon(stick)._back_up(stick, PASSPHRASE)


def test_a_backup_is_there_whole_or_not_at_all(stick: FolderStick) -> None:
    def look() -> None:
        for path in stick.folder.glob("*.backup"):
            daemon(stick)._unpack(stick, path.name, PASSPHRASE)
            path.unlink()
        assert drafts() == ["goats"]

    assert at_each_crash_point(lambda: make(stick), look) > 4
    assert len(list(stick.folder.iterdir())) == 1  # what the others left is gone
    assert [path.name for path in paths.restore().iterdir() if path.name != "new"] == []


def test_a_restore_that_was_cut_has_touched_nothing(stick: FolderStick) -> None:
    make(stick)
    write_draft("newer")
    [backup] = stick.folder.iterdir()

    def restore() -> None:
        daemon(stick)._unpack(stick, backup.name, PASSPHRASE)
        switch.confirm()

    def look() -> None:
        ready = switch.is_ready()
        switch.switch()
        assert drafts() == (["goats"] if ready else ["goats", "newer"])
        if ready:
            switch.go_back()
            switch.switch()
            switch.forget()

    assert at_each_crash_point(restore, look) > 8


@pytest.mark.parametrize("back", [False, True], ids=["restored", "gone back"])
def test_the_change_to_restored_data_ends_however_often_it_is_cut(
    stick: FolderStick, back: bool
) -> None:
    paths.card_mark().write_bytes(b"when the backup was made")
    make(stick)
    write_draft("newer")
    [backup] = stick.folder.iterdir()
    after = ["goats"]

    def prepare() -> None:
        daemon(stick)._unpack(stick, backup.name, PASSPHRASE)
        switch.confirm()
        if back:
            switch.switch()
            switch.go_back()
        paths.card_mark().write_bytes(b"now")

    def look() -> None:
        nonlocal after
        switch.switch()  # at the next start
        assert drafts() == (["goats", "newer"] if back else ["goats"])
        assert paths.card_mark().read_bytes() == b"now"  # it is the same card
        assert switch.before() is not None
        assert not switch.is_ready()
        if not back:
            switch.go_back()
            switch.switch()
        switch.forget()
        prepare()

    prepare()
    assert at_each_crash_point(switch.switch, look) > 4


def test_a_wipe_goes_before_a_restore(backups: Backups, device: Path) -> None:
    backups.done("make", passphrase=PASSPHRASE)
    [backup] = (device / "stick").iterdir()
    backups.done("check", name=backup.name, passphrase=PASSPHRASE)
    backups.ask("restore")
    paths.wipe_mark().touch()
    switch.switch()
    assert paths.wipe_mark().exists()
