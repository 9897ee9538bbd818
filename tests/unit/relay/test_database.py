# SPDX-License-Identifier: Apache-2.0
"""The database: its schema, its transactions, and what it does with strange values."""

from __future__ import annotations

import datetime as dt
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from mokanda_relay.store.database import Database, DatabaseError
from mokanda_relay.store.tables import Alert, Device, Table, Untold
from tests.relay_served import BOTH_DATABASES, BOTH_EMPTY_DATABASES

pytest_plugins = ("tests.relay_fixtures",)

NOON = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)


def device(name: str = "kitenge") -> Device:
    return Device(name=name, domain=f"{name}.example", added=NOON)


_DEVICE = """INSERT INTO device (name, domain, added, hello_counter, format, claim_move, noted,
    up_applied, up_sha256, down_frozen, down_confirmed, bisection_size,
    bisection_caution, residents_known, deletions, version, report, last_sync, bytes_up,
    bytes_down, mails_out, mails_in, error, photo_side, photo_bytes, file_bytes)
VALUES ('kitenge', 'kitenge.example', '2026-05-01', 0, 1, 0, 0, 0, '', 0, 0, 0, 0,
    false, 0, '', '{}', '2026-06-01 12:00:00', 0, 0, 0, 0, '', 1, 1, 1)"""


def write_with_schema(url: str, revision: str, statement: str) -> None:
    """Run a statement on a new database, with the schema of an earlier relay."""
    config = Config()
    config.set_main_option("script_location", "mokanda_relay.store:migrations")
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        connection.execute(sa.text(statement))
    engine.dispose()


@BOTH_EMPTY_DATABASES
class TestSchema:
    def test_the_migrations_make_what_the_tables_say(self, empty_database_url: str) -> None:
        database = Database(empty_database_url)
        with database.reading() as session:
            context = MigrationContext.configure(session.connection())
            assert compare_metadata(context, Table.metadata) == []
        database.close()

    def test_what_is_there_stays_there_when_it_is_opened_again(
        self, empty_database_url: str
    ) -> None:
        first = Database(empty_database_url)
        with first.transaction() as session:
            session.add(device())
        first.close()
        second = Database(empty_database_url)
        with second.reading() as session:
            assert session.scalars(sa.select(Device)).one().name == "kitenge"
        second.close()

    def test_what_an_earlier_relay_has_written_is_still_there(
        self, empty_database_url: str
    ) -> None:
        write_with_schema(
            empty_database_url,
            "0008",
            "INSERT INTO incident (id, at, kind, text) VALUES (1, '2026-06-01', 'claim', 'old')",
        )
        database = Database(empty_database_url)
        with database.reading() as session:
            assert [each.text for each in session.scalars(sa.select(Alert))] == ["old"]
        database.close()

    def test_of_a_village_of_an_earlier_relay_it_is_known_when_it_last_synced(
        self, empty_database_url: str
    ) -> None:
        write_with_schema(
            empty_database_url,
            "0018",
            _DEVICE,
        )
        database = Database(empty_database_url)
        with database.reading() as session:
            assert session.scalars(sa.select(Device)).one().last_exchange == NOON
        database.close()

    def test_mail_that_waits_for_a_newcomer_still_does(self, empty_database_url: str) -> None:
        for statement in (
            _DEVICE,
            "INSERT INTO original (digest, size, kept) VALUES ('d', 1, '2026-06-01')",
            "INSERT INTO incoming (id, device_id, recipient, digest, received, ticket, stub, "
            "requested, prepared) VALUES (1, 1, 'cyr@kitenge.example', 'd', '2026-06-01', '', '', "
            "false, false)",
            "INSERT INTO untold (incoming_id, sender, heard) VALUES (1, 'ada@example.org', true)",
        ):
            write_with_schema(empty_database_url, "0020", statement)
        database = Database(empty_database_url)
        with database.reading() as session:
            waiting = session.scalars(sa.select(Untold)).one()
        assert (waiting.sender, waiting.heard) == ("ada@example.org", True)
        assert waiting.writer_device_id is None
        database.close()

    def test_one_written_by_a_newer_relay_is_refused_with_advice(
        self, empty_database_url: str
    ) -> None:
        database = Database(empty_database_url)
        with database.transaction() as session:
            session.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
        database.close()
        with pytest.raises(DatabaseError, match="newer relay"):
            Database(empty_database_url)


@BOTH_DATABASES
class TestTransactions:
    def test_an_exception_undoes_all_of_it(self, database_url: str) -> None:
        database = Database(database_url)
        with pytest.raises(ZeroDivisionError), database.transaction() as session:
            session.add(device())
            session.flush()
            _ = 1 / 0
        with database.reading() as session:
            assert session.scalars(sa.select(Device)).all() == []
        database.close()

    def test_two_that_decide_on_the_same_row_come_one_after_the_other(
        self, database_url: str
    ) -> None:
        database = Database(database_url)
        with database.transaction() as session:
            session.add(device())

        def count_up() -> None:
            for _ in range(20):
                with database.transaction() as session:
                    row = session.scalars(sa.select(Device).with_for_update()).one()
                    row.bytes_up = row.bytes_up + 1

        threads = [threading.Thread(target=count_up) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with database.reading() as session:
            assert session.scalars(sa.select(Device)).one().bytes_up == 80
        database.close()

    def test_a_reader_waits_for_no_writer(self, database_url: str) -> None:
        database = Database(database_url)
        with database.transaction() as session:
            session.add(device())
            session.flush()
            with database.reading() as reader:
                assert reader.scalars(sa.select(Device)).all() == []
        database.close()


@BOTH_DATABASES
class TestValues:
    def test_times_come_back_aware(self, database_url: str) -> None:
        database = Database(database_url)
        local = NOON.astimezone(dt.timezone(dt.timedelta(hours=2)))
        with database.transaction() as session:
            row = device()
            row.last_sync = local
            session.add(row)
        with database.reading() as session:
            assert session.scalars(sa.select(Device)).one().last_sync == NOON
        database.close()

    @pytest.mark.parametrize("text", ["a\0b", "a\udcffb"])
    def test_text_that_no_database_holds_is_mended(self, database_url: str, text: str) -> None:
        database = Database(database_url)
        with database.transaction() as session:
            row = device()
            row.error = text
            session.add(row)
        with database.reading() as session:
            stored = session.scalars(sa.select(Device)).one().error
        assert (stored[0], stored[-1], len(stored)) == ("a", "b", 3)
        database.close()


class TestOpening:
    def test_a_text_that_is_no_address_is_refused(self) -> None:
        with pytest.raises(DatabaseError, match="address"):
            Database("not a database")

    def test_a_file_that_is_no_database_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "relay.db").write_bytes(b"not a database" * 100)
        with pytest.raises(DatabaseError, match="does not open"):
            Database(f"sqlite:///{tmp_path}/relay.db")
