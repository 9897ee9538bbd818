# SPDX-License-Identifier: Apache-2.0
"""The relay's database: SQLite by default, PostgreSQL by the same code.

Every change is one transaction that is durable when it ends. On SQLite a writing transaction takes
the write lock at its start, so that what it has read stays true; on PostgreSQL the callers lock the
rows that they decide upon (`with_for_update`, which SQLite has no need of and ignores).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import event
from sqlalchemy.orm import Session

from mokanda_relay.store.tables import Device

_MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATION_LOCK = 0x6D6F6B61  # any number that other programs in the same database do not use
_LOCK_TIMEOUT = 30  # seconds


class DatabaseError(Exception):
    """The database cannot be used; the text says why."""


def is_empty(url: str) -> bool:
    """Whether no relay has ever written the database.

    Raises:
        DatabaseError: it cannot be opened.
    """
    try:
        engine = _engine(url)
        if engine.dialect.name == "sqlite" and not _has_bytes(Path(engine.url.database or "")):
            return True  # SQLite would make the file, and throw away the log beside it
        with engine.execution_options(reading=True).connect() as connection:
            empty = not sa.inspect(connection).has_table(Device.__tablename__)
        engine.dispose()
    except sa.exc.SQLAlchemyError as error:
        raise DatabaseError(f"the database does not open: {_first_line(error)}") from error
    return empty


def _has_bytes(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


class Database:
    """Transactions on the relay's database."""

    def __init__(self, url: str) -> None:
        """Connect, and bring the schema to this version.

        Raises:
            DatabaseError: it cannot be opened, or a newer relay has written it.
        """
        logging.getLogger("alembic").setLevel(logging.WARNING)
        try:
            self._engine = _engine(url)
            self._reader = self._engine.execution_options(reading=True)
            self._migrate()
        except sa.exc.SQLAlchemyError as error:
            raise DatabaseError(f"the database does not open: {_first_line(error)}") from error

    def _migrate(self) -> None:
        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS))
        with self._engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                raise DatabaseError(
                    f"the database was written by a newer relay ({error}); start that one"
                ) from error

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A transaction that may write: durable at the end of the block, undone by an exception."""
        with Session(self._engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that only reads, and waits for no writer."""
        with Session(self._reader, expire_on_commit=False) as session:
            yield session

    def close(self) -> None:
        """Close the idle connections."""
        self._engine.dispose()


def _engine(url: str) -> sa.Engine:
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise DatabaseError(f"{url!r} is not a database's address") from error
    if parsed.get_backend_name() == "postgresql" and parsed.get_driver_name() != "psycopg":
        parsed = parsed.set(drivername="postgresql+psycopg")
    try:
        if parsed.get_backend_name() != "sqlite":
            return sa.create_engine(parsed, pool_size=32, max_overflow=64, pool_pre_ping=True)
        engine = sa.create_engine(
            parsed,
            pool_size=32,
            max_overflow=64,
            connect_args={"timeout": _LOCK_TIMEOUT, "check_same_thread": False},
        )
    except ImportError as error:
        raise DatabaseError(
            f"the driver for {parsed.get_backend_name()} is missing ({error});"
            " pip install 'mokanda-relay[postgresql]'"
        ) from error
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - DBAPI is untyped
    connection.isolation_level = None  # we say BEGIN ourselves: the driver would say it too late
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")  # WAL's default may lose the last commits
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: sa.Connection) -> None:
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
