# SPDX-License-Identifier: Apache-2.0
"""A device whose update failed works with the store that the failed version has migrated."""

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from mokanda_firmware.mailbox.letters import drafts, entries
from mokanda_firmware.mailbox.store import salvage
from mokanda_firmware.mailbox.store.database import (
    MIGRATIONS,
    OLDEST_READER,
    Store,
    StoreNewer,
    newest_version,
)
from mokanda_firmware.mailbox.store.settings import set_setting, setting
from mokanda_firmware.mailbox.sync.down import apply_down
from mokanda_firmware.mailbox.sync.history import shared_history
from mokanda_wire.bundle import Mail
from tests.later_store import later_version, migration

from .letters import add_account, bundle_down, letter

LATER = [each for each in sorted(MIGRATIONS.glob("*.sql")) if int(each.name[:4]) > OLDEST_READER]
_ADDS = re.compile(r"(?:CREATE TABLE|CREATE INDEX) [a-z_]+ .*", re.DOTALL)
_COLUMN = re.compile(
    r"ALTER TABLE ([a-z_]+) ADD COLUMN ([a-z_]+) [A-Z]+(?: NOT NULL)?(?: DEFAULT \S+)?"
)
_FILLS = re.compile(r"UPDATE ([a-z_]+) SET ([a-z_]+) = .*", re.DOTALL)


def what_takes_away(script: str) -> list[str]:
    """The statements of a migration after which an earlier version might not work any more.

    It may make tables and indexes, add columns of which it says what older rows have in them, and
    fill in what it has added.
    """
    without_comments = re.sub(r"--[^\n]*", "", script)
    statements = [" ".join(each.split()) for each in without_comments.split(";")]
    added: set[tuple[str, str]] = set()
    found = []
    for each in filter(None, statements):
        if column := _COLUMN.fullmatch(each):
            added.add((column[1], column[2]))
        elif filled := _FILLS.fullmatch(each):
            if (filled[1], filled[2]) not in added:
                found.append(each)
        elif not _ADDS.fullmatch(each):
            found.append(each)
    return found


@pytest.mark.parametrize("file", LATER, ids=lambda file: file.name)
def test_every_migration_only_adds(file: Path) -> None:
    assert what_takes_away(file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE entry DROP COLUMN starred",
        "ALTER TABLE entry RENAME TO letter",
        "ALTER TABLE entry ADD COLUMN other INTEGER REFERENCES account",
        "CREATE UNIQUE INDEX entry_once ON entry (message)",
        "CREATE TRIGGER no BEFORE DELETE ON entry BEGIN SELECT 1",
        "DELETE FROM setting",
        "UPDATE entry SET folder = 'inbox'",
    ],
)
def test_what_might_hinder_an_earlier_version_is_found_out(statement: str) -> None:
    assert what_takes_away(f"{statement};") == [statement]


def test_a_migration_may_fill_in_what_it_adds() -> None:
    assert not what_takes_away(
        "-- Why; and what for.\nALTER TABLE notice ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;\n"
        "UPDATE notice SET seen = at; CREATE TABLE other (a TEXT) STRICT;"
    )


@pytest.fixture
def device(tmp_path: Path, store: Store) -> Iterator["Device"]:
    device = Device(tmp_path, store.path)
    yield device
    device.close()


class Device:
    """A device whose software changes, with one villager, `awa`."""

    def __init__(self, folder: Path, path: Path) -> None:
        self._folder = folder
        self._path = path
        self._sequence = 0
        self.start()
        self.awa = add_account(self.store, "awa")

    def start(self) -> None:
        """Start the version that runs."""
        self.store = Store(self._path, self._folder / "attachments")

    def run_later_version(self, text: str) -> None:
        """Start a later version for once, and use it."""
        self.close()
        with later_version(self._path, self._folder):
            self.start()
            self.use(text)
            self.close()

    def close(self) -> None:
        self.store.close()

    def use(self, text: str) -> None:
        """Write a letter, a draft and a setting, and get a mail."""
        self._sequence += 1
        own = letter(f"{text}@boende.example", text=text)
        assert entries.submit(self.store, self.awa, own, here=[], outside=["ada@example.org"]) == []
        with self.store.transaction() as connection:
            drafts.save(connection, self.awa, None, {"text": text}, [])
        set_setting(self.store, "village", text)
        mail = letter(f"{text}@example.org", to="awa@boende.example", text=text)
        apply_down(self.store, bundle_down(self._sequence, Mail(("awa@boende.example",), mail)))
        shared_history(self.store)

    def texts(self) -> list[str]:
        """What stands in all her letters, those that came and those that she wrote."""
        with self.store.reading() as connection:
            rows = connection.execute(
                "SELECT DISTINCT text FROM entry JOIN body ON body.message = entry.message"
                " WHERE account = ? ORDER BY entry.id",
                (self.awa,),
            )
            return [text for (text,) in rows]


def test_no_letter_is_lost_by_going_back_and_forth(device: Device) -> None:
    device.use("first")
    device.run_later_version("second")
    device.start()
    assert device.texts() == ["first", "second"]
    assert setting(device.store, "village", None) == "second"
    device.use("third")
    device.run_later_version("fourth")
    device.start()
    assert device.texts() == ["first", "second", "third", "fourth"]


def test_an_earlier_version_mends_a_later_ones_store(device: Device, tmp_path: Path) -> None:
    device.run_later_version("second")
    assert salvage.salvage(tmp_path / "mail.db", tmp_path / "mended.db") == 0
    mended = Store(tmp_path / "mended.db", tmp_path / "attachments")
    with mended.reading() as connection:
        [version] = connection.execute("PRAGMA user_version").fetchone()
        texts = {text for (text,) in connection.execute("SELECT text FROM body")}
    mended.close()
    assert version == newest_version()
    assert texts == {"second"}


def test_a_store_that_says_so_is_left_alone(device: Device, tmp_path: Path) -> None:
    device.run_later_version("second")
    with sqlite3.connect(tmp_path / "mail.db") as connection:
        connection.execute(f"PRAGMA application_id = {newest_version() + 1}")
    connection.close()
    with pytest.raises(StoreNewer):
        device.start()


def test_the_later_store_of_these_tests_is_one_that_may_be(store: Store) -> None:
    assert what_takes_away(migration(store.path)) == []
