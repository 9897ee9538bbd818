# SPDX-License-Identifier: Apache-2.0
"""Mending the mail store, at a start after an end that was none, before anything uses it.

If SQLite finds damage, what can be read is brought into a new store; if letters were lost by that
and the last sound copy has more of them, the copy takes its place. It then stands with its relay as
a restored backup does. The damaged one is kept as it was until another is.

It also keeps in mind what the card alone still tells of a device whose data are gone.

What is to become the store has a name of its own as soon as it is whole: whatever is cut after
that is done at the next start.
"""

import argparse
import json
import logging
import os
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from mokanda_firmware import paths
from mokanda_firmware.bus import service
from mokanda_firmware.mailbox.store import clock, copies, novelty, salvage
from mokanda_firmware.mailbox.store.database import StoreError, is_damage
from mokanda_firmware.mailbox.store.mending import Mending
from mokanda_wire import durable

_log = logging.getLogger(__name__)


def mend() -> bool:
    """See whether the mail store is sound, and mend it if not; return whether it is now.

    Raises:
        OSError, sqlite3.Error: it cannot be done now; it will be tried again.
    """
    if paths.wipe_mark().exists():
        return False
    novelty.remember()
    if novelty.is_new():
        return False
    _finish()
    # What was met while it was in use is not always found by SQLite's own check.
    is_met = paths.store_damage().exists()
    is_sound = (not is_met and _is_sound(paths.mail_database())) or _mend()
    if is_sound:
        for mark in (paths.store_in_use(), paths.store_damage()):
            mark.unlink(missing_ok=True)
    return is_sound


def _is_sound(database: Path) -> bool:
    with suppress(FileNotFoundError):
        return database.stat().st_size > 0 and copies.is_sound(database)
    return False


def _mend() -> bool:
    """Make what is to be the store; return whether there was anything to make it of."""
    part = _beside("part")
    part.unlink(missing_ok=True)
    try:
        return _mend_with(part)
    finally:
        part.unlink(missing_ok=True)  # where there was no room for it, nothing else has any


def _mend_with(part: Path) -> bool:
    lost = _salvage(part)
    copy = next((each for each in copies.newest_first() if copies.is_sound(each)), None)
    if copy is not None and (lost is None or (lost and _letters(copy) > _letters(part))):
        _log.warning("%s takes the mail store's place", copy.name)
        made: int | None = int(copy.stat().st_mtime)
        chosen, lost = copy, None
    elif lost is not None:
        chosen, made = part, None
    else:
        _log.error("nothing of the mail store can be read, and there is no copy")
        return False
    _own(chosen)
    shutil.rmtree(paths.damaged_store(), ignore_errors=True)
    mending = Mending(at=clock.now(), lost=lost, copy=made)
    durable.write(paths.mended(), json.dumps(mending._asdict()).encode())
    paths.mended().chmod(0o660)
    with chosen.open("rb") as file:
        os.fsync(file.fileno())
    chosen.replace(_beside("mended"))
    durable.sync_folder(paths.data())
    _finish()
    return True


def _salvage(part: Path) -> int | None:
    """Bring what can be read into a new store; return how many rows are lost, None for all."""
    if not paths.mail_database().exists():
        return None
    try:
        lost = salvage.salvage(paths.mail_database(), part)
        with closing(sqlite3.connect(part)) as connection:
            [accounts] = connection.execute("SELECT count(*) FROM account").fetchone()
    except (sqlite3.Error, StoreError, UnicodeDecodeError) as error:
        if isinstance(error, sqlite3.Error) and not is_damage(error):
            raise  # no room, say
        _log.error("the mail store cannot be salvaged: %s", error)
        return None
    return None if paths.keeper_mark().exists() and not accounts else lost


def _letters(database: Path) -> int:
    with closing(sqlite3.connect(database)) as connection:
        return int(connection.execute("SELECT count(*) FROM entry").fetchone()[0])


def _own(database: Path) -> None:
    """Give a store to those to whom the old one belonged, or its folder does."""
    old = paths.mail_database() if paths.mail_database().exists() else paths.data()
    database.chmod(0o660)
    if os.geteuid() == 0:
        os.chown(database, old.stat().st_uid, old.stat().st_gid)


def _finish() -> None:
    """Let the store that was made take its place, and put the damaged one aside."""
    if not _beside("mended").exists():
        return
    aside = paths.damaged_store()
    aside.mkdir(mode=0o770, exist_ok=True)
    for name in ("mail.db", "mail.db-wal", "mail.db-shm"):
        with suppress(FileNotFoundError):
            (paths.data() / name).replace(aside / name)
    durable.sync_folder(aside)
    durable.sync_folder(paths.data())  # no log of the old one is ever beside the new one
    _beside("mended").replace(paths.mail_database())
    durable.sync_folder(paths.data())


def _beside(what: str) -> Path:
    return paths.mail_database().with_name(f"{paths.mail_database().name}.{what}")


def main() -> None:
    """Mend the mail store if it is damaged."""
    argparse.ArgumentParser(
        prog="mokanda-mend", description="Mends the mail store, if it is damaged."
    ).parse_args()
    service.start_logging()
    os.umask(0o007)
    mend()


if __name__ == "__main__":
    main()
