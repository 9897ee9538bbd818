# SPDX-License-Identifier: Apache-2.0
"""What a new card needs to go on where the old one stopped: all data but what comes by itself."""

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from mokanda_firmware import paths, running
from mokanda_firmware.backup.archive import DATABASE, Manifest, Source
from mokanda_firmware.bus.statuses import SetupStatus
from mokanda_firmware.mailbox.store.named_files import named_files
from mokanda_wire import durable

# Bundles in flight are sealed anew, updates are offered again; locks and sockets are of processes,
# and what a card is known by stays on it.
_LEFT_OUT = {
    "card",
    *("attachments", "bundles", "calls.json", "updates", "offer.json", "courier.lock"),
    *("keeper-code", "mended.json", "store-anew", "store-checked", "store-damaged"),
    "store-in-use",
}
_OF_GNUPG = ("S.", ".#", "random_seed")


def estimate() -> int:
    """Return about how many bytes a backup will have."""
    plain = (source.path for source in _plain_files())
    return size_of_store() + _total([*plain, *paths.attachments().glob("??/*")])


def size_of_store() -> int:
    """Return how many bytes a copy of the mail store may have."""
    database = paths.mail_database()
    return _total([database, database.with_name(f"{database.name}-wal")])


def snapshot(target: Path) -> None:
    """Copy the mail store as it is at one moment, while others write to it.

    Raises:
        OSError: there is no room.
        sqlite3.Error: the store cannot be read, or there is no room.
    """
    target.parent.mkdir(mode=0o700, exist_ok=True)
    target.unlink(missing_ok=True)
    with (
        closing(sqlite3.connect(paths.mail_database())) as store,
        closing(sqlite3.connect(target)) as copy,
    ):
        store.backup(copy)
    _own_like(paths.mail_database(), target)


def sources(database: Path) -> list[Source]:
    """Return all files of a backup whose copy of the mail store lies at `database`."""
    return [Source(DATABASE, database), *_plain_files(), *_attachments(database)]


def describe(database: Path, files: list[Source]) -> Manifest:
    """Say what is in a backup of these files."""
    with closing(sqlite3.connect(database)) as connection:
        [accounts] = connection.execute("SELECT count(*) FROM account").fetchone()
        [letters] = connection.execute("SELECT count(*) FROM entry").fetchone()
        named = connection.execute("SELECT value FROM setting WHERE key = 'village'").fetchone()
    setup = SetupStatus.read()
    village = json.loads(named[0]) if named else ""
    return Manifest(
        made=int(datetime.now(UTC).timestamp()),
        village=str(village or (setup.village if setup else "")),
        domain=setup.domain if setup else "",
        software=running.version(),
        accounts=accounts,
        letters=letters,
        bytes=_total(each.path for each in files),
    )


def copy_identity(folder: Path) -> None:
    """Copy who the device is, and what its Wi-Fi and modem are set to, for one that begins anew.

    Nothing of its villagers is among it.

    Raises:
        OSError: there is no room.
    """
    kept = {paths.claim(), paths.claim_result(), paths.followed(), paths.former_claims()}
    kept |= {paths.wifi(), paths.modem()}
    for source in _plain_files():
        if source.path in kept or source.path.is_relative_to(paths.keys()):
            _copy(source.name, folder)
    durable.write(folder / paths.anew_mark().name, b"")


def _copy(name: str, folder: Path) -> None:
    """Copy a file of the data, and the folders that it is in, with owners and modes."""
    for parent in reversed(Path(name).parents):
        if not (folder / parent).exists():
            (folder / parent).mkdir()
            _own_like(paths.data() / parent, folder / parent)
    durable.write(folder / name, (paths.data() / name).read_bytes())
    _own_like(paths.data() / name, folder / name)


def _own_like(old: Path, new: Path) -> None:
    state = old.stat()
    new.chmod(state.st_mode & 0o7777)
    if os.geteuid() == 0:
        os.chown(new, state.st_uid, state.st_gid)


def _total(files: Iterable[Path]) -> int:
    total = 0
    for path in files:
        with suppress(FileNotFoundError):
            total += path.stat().st_size
    return total


def _plain_files() -> Iterator[Source]:
    data = paths.data()
    left_out = {*_LEFT_OUT, paths.wipe_mark().name}
    for path in sorted([*data.iterdir(), *paths.keys().rglob("*")]):
        if path.is_symlink() or not path.is_file() or path.name in left_out:
            continue
        name = str(path.relative_to(data))
        if not path.name.startswith((".", DATABASE, *_OF_GNUPG)) and not name.endswith(".lock"):
            yield Source(name, path)


def _attachments(database: Path) -> Iterator[Source]:
    with closing(sqlite3.connect(database)) as connection:
        digests = sorted(named_files(connection))
    for digest in digests:
        path = paths.attachments() / digest[:2] / digest
        if path.exists():
            yield Source(f"attachments/{digest[:2]}/{digest}", path)
