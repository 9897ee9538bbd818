# SPDX-License-Identifier: Apache-2.0
"""A mail store that was damaged: what can be read is kept, or the last copy takes its place."""

from __future__ import annotations

import os
import random
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mokanda_firmware import paths
from mokanda_firmware.mailbox.costs import ledger
from mokanda_firmware.mailbox.letters import drafts, folders
from mokanda_firmware.mailbox.people import accounts
from mokanda_firmware.mailbox.store import copies
from mokanda_firmware.mailbox.store.database import Store, StoreDamaged, StoreUnfit
from mokanda_firmware.mailbox.store.mending import Mending
from mokanda_firmware.mailbox.store.settings import setting
from mokanda_firmware.setup import mend
from tests.crash_points import crashes
from tests.device_folders import make_folders
from tests.small_disk import data_on_small_disk

PAGE = 4096
LETTERS = 300


@pytest.fixture(autouse=True)
def device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A device in use, with a villager and some letters, all of them in the database's file."""
    make_folders(tmp_path, monkeypatch)
    monkeypatch.setattr(accounts, "_COST_LOG2", 4)
    store = Store.of_device()
    accounts.register(store, "awa", "Awa", "elombe-2026", "fr")
    write(store, range(LETTERS))
    with store.transaction() as connection:
        connection.execute("UPDATE sync SET up_sequence = 7, down_applied = 9")
    store.close()
    Store.of_device().close()
    paths.store_in_use().touch()
    return tmp_path


def write(store: Store, numbers: range) -> None:
    with store.transaction() as connection:
        for number in numbers:
            message = connection.execute(
                "INSERT INTO message (digest, message_id, thread, date, sender_address,"
                " sender_name, recipients, subject, in_reply_to, reference_ids, attachments, size)"
                " VALUES (?, ?, '', 0, 'ada@example.org', '', '{}', ?, '', '[]', 0, 0)",
                (number.to_bytes(32, "big"), f"{number}@example.org", f"letter {number}"),
            ).lastrowid
            connection.execute(
                "INSERT INTO body (message, text, html) VALUES (?, ?, '')",
                (message, f"{number} goats " * 40),
            )
            connection.execute(
                "INSERT INTO entry (account, message, origin, folder, unread, at)"
                " VALUES (1, ?, 'received', 'inbox', 1, 0)",
                (message,),
            )


def subjects() -> list[str]:
    """The letters in the inbox, by a store that opens."""
    store = Store.of_device()
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT subject FROM entry JOIN message ON message.id = entry.message JOIN body"
            " ON body.message = message.id ORDER BY entry.id"
        )
        found = [row["subject"] for row in rows]
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    store.close()
    return found


def numbers() -> tuple[int, int]:
    """Where the device stands with its relay."""
    with closing(sqlite3.connect(paths.mail_database())) as connection:
        [row] = connection.execute("SELECT up_sequence, down_applied FROM sync")
    up, down = row
    return up, down


def overwrite(places: list[int], data: bytes) -> None:
    """Write this at these places of the database's file."""
    with paths.mail_database().open("r+b") as file:
        for place in places:
            file.seek(place)
            file.write(data)


def pages_of(table: str) -> list[int]:
    """Where the pages of a table or index begin."""
    with closing(sqlite3.connect(paths.mail_database())) as connection:
        try:
            rows = connection.execute("SELECT pageno FROM dbstat WHERE name = ?", (table,))
            return [(number - 1) * PAGE for (number,) in rows]
        except sqlite3.OperationalError:
            pytest.skip("this SQLite has no dbstat")


def copy_it() -> None:
    store = Store.of_device()
    copies.look_after(store)
    store.close()


def test_a_sound_store_is_left_alone() -> None:
    assert mend.mend()
    assert len(subjects()) == LETTERS
    assert not paths.store_in_use().exists()
    assert Mending.read() is None


def test_a_damaged_index_loses_nothing() -> None:
    overwrite(pages_of("entry_folder"), b"\xff" * PAGE)
    assert mend.mend()
    assert len(subjects()) == LETTERS
    assert numbers() == (7, 9)
    mending = Mending.read()
    assert mending is not None
    assert (mending.lost, mending.copy) == (0, None)


def test_the_villagers_money_is_brought_along() -> None:
    store = Store.of_device()
    ledger.pay(store, "awa", 1, 5, "USD", "once")
    store.close()
    overwrite(pages_of("entry_folder"), b"\xff" * PAGE)
    assert mend.mend()
    store = Store.of_device()
    assert ledger.balances(store, 1) == {"USD": 5}
    store.close()


def test_what_an_earlier_version_had_not_is_not_lost() -> None:
    with closing(sqlite3.connect(paths.mail_database())) as connection:
        for table in ("ledger", "link_cost", "open_share", "shared_session"):
            connection.execute(f"DROP TABLE {table}")
        connection.commit()
    overwrite(pages_of("entry_folder"), b"\xff" * PAGE)
    assert mend.mend()
    mending = Mending.read()
    assert mending is not None
    assert mending.lost == 0
    assert numbers() == (7, 9)


