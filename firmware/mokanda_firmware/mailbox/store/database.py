# SPDX-License-Identifier: Apache-2.0
"""The mail store: connections, transactions, migrations, and what can go wrong with them.

A village loses power every day, so a transaction is on the disk (WAL, synchronous=FULL) when its
block ends. Any number of threads and processes may use one store.
"""

import contextlib
import errno
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

from mokanda_firmware import paths
from mokanda_firmware.mailbox.store.attachments import Attachments, Incoming

MIGRATIONS = Path(__file__).parent / "migrations"
# How long a writer waits for another one before the store counts as busy.
BUSY_SECONDS = 10.0
# Connections that wait for their next use; each may hold a page cache.
_SPARE_CONNECTIONS = 4


class StoreError(Exception):
    """The store cannot do it now; nothing of the transaction has happened."""


class StoreFull(StoreError):  # noqa: N818 - reads better where it is caught
    """The data partition has no room left."""


class StoreBusy(StoreError):  # noqa: N818
    """Another writer held the store for too long."""


class Store:
    """A mail database and the attachments beside it; opening it brings its schema up to date.

    Raises:
        StoreError: it is damaged, or newer than this software.
        StoreFull: there is no room to open it.
        StoreBusy: another process is bringing it up to date.
    """

    def __init__(self, path: Path, attachments: Path) -> None:
        self.path = path
        self.attachments = Attachments(attachments)
        self._spare: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        with _explained():
            path.parent.mkdir(parents=True, exist_ok=True)
            # SQLite would make it unwritable for the group that the daemons share.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660))
            connection = self._connect()
            try:
                _migrate(connection)
            finally:
                self._put_back(connection)

    @classmethod
    def of_device(cls) -> "Store":
        """Open the store at the device's paths."""
        return cls(paths.mail_database(), paths.attachments())

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A write transaction: on the disk when the block ends, undone when it raises.

        Raises:
            StoreError: or one of its kinds; nothing has been written.
        """
        with self._begun("BEGIN IMMEDIATE") as connection:
            yield connection

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One unchanging view of the store, however long the block lasts."""
        with self._begun("BEGIN") as connection:
            yield connection

    @contextlib.contextmanager
    def incoming_attachment(self) -> Iterator[Incoming]:
        """Take an attachment piece by piece; kept, it is on the disk, for a row to name.

        Raises:
            StoreFull: there is no room.
        """
        with _explained(), self.attachments.incoming() as incoming:
            yield incoming

    def close(self) -> None:
        """Close the spare connections; using the store opens it again."""
        with self._lock:
            while self._spare:
                self._spare.pop().close()

    @contextlib.contextmanager
    def _begun(self, begin: str) -> Iterator[sqlite3.Connection]:
        with _explained():
            with self._lock:
                connection = self._spare.pop() if self._spare else None
            connection = connection or self._connect()
            try:
                connection.execute(begin)
                yield connection
                connection.execute("COMMIT")
            finally:
                self._put_back(connection)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA cache_size = -1024")  # KiB
            connection.execute("PRAGMA journal_size_limit = 4194304")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _put_back(self, connection: sqlite3.Connection) -> None:
        """Undo what was not committed, and keep the connection for the next who asks."""
        try:
            if connection.in_transaction:  # SQLite may have ended it: a full disk
                connection.execute("ROLLBACK")
        except sqlite3.Error:
            connection.close()
            return
        with self._lock:
            if len(self._spare) < _SPARE_CONNECTIONS:
                self._spare.append(connection)
                return
        connection.close()


def newest_version() -> int:
    """Return the version of a store that this software has opened."""
    return _migrations()[-1][0]


def _migrations() -> list[tuple[int, Path]]:
    return [(int(file.name[:4]), file) for file in sorted(MIGRATIONS.glob("*.sql"))]


def _migrate(connection: sqlite3.Connection) -> None:
    """Apply what is missing of migrations/NNNN_*.sql, all of it or nothing."""
    migrations = _migrations()
    if _version(connection) == migrations[-1][0]:
        return
    connection.execute("BEGIN IMMEDIATE")
    version = _version(connection)  # another process may have been faster
    if version > migrations[-1][0]:
        raise StoreError(f"the mail store has version {version}, this software is older")
    for number, file in migrations:
        if number > version:
            for statement in _statements(file.read_text(encoding="utf-8")):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def _statements(script: str) -> Iterator[str]:
    """Split an SQL script; `executescript` would commit what is before it."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """Turn what SQLite and the file system say of a full, busy or broken store to StoreError."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        text = f"the mail store failed: {error}"
        if code == sqlite3.SQLITE_FULL:
            raise StoreFull(text) from error
        if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise StoreBusy(text) from error
        if code in _BROKEN:
            raise StoreError(text) from error
        raise
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StoreFull(f"the data partition is full: {error}") from error
        raise


_BROKEN = {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_READONLY,
}
