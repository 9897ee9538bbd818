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
from mokanda_firmware.bus.states import StoreState
from mokanda_firmware.mailbox.store import damage, novelty, room
from mokanda_firmware.mailbox.store.attachments import Attachments, Incoming

MIGRATIONS = Path(__file__).parent / "migrations"
# Migrations after this one only add (docs/decisions/0030-going-back.md): software that knows this
# one works with a store that a later one has migrated. A device whose update failed has such a
# store; the store itself says so, as its application_id.
OLDEST_READER = 21
# Tables of which an earlier version knows nothing, and which it can leave alone: they are no new
# version of the store, so that a device whose update failed opens it still.
ADDITIONS = Path(__file__).parent / "additions"
# How long a writer waits for another one before the store counts as busy.
BUSY_SECONDS = 10.0
# Connections that wait for their next use; each may hold a page cache.
_SPARE_CONNECTIONS = 4
_PAGES_AT_ONCE = 256  # of a copy: others may write in between


class StoreError(Exception):
    """The store cannot do it now; nothing of the transaction has happened."""


class StoreBusy(StoreError):  # noqa: N818 - reads better where it is caught
    """Another writer held the store for too long."""


class StoreUnfit(StoreError):  # noqa: N818
    """It cannot be used as it is, and somebody should know; `state` says what is wrong."""

    state = StoreState.FAILING


class StoreFull(StoreUnfit):
    """The data partition has no room left, or takes no more files."""

    state = StoreState.FULL


class StoreReadOnly(StoreUnfit):
    """The data partition cannot be written to: so the kernel has it when it finds it damaged."""

    state = StoreState.READ_ONLY


class StoreDamaged(StoreUnfit):
    """What lies there is no mail store, or one with damage."""

    state = StoreState.DAMAGED


class StoreNewer(StoreUnfit):
    """A newer version of this software has written it."""

    state = StoreState.NEWER


class StoreLost(StoreUnfit):
    """There was one, and it is gone."""

    state = StoreState.LOST


class StoreWiping(StoreUnfit):
    """The device is to be wiped, and nothing in it shall be used any more."""

    state = StoreState.WIPING


