# SPDX-License-Identifier: Apache-2.0
"""A mail store that was mended: what either end still has is not lost, none goes twice."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
import sqlalchemy as sa

from mokanda_firmware import paths
from mokanda_firmware.mailbox.store import copies
from mokanda_firmware.mailbox.store.damage import note
from mokanda_firmware.mailbox.store.database import Store
from mokanda_firmware.mailbox.store.mending import Mending
from mokanda_firmware.setup import mend
from mokanda_relay.store.tables import Alert
from tests.relay_served import Served, eventually
from tests.syncing_village import Village

pytest_plugins = ("tests.syncing_fixtures",)


def exchange(village: Village, served: Served, text: str) -> None:
    """A mail out and one back, and what became of the one that went out."""
    village.write(f"{text} out")
    served.world.write("ada@example.org", ["amina@kitenge.example"], text, f"{text} back")
    village.sync()
    eventually(lambda: f"{text} out" in sent(served), "the mail at SendGrid")
    village.sync()


def sent(served: Served) -> list[str]:
    return sorted(mail.text for mail in served.world.sent)


def start_anew(village: Village) -> None:
    assert mend.mend()
    village.store = Store.of_device()


def settle(village: Village) -> None:
    for _ in range(3):
        village.sync()


def test_a_copy_that_takes_the_place_of_a_lost_store_loses_and_doubles_no_mail(
    village: Village, served: Served
) -> None:
    exchange(village, served, "old")
    village.write("waiting")
    copies.look_after(village.store)
    exchange(village, served, "new")
    village.store.close()
    for file in paths.data().glob("mail.db*"):
        file.unlink()
    start_anew(village)
    assert village.texts("inbox") == ["old back"]
    settle(village)
    exchange(village, served, "newer")
    assert sorted(village.texts("inbox")) == ["new back", "newer back", "old back"]
    assert sent(served) == ["new out", "newer out", "old out", "waiting"]


@pytest.mark.parametrize("table", ["history", "delivery", "sync_session"])
def test_what_is_saved_of_a_damaged_store_goes_on_with_its_relay(
    village: Village, served: Served, table: str
) -> None:
    exchange(village, served, "old")
    village.write("waiting")
    village.store.close()
    damage(table)
    start_anew(village)
    mending = Mending.read()
    assert mending is not None
    assert mending.lost
    settle(village)
    exchange(village, served, "new")
    assert sorted(village.texts("inbox")) == ["new back", "old back"]
    assert sent(served) == ["new out", "old out", "waiting"]


def test_the_operator_is_told_of_it(village: Village, served: Served) -> None:
    village.store.close()
    damage("history")
    start_anew(village)
    settle(village)
    with served.relay.database.reading() as session:
        [alert] = session.scalars(sa.select(Alert).where(Alert.kind == "mended"))
    assert "rows are lost" in alert.text


def test_the_operator_is_told_once_of_damage_that_a_page_has_met(
    village: Village, served: Served
) -> None:
    note("the mail store has a draft that is damaged")
    settle(village)
    with served.relay.database.reading() as session:
        [alert] = session.scalars(sa.select(Alert).where(Alert.kind == "damaged"))
    assert "has met damage in its mail store" in alert.text


def damage(table: str) -> None:
    """Overwrite the first page of a table."""
    with closing(sqlite3.connect(paths.mail_database())) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        [root] = connection.execute(
            "SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)
        ).fetchone()
        [size] = connection.execute("PRAGMA page_size").fetchone()
    with paths.mail_database().open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * size)