def test_what_a_damaged_page_has_held_is_lost_and_counted_and_nothing_else() -> None:
    middle = pages_of("entry")[3]
    overwrite([middle], b"\xff" * PAGE)
    assert mend.mend()
    left = subjects()
    mending = Mending.read()
    assert mending is not None
    assert mending.lost is not None
    assert 0 < LETTERS - len(left) <= mending.lost < LETTERS
    assert numbers() == (7, 9)
    assert (paths.damaged_store() / "mail.db").exists()


def test_a_letter_whose_text_is_lost_shows_from_whom_it_was() -> None:
    overwrite([pages_of("body")[4]], b"\xff" * PAGE)
    assert mend.mend()
    assert len(subjects()) == LETTERS


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_overwritten_the_store_opens_again_or_says_so(seed: int) -> None:
    chance = random.Random(seed)
    size = paths.mail_database().stat().st_size
    places = [chance.randrange(PAGE, size - PAGE) for _ in range(12)]
    overwrite(places, chance.randbytes(PAGE) if seed % 2 else b"\x80")
    if mend.mend():
        assert set(subjects()) <= {f"letter {number}" for number in range(LETTERS)}
    else:
        with pytest.raises(StoreUnfit):
            Store.of_device()


def test_text_that_is_none_any_more_is_met_and_mended() -> None:
    found = re.finditer(rb"letter 7", paths.mail_database().read_bytes())
    overwrite([each.start() for each in found], b"\xfe")
    store = Store.of_device()
    with pytest.raises(StoreDamaged), store.reading() as connection:
        connection.execute("SELECT subject FROM message").fetchall()
    store.close()
    paths.store_damage().touch()
    assert mend.mend()
    assert len(subjects()) == LETTERS
    assert not paths.store_damage().exists()


def test_json_that_nobody_can_read_means_nothing_afterwards() -> None:
    store = Store.of_device()
    with store.transaction() as connection:
        connection.execute(
            'INSERT INTO draft (account, fields, updated) VALUES (1, \'{"to": "ben"; Mbote\', 0)'
        )
        connection.execute("UPDATE message SET recipients = '{\"to\": [' WHERE id = 1")
        connection.execute("INSERT INTO setting (key, value) VALUES ('village', '\"Boende')")
    store.close()
    paths.store_damage().touch()
    assert mend.mend()
    store = Store.of_device()
    [draft] = drafts.all_of(store, 1)
    assert draft.fields["text"] == '{"to": "ben"; Mbote'
    assert not draft.is_damaged
    assert len(folders.page(store, 1, "inbox", before=2).lines) == 1
    assert setting(store, "village", "") == ""
    store.close()
    mending = Mending.read()
    assert mending is not None
    assert mending.lost == 3
    assert numbers() == (7, 9)
    assert not paths.store_damage().exists()


def lose() -> None:
    paths.mail_database().unlink()


def truncate() -> None:
    os.truncate(paths.mail_database(), PAGE * 2)


def empty() -> None:
    os.truncate(paths.mail_database(), 0)


def fill_with_zeros() -> None:
    size = paths.mail_database().stat().st_size
    paths.mail_database().write_bytes(bytes(size))


@pytest.mark.parametrize("happens", [lose, truncate, empty, fill_with_zeros])
def test_the_last_copy_takes_the_place_of_what_cannot_be_read(
    happens: Callable[[], None],
) -> None:
    copy_it()
    store = Store.of_device()
    with store.transaction() as connection:
        connection.execute("UPDATE sync SET up_sequence = 20, down_applied = 30")
    store.close()
    happens()
    assert mend.mend()
    assert len(subjects()) == LETTERS
    assert numbers() == (7, 9)  # as after a restore: the relay sends again what came later
    mending = Mending.read()
    assert mending is not None
    assert mending.copy is not None


@pytest.mark.parametrize("happens", [lose, empty, fill_with_zeros])
def test_without_a_copy_what_cannot_be_read_stays_as_it_is(happens: Callable[[], None]) -> None:
    happens()
    assert not mend.mend()
    assert paths.store_in_use().exists()
    with pytest.raises(StoreUnfit):
        Store.of_device()


def test_what_is_left_is_preferred_to_a_copy_that_has_fewer_letters() -> None:
    copy_it()
    store = Store.of_device()
    write(store, range(LETTERS, 2 * LETTERS))
    store.close()
    overwrite([pages_of("entry")[3]], b"\xff" * PAGE)
    assert mend.mend()
    assert len(subjects()) > LETTERS
    mending = Mending.read()
    assert mending is not None
    assert mending.copy is None


def test_a_copy_that_is_damaged_itself_takes_no_place() -> None:
    copy_it()
    [copy] = copies.all_copies()
    copy.write_bytes(b"no copy" * 1000)
    lose()
    assert not mend.mend()


