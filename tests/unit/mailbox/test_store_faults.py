# SPDX-License-Identifier: Apache-2.0
"""What happens to a store's files and its disk: nothing that was written is lost by a full one."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mokanda_firmware.mailbox.store.database import (
    Store,
    StoreFull,
    make_schema,
    newest_version,
)
from mokanda_firmware.mailbox.store.settings import set_setting, setting
from tests.small_disk import small_disk

PAGE = 4096
VALUE = "x" * (3 * PAGE)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MiB and 30 files."""
    folder = tmp_path / "disk"
    folder.mkdir()
    with small_disk(folder, "size=2m,nr_inodes=30") as disk:
        yield disk


def open_at(folder: Path) -> Store:
    return Store(folder / "mail.db", folder / "attachments")


def leave(folder: Path, pages: int) -> None:
    """Fill the disk up to so many pages."""
    (folder / "filler").unlink(missing_ok=True)
    with (folder / "filler").open("wb", 0) as file:
        free = shutil.disk_usage(folder).free // PAGE - pages
        file.write(bytes(free * PAGE))


def test_wherever_a_full_disk_stops_a_write_all_of_it_is_there_or_nothing(disk: Path) -> None:
    store = open_at(disk)
    set_setting(store, "a", "before")
    outcomes = []
    for pages in range(0, 40, 3):
        leave(disk, pages)
        try:
            with store.transaction() as connection:
                for key in ("a", "b", "c"):
                    connection.execute(
                        "INSERT OR REPLACE INTO setting VALUES (?, ?)", (key, f'"{pages} {VALUE}"')
                    )
        except StoreFull:
            outcomes.append(False)
        else:
            outcomes.append(True)
        (disk / "filler").unlink()
        told = {str(setting(store, key, "")).partition(" ")[0] for key in ("a", "b", "c")}
        assert (told == {str(pages)}) == outcomes[-1]
        store.check()
    assert not outcomes[0]
    assert outcomes[-1]
    store.close()


def test_wherever_want_of_files_stops_the_opening_it_says_so(disk: Path) -> None:
    open_at(disk).close()
    (disk / "many").mkdir()
    numbers = iter(range(100))
    with pytest.raises(OSError, match="No space"):
        while True:
            (disk / "many" / str(next(numbers))).touch()
    for freed in range(3):  # the log, and the index beside it
        if freed < 2:
            with pytest.raises(StoreFull):
                open_at(disk)
        else:
            open_at(disk).close()
        (disk / "many" / str(freed)).unlink()


def test_wherever_a_full_disk_stops_a_migration_all_of_it_is_made_or_nothing(disk: Path) -> None:
    path = disk / "mail.db"
    outcomes = []
    for pages in range(0, 160, 10):
        for file in disk.glob("mail.db*"):
            file.unlink()
        with closing(sqlite3.connect(path)) as connection:
            make_schema(connection, 1)
            connection.execute("INSERT INTO setting VALUES ('old', ?)", (f'"{VALUE}"',))
            connection.commit()
        leave(disk, pages)
        try:
            open_at(disk).close()
        except StoreFull:
            outcomes.append(1)
        else:
            outcomes.append(newest_version())
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA user_version").fetchone() == (outcomes[-1],)
        (disk / "filler").unlink()
        store = open_at(disk)
        assert setting(store, "old", "") == VALUE
        store.close()
    assert outcomes[0] == 1
    assert outcomes[-1] == newest_version()


def left_by_a_kill(folder: Path) -> Path:
    """The files of a store whose process was killed: `a` is in the database, `b` in its log."""
    store = open_at(folder / "used")
    set_setting(store, "a", 1)
    with store.reading():
        pass
    store.close()  # brings all into the database
    set_setting(store, "b", 2)
    shutil.copytree(folder / "used", folder / "left")
    store.close()
    assert (folder / "left" / "mail.db-wal").stat().st_size > 0
    return folder / "left"


def test_without_its_index_a_log_is_read_all_the_same(tmp_path: Path) -> None:
    left = left_by_a_kill(tmp_path)
    (left / "mail.db-shm").unlink()
    store = open_at(left)
    assert (setting(store, "a", None), setting(store, "b", None)) == (1, 2)
    store.close()


def test_an_index_that_is_garbage_does_no_harm(tmp_path: Path) -> None:
    left = left_by_a_kill(tmp_path)
    (left / "mail.db-shm").write_bytes(b"\xff" * 32768)
    store = open_at(left)
    assert (setting(store, "a", None), setting(store, "b", None)) == (1, 2)
    store.close()


@pytest.mark.parametrize("kept", [0, 100, 5000])
def test_without_its_log_a_store_is_as_it_was_before(tmp_path: Path, kept: int) -> None:
    left = left_by_a_kill(tmp_path)
    os.truncate(left / "mail.db-wal", kept)
    (left / "mail.db-shm").unlink()
    store = open_at(left)
    assert setting(store, "a", None) == 1
    assert setting(store, "b", None) in {None, 2}
    store.check()
    store.close()
