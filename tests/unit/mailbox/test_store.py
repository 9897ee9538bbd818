# SPDX-License-Identifier: Apache-2.0
"""Transactions, migrations, and a full, busy or broken store."""

import errno
import hashlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mokanda_firmware.mailbox.administration import audit
from mokanda_firmware.mailbox.administration.audit import Act
from mokanda_firmware.mailbox.people import noticeboard, reserved_names
from mokanda_firmware.mailbox.people.reserved_names import RESERVED_SECONDS, ReservedName
from mokanda_firmware.mailbox.store import content_requests
from mokanda_firmware.mailbox.store import database as store_module
from mokanda_firmware.mailbox.store.content_requests import Progress
from mokanda_firmware.mailbox.store.database import (
    MIGRATIONS,
    Store,
    StoreBusy,
    StoreError,
    StoreFull,
)
from mokanda_firmware.mailbox.store.settings import set_setting, setting

VERSIONS = sorted(int(file.name[:4]) for file in MIGRATIONS.glob("*.sql"))


def schema(path: Path) -> set[tuple[str, str]]:
    with sqlite3.connect(path) as connection:
        return set(connection.execute("SELECT name, sql FROM sqlite_schema"))


def store_of_version(version: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    migrations = folder / "migrations"
    migrations.mkdir(parents=True)
    for file in MIGRATIONS.glob("*.sql"):
        if int(file.name[:4]) <= version:
            shutil.copy(file, migrations)
    with monkeypatch.context() as patch:
        patch.setattr(store_module, "MIGRATIONS", migrations)
        store = Store(folder / "mail.db", folder / "attachments")
        with store.transaction() as connection:
            connection.execute("INSERT INTO setting (key, value) VALUES ('village', '\"Boende\"')")
        store.close()
    return folder / "mail.db"


def test_migrations_are_numbered_without_gaps() -> None:
    assert list(range(1, len(VERSIONS) + 1)) == VERSIONS


@pytest.mark.parametrize("version", VERSIONS)
def test_a_store_of_every_version_opens_with_what_was_in_it(
    version: int, tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = store_of_version(version, tmp_path / "old", monkeypatch)
    old = Store(path, tmp_path / "old" / "attachments")
    assert setting(old, "village", None) == "Boende"
    assert schema(path) == schema(store.path)


def test_what_had_other_names_up_to_version_10_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = store_of_version(10, tmp_path, monkeypatch)
    with sqlite3.connect(path) as connection:
        connection.executescript(
            """
            INSERT INTO account (name, display_name, password, created) VALUES ('awa', '', '', 0);
            INSERT INTO wish (kind, name, account, state) VALUES ('file', 'ab', 1, 'asked');
            INSERT INTO left_name VALUES ('ben', 7);
            INSERT INTO news (author, title, text, at) VALUES ('Awa', 'Market', 'Today', 7);
            INSERT INTO audit (at, actor, action, subject) VALUES (7, 'awa', 'news', 'Feast');
            """
        )
    store = Store(path, tmp_path / "attachments")
    with store.reading() as connection:
        assert content_requests.progress(connection, "file", "ab") == Progress("asked", 1, "")
    assert reserved_names.all_reserved(store) == [ReservedName("ben", 7 + RESERVED_SECONDS)]
    assert [notice.title for notice in noticeboard.notices(store)] == ["Market"]
    assert audit.acts(store) == [Act(7, "awa", "notice", "Feast")]
    store.close()


def test_a_store_of_a_newer_software_is_left_alone(tmp_path: Path, store: Store) -> None:
    with store.transaction() as connection:
        for pragma in ("user_version", "application_id"):
            connection.execute(f"PRAGMA {pragma} = {VERSIONS[-1] + 1}")
    with pytest.raises(StoreError, match="this software is older"):
        Store(store.path, tmp_path / "attachments")


def test_a_migration_that_fails_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrations = tmp_path / "migrations"
    migrations.mkdir()
    (migrations / "0001_good.sql").write_text("CREATE TABLE a (b);\n")
    (migrations / "0002_bad.sql").write_text("CREATE TABLE c (d);\nCREATE TABLE a (b);\n")
    monkeypatch.setattr(store_module, "MIGRATIONS", migrations)
    with pytest.raises(StoreError, match="already exists"):
        Store(tmp_path / "mail.db", tmp_path / "attachments")
    assert schema(tmp_path / "mail.db") == set()


def test_a_block_that_raises_leaves_nothing(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.transaction() as connection:
        connection.execute("INSERT INTO setting VALUES ('a', '1')")
        raise ZeroDivisionError
    assert setting(store, "a", "nothing") == "nothing"


def test_readers_see_the_store_unchanged_while_it_is_written(store: Store) -> None:
    set_setting(store, "a", 1)
    with store.reading() as connection:
        before = connection.execute("SELECT value FROM setting").fetchone()[0]
        set_setting(store, "a", 2)
        assert connection.execute("SELECT value FROM setting").fetchone()[0] == before == "1"
    assert setting(store, "a", None) == 2


def test_threads_write_one_after_the_other(store: Store) -> None:
    set_setting(store, "sum", 0)

    def add() -> None:
        for _ in range(10):
            with store.transaction() as connection:
                connection.execute("UPDATE setting SET value = value + 1 WHERE key = 'sum'")

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert setting(store, "sum", None) == 80


def test_a_store_held_by_another_writer_is_busy_and_says_so(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "BUSY_SECONDS", 0.05)
    other = Store(store.path, tmp_path / "attachments")
    with (
        store.transaction(),
        pytest.raises(StoreBusy),
        other.transaction(),
    ):
        pass


def test_a_database_that_may_not_grow_is_full(store: Store) -> None:
    with pytest.raises(StoreFull), store.transaction() as connection:
        connection.execute("PRAGMA max_page_count = 1")
        connection.execute("INSERT INTO setting VALUES ('a', ?)", ("x" * 100_000,))
    assert setting(store, "a", "nothing") == "nothing"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting needs root")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_loses_nothing_that_was_written(small_disk: Path) -> None:
    store = Store(small_disk / "mail.db", small_disk / "attachments")
    set_setting(store, "a", "kept")
    with pytest.raises(StoreFull):
        set_setting(store, "b", "x" * (2 << 20))
    assert setting(store, "a", None) == "kept"
    set_setting(store, "a", "goes on")
    assert setting(store, "a", None) == "goes on"
    store.close()


def test_attachments_leave_room_for_the_database(small_disk: Path) -> None:
    store = Store(small_disk / "mail.db", small_disk / "attachments")
    with pytest.raises(StoreFull), store.incoming_attachment() as incoming:
        incoming.write(b"the reserve is greater than this disk")
    set_setting(store, "a", "still written")
    store.close()


def test_a_kept_attachment_is_named_by_its_digest(store: Store) -> None:
    with store.incoming_attachment() as incoming:
        incoming.write(b"one ")
        incoming.write(b"two")
        digest = incoming.keep()
    assert digest == hashlib.sha256(b"one two").hexdigest()
    assert store.attachments.path(digest).read_bytes() == b"one two"


def test_an_attachment_given_up_leaves_no_file(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ConnectionError), store.incoming_attachment() as incoming:
        incoming.write(b"half of a pho")
        raise ConnectionError
    assert [path for path in (tmp_path / "attachments").rglob("*") if path.is_file()] == []


def keep(store: Store, content: bytes) -> str:
    with store.incoming_attachment() as incoming:
        incoming.write(content)
        return incoming.keep()


def test_a_file_is_an_orphan_that_is_unwanted_twice_and_not_written_meanwhile(
    store: Store,
) -> None:
    wanted, unwanted, again = (keep(store, content) for content in (b"1", b"2", b"3"))
    files = store.attachments
    assert files.orphans({wanted}) == set()
    keep(store, b"3")
    keep(store, b"4")
    orphans = files.orphans({wanted})
    assert [orphan.path.name for orphan in orphans] == [unwanted]
    assert files.remove(orphans, {wanted, unwanted}) == 0
    assert files.remove(orphans, {wanted}) == 1
    assert not files.path(unwanted).exists()
    assert files.path(again).exists()


def test_an_orphan_that_is_written_again_is_not_removed(store: Store) -> None:
    digest = keep(store, b"1")
    store.attachments.orphans(set())
    orphans = store.attachments.orphans(set())
    keep(store, b"1")
    assert store.attachments.remove(orphans, set()) == 0
    assert store.attachments.path(digest).exists()


def test_group_may_write_whatever_the_first_daemon_created(tmp_path: Path) -> None:
    before = os.umask(0o007)
    try:
        store = Store(tmp_path / "data" / "mail.db", tmp_path / "data" / "attachments")
        set_setting(store, "a", 1)
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in store.path.parent.glob("mail.db*")}
    assert modes == {"mail.db": 0o660, "mail.db-wal": 0o660, "mail.db-shm": 0o660}
    store.close()


def test_a_daemon_killed_while_it_writes_leaves_whole_transactions(tmp_path: Path) -> None:
    writer = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from mokanda_firmware.mailbox.store.database import Store
        store = Store(Path(sys.argv[1]), Path(sys.argv[1] + ".attachments"))
        for number in range(10_000):
            with store.transaction() as connection:
                connection.execute("INSERT INTO setting VALUES (?, 'a')", (f"a{number}",))
                connection.execute("INSERT INTO setting VALUES (?, 'b')", (f"b{number}",))
            print(number, flush=True)
        """
    )
    path = tmp_path / "mail.db"
    with subprocess.Popen(
        [sys.executable, "-c", writer, str(path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "20" in line:
                break
        process.send_signal(signal.SIGKILL)
        acknowledged = 20 + len(process.stdout.read().split())
    store = Store(path, tmp_path / "attachments")
    with store.reading() as connection:
        a, b = connection.execute(
            "SELECT sum(value = 'a'), sum(value = 'b') FROM setting"
        ).fetchone()
    assert a == b >= acknowledged


def test_no_room_even_to_open_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "open", no_room)
    with pytest.raises(StoreFull):
        Store(tmp_path / "mail.db", tmp_path / "attachments")