def test_a_bundle_on_its_way_is_given_up_when_something_is_lost() -> None:
    with closing(sqlite3.connect(paths.mail_database())) as connection:
        connection.execute(
            "UPDATE sync SET up_sequence = 8, pending_size = 1, pending_sha256 = 'ab',"
            " pending_path = 'up-8', pending_record = x''"
        )
        connection.execute("INSERT INTO outgoing VALUES (1, 'bundled', 8, 0, '', 0, 0)")
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    overwrite([pages_of("entry")[3]], b"\xff" * PAGE)
    assert mend.mend()
    with closing(sqlite3.connect(paths.mail_database())) as connection:
        assert connection.execute("SELECT state FROM outgoing").fetchall() == [("waiting",)]
    assert numbers() == (7, 9)


def test_mending_that_is_cut_anywhere_is_finished_at_the_next_start() -> None:
    overwrite([pages_of("entry")[3]], b"\xff" * PAGE)
    damaged = {path.name: path.read_bytes() for path in paths.data().iterdir() if path.is_file()}
    for steps in range(1, 300):
        for path in paths.data().glob("mail.db*"):
            path.unlink()
        for name, content in damaged.items():
            (paths.data() / name).write_bytes(content)
        crashed = crashes(steps, mend.mend)
        assert mend.mend()
        assert 0 < len(subjects()) < LETTERS
        if not crashed:
            break
    assert steps > 5


@pytest.fixture
def disk(device: Path) -> Iterator[Path]:
    """The data on a disk of their own, which can be filled."""
    with data_on_small_disk(device, "size=8m,nr_inodes=60") as disk:
        yield disk


def fill(disk: Path) -> None:
    with pytest.raises(OSError, match="No space"), (disk / "filler").open("wb", 0) as file:
        while True:
            file.write(bytes(PAGE))


def use_up_inodes(disk: Path) -> None:
    with pytest.raises(OSError, match="No space"):
        for number in range(100):
            (disk / f"filler-{number}").touch()


@pytest.mark.parametrize("happens", [fill, use_up_inodes])
def test_a_store_that_cannot_be_mended_for_want_of_room_is_mended_when_there_is_some(
    disk: Path, happens: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "RESERVE", 0)
    copy_it()
    overwrite([pages_of("entry")[3]], b"\xff" * PAGE)
    happens(disk)
    with pytest.raises((OSError, sqlite3.Error)):
        mend.mend()
    for filler in disk.glob("filler*"):
        filler.unlink()
    assert mend.mend()
    assert len(subjects()) == LETTERS  # those of the copy


@pytest.mark.parametrize("happens", [fill, use_up_inodes])
def test_a_disk_without_room_takes_no_sound_store_for_damaged(
    disk: Path, happens: Callable[[Path], None]
) -> None:
    copy_it()
    paths.damaged_store().mkdir()
    (paths.damaged_store() / "mail.db").touch()
    happens(disk)
    with pytest.raises((OSError, sqlite3.Error)):
        mend.mend()
    assert (paths.damaged_store() / "mail.db").exists()  # nothing else took its place
    for filler in disk.glob("filler*"):
        filler.unlink()
    assert mend.mend()
    assert Mending.read() is None


class TestCopies:
    def test_there_is_one_a_day_if_something_has_changed_and_two_are_kept(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = Store.of_device()
        now = time.time()
        counts = []
        for day in range(4):
            monkeypatch.setattr(time, "time", lambda day=day: now + day * 24 * 3600.0)
            if day != 1:  # a day on which nothing happens
                write(store, range(1000 * (day + 1), 1000 * (day + 1) + 1))
                moment = (now + day * 24 * 3600.0,) * 2
                for file in store.files():
                    os.utime(file, moment)
            copies.look_after(store)
            copies.look_after(store)
            counts.append(len(copies.all_copies()))
        assert counts == [1, 1, 2, 2]
        with closing(sqlite3.connect(copies.newest_first()[0])) as connection:
            [letters] = connection.execute("SELECT count(*) FROM entry").fetchone()
        assert letters == LETTERS + 3
        store.close()

    def test_damage_is_found_and_takes_no_good_copys_place(self) -> None:
        copy_it()
        store = Store.of_device()
        os.utime(copies.all_copies()[0], (0, 0))
        overwrite(pages_of("entry_folder"), b"\xff" * PAGE)
        with pytest.raises(StoreDamaged):
            copies.look_after(store)
        store.close()
        [copy] = copies.all_copies()
        assert copies.is_sound(copy)

    def test_without_room_for_one_the_store_is_checked(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(copies, "RESERVE", 1 << 60)
        store = Store.of_device()
        overwrite(pages_of("entry_folder"), b"\xff" * PAGE)
        with pytest.raises(StoreDamaged):
            copies.look_after(store)
        store.close()
        assert copies.all_copies() == []