class Store:
    """A mail database and the attachments beside it; opening it brings its schema up to date.

    Args:
        path: the database.
        attachments: the folder of files.
        may_be_new: whether an empty store is made where there is none.
        lenient: whether text that is damaged is read as far as it goes, for people to see.

    Raises:
        StoreUnfit: or one of its kinds; it does not open.
        StoreBusy: another process is bringing it up to date.
    """

    def __init__(
        self, path: Path, attachments: Path, *, may_be_new: bool = True, lenient: bool = False
    ) -> None:
        self.path = path
        self._lenient = lenient
        self.attachments = Attachments(attachments)
        self._spare: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        with _explained(path):
            if not may_be_new and _is_empty(path):
                raise StoreLost("the mail store is gone")
            path.parent.mkdir(parents=True, exist_ok=True)
            # SQLite would make it unwritable for the group that the daemons share.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660))
            connection = self._connect()
            try:
                _migrate(connection, may_be_new=may_be_new)
                _add(connection)
            finally:
                self._put_back(connection)

    @classmethod
    def of_device(cls, *, lenient: bool = False) -> "Store":
        """Open the store at the device's paths; only a new device gets a new one.

        Raises:
            StoreUnfit: or one of its kinds; it does not open.
            StoreBusy: another process is bringing it up to date.
        """
        if paths.wipe_mark().exists():
            raise StoreWiping("this device is to be wiped")
        path = paths.mail_database()
        with _explained(path):
            is_new = novelty.is_new()
        store = cls(path, paths.attachments(), may_be_new=is_new, lenient=lenient)
        with store.reading() as connection:
            if novelty.has_lost_its_accounts(connection):
                raise StoreLost("the mail store has lost all accounts")
            novelty.note(connection)
        return store

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A write transaction: on the disk when the block ends, undone when it raises.

        Raises:
            StoreError: or one of its kinds; nothing has been written.
        """
        with self._begun("BEGIN IMMEDIATE") as connection:
            yield connection

    @contextlib.contextmanager
    def adding(self) -> Iterator[sqlite3.Connection]:
        """A transaction of what grows without an end: letters. On a full card there is none.

        All others are small, replace or delete something, and may take of what is kept back.

        Raises:
            StoreFull: there is no room but what is kept back.
            StoreError: or another of its kinds; nothing has been written.
        """
        with self.transaction() as connection:
            if not room.takes_letters(connection, self.path.parent):
                raise StoreFull("the data partition is full")
            yield connection

    def check_room(self) -> None:
        """See whether letters can still come.

        Raises:
            StoreFull: there is no room but what is kept back.
            StoreError: or another of its kinds; it cannot be asked.
        """
        with self.reading() as connection:
            has_room = room.takes_letters(connection, self.path.parent)
            if not (has_room and self.attachments.takes_files()):
                raise StoreFull("the data partition is full")

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
        with _explained(self.path), self.attachments.incoming() as incoming:
            yield incoming

    def files(self) -> list[Path]:
        """Return the files that have what is in the database."""
        log = self.path.with_name(f"{self.path.name}-wal")
        return [path for path in (self.path, log) if path.exists()]

    def copy_to(self, target: Path) -> None:
        """Copy the database as it is at one moment, while others write to it.

        Raises:
            StoreError: or one of its kinds; what is at `target` is of no use.
        """
        with (
            _explained(target),
            contextlib.closing(self._connect()) as connection,
            contextlib.closing(sqlite3.connect(target)) as copy,
        ):
            connection.backup(copy, pages=_PAGES_AT_ONCE)
            copy.execute("PRAGMA journal_mode = DELETE")

    def check(self) -> None:
        """Have SQLite read all of the database.

        Raises:
            StoreDamaged: it finds damage.
        """
        with _explained(self.path), contextlib.closing(self._connect()) as connection:
            connection.text_factory = bytes  # a verdict quotes what is damaged
            [verdict] = connection.execute("PRAGMA integrity_check(1)").fetchone()
        if verdict != b"ok":
            raise StoreDamaged(f"the mail store is damaged: {verdict!r}")

    def close(self) -> None:
        """Close the spare connections; using the store opens it again."""
        with self._lock:
            while self._spare:
                self._spare.pop().close()

    @contextlib.contextmanager
    def _begun(self, begin: str) -> Iterator[sqlite3.Connection]:
        with _explained(self.path):
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
        if self._lenient:
            connection.text_factory = _as_far_as_it_goes
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


def _is_empty(path: Path) -> bool:
    """Whether there is no database. SQLite would take one without a byte for new."""
    try:
        return path.stat().st_size == 0
    except FileNotFoundError:
        return True


def _migrate(connection: sqlite3.Connection, *, may_be_new: bool) -> None:
    """Apply what is missing of migrations/NNNN_*.sql, all of it or nothing."""
    migrations = _migrations()
    newest = migrations[-1][0]
    version = _version(connection)
    if version == newest or version > newest >= _oldest_reader(connection):
        return
    if version > newest:
        raise StoreNewer(f"the mail store has version {version}, this software is older")
    connection.execute("BEGIN IMMEDIATE")
    version = _version(connection)  # another process may have been faster
    if not version:
        if connection.execute("SELECT 1 FROM sqlite_schema").fetchone():
            raise StoreDamaged("the mail store does not know its version")
        if not may_be_new:
            raise StoreLost("the mail store is empty")
    for number, file in migrations:
        if number > version:
            _apply(connection, file)
            connection.execute(f"PRAGMA user_version = {number}")
    connection.execute(f"PRAGMA application_id = {OLDEST_READER}")
    connection.execute("COMMIT")


def make_schema(connection: sqlite3.Connection, version: int) -> None:
    """Make the tables of a store of this version, and the additions, in the caller's transaction.

    Of a version that is not known yet it makes what is known: the rest is only added to that.

    Raises:
        StoreDamaged: there is no such version.
    """
    known = _migrations()
    if version <= 0:
        raise StoreDamaged(f"there is no version {version} of a mail store")
    version = min(version, known[-1][0])
    for number, file in known:
        if number <= version:
            _apply(connection, file)
    connection.execute(f"PRAGMA user_version = {version}")
    connection.execute(f"PRAGMA application_id = {OLDEST_READER}")
    _add(connection)


def _add(connection: sqlite3.Connection) -> None:
    """Make what is missing of additions/*.sql; where nothing is, nothing is written."""
    for file in sorted(ADDITIONS.glob("*.sql")):
        _apply(connection, file)


def _apply(connection: sqlite3.Connection, file: Path) -> None:
    try:
        for statement in _statements(file.read_text(encoding="utf-8")):
            connection.execute(statement)
    except sqlite3.OperationalError as error:
        if _code(error) == sqlite3.SQLITE_ERROR:
            why = f"the mail store is not of the version that it names: {error}"
            raise StoreDamaged(why) from error
        raise


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def _oldest_reader(connection: sqlite3.Connection) -> int:
    """Return the oldest version of which the software works with this store."""
    oldest: int = connection.execute("PRAGMA application_id").fetchone()[0]
    return oldest or _version(connection)


def _statements(script: str) -> Iterator[str]:
    """Split an SQL script; `executescript` would commit what is before it."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what SQLite and the file system say of the store at `path` to StoreError."""
    try:
        yield
    except (sqlite3.ProgrammingError, sqlite3.InterfaceError):
        raise  # a fault of this program
    except sqlite3.Error as error:
        # It quotes a letter, which no log is to have.
        if str(error).startswith("Could not decode"):
            raise _noted(StoreDamaged(_NO_TEXT)) from None
        raise _noted(_of_sqlite(error, path)) from error
    except UnicodeDecodeError as error:
        raise _noted(StoreDamaged(f"{_NO_TEXT}: {error}")) from error
    except OSError as error:
        if error.errno not in _OF_DISK:  # a phone's connection, or a process
            raise
        raise _of_system(error) from error


def _noted(error: StoreError) -> StoreError:
    if isinstance(error, StoreDamaged):
        damage.note(str(error))
    return error


def _as_far_as_it_goes(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError:
        damage.note(_NO_TEXT)
        return text.decode(errors="replace")


def _of_sqlite(error: sqlite3.Error, path: Path) -> StoreError:
    code = _code(error)
    text = f"the mail store failed: {error}"
    if code == sqlite3.SQLITE_FULL:
        return StoreFull(text)
    if code in _BUSY:
        return StoreBusy(text)
    if code in _DAMAGED or str(error).startswith("no such table"):
        return StoreDamaged(text)
    if code in _OF_SYSTEM:
        return _kind_of_disk(path)(text)
    return StoreError(text)


def is_damage(error: sqlite3.Error) -> bool:
    """Whether it comes of what is in a database, or of a disk that does not give it back."""
    code = _code(error)
    if code == sqlite3.SQLITE_IOERR:  # that it cannot write says nothing of what is there
        return getattr(error, "sqlite_errorcode", code) in _OF_READING
    return code in _DAMAGED or code == sqlite3.SQLITE_ERROR


def _code(error: sqlite3.Error) -> int:
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code & 0xFF


def _kind_of_disk(path: Path) -> type[StoreUnfit]:
    """Say what is wrong with a disk of which SQLite says only that it does not work."""
    try:
        state = os.statvfs(path.parent)
    except OSError:
        return StoreUnfit
    if state.f_flag & os.ST_RDONLY:
        return StoreReadOnly
    # SQLite wants some room at once: less than that is none.
    is_full = state.f_bavail < _FEW_BLOCKS or (state.f_files and state.f_favail < _FEW_FILES)
    return StoreFull if is_full else StoreUnfit


def _of_system(error: OSError) -> StoreUnfit:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return StoreFull(f"the data partition is full: {error}")
    if error.errno == errno.EROFS:
        return StoreReadOnly(f"the data partition cannot be written to: {error}")
    return StoreUnfit(f"the data partition does not work: {error}")


_FEW_BLOCKS, _FEW_FILES = 16, 2  # of an index of the log, and a first page of it
_NO_TEXT = "the mail store has text that is none"
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_NOTADB}
_OF_READING = {
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_IOERR_READ,
    sqlite3.SQLITE_IOERR_SHORT_READ,
    sqlite3.SQLITE_IOERR_CORRUPTFS,
}
_OF_SYSTEM = {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
}
_OF_DISK = {
    *(
        errno.EACCES,
        errno.EBADMSG,
        errno.EDQUOT,
        errno.EEXIST,
        errno.EIO,
        errno.EISDIR,
        errno.ELOOP,
    ),
    *(errno.EMFILE, errno.ENFILE, errno.ENODEV, errno.ENOENT, errno.ENOSPC, errno.ENOTDIR),
    *(errno.ENXIO, errno.EPERM, errno.EROFS, errno.EUCLEAN),
}
