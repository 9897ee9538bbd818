# SPDX-License-Identifier: Apache-2.0
"""Whether there is a relay in a data folder: none, one whose first start goes on, all, or a part.

Only the first start makes a relay's keys, certificate and database. From before the first of them
until after the last a mark says that it goes on: no mail was taken, so what is missing is made.
Without the mark a part that is missing was lost. A relay that made it anew would turn its devices
away, or drop the mail for villages of which it knows nothing; so it does not start.

The database may lie elsewhere; it belongs to the folder all the same.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from mokanda_relay.store import database
from mokanda_relay.store.settings import Settings
from mokanda_wire import durable

_FIRST_START = ".first-start"  # the mark
_NEEDED = (
    "fingerprint",
    "keys/pubring.kbx",
    "keys/private-keys-v1.d/*.key",
    "tls/certificate.pem",
    "tls/key.pem",
)
_FOLDERS = ("keys", "tls", "originals", "bundles", "uploads", "readings", "renditions", "releases")


class DataFolderError(Exception):
    """The data folder cannot be used; the text says why."""


@contextmanager
def opening(settings: Settings, *, begin: bool) -> Iterator[None]:
    """Open the parts of the relay in `settings.data` in the block: all are there, or are made.

    Args:
        settings: say where the parts are.
        begin: whether to begin a new relay where there is none.

    Raises:
        DataFolderError: there is no relay, or only a part of one, or the folder cannot be used.
        DatabaseError: the database cannot be used.
    """
    data = settings.data
    try:
        if begin:
            data.mkdir(mode=0o700, parents=True, exist_ok=True)
        elif not _is_whole(settings):
            raise DataFolderError(
                f"there is no relay in {data} yet; `mokanda-relay serve` begins one."
                " If it is elsewhere, say where, by --data or MOKANDA_RELAY_DATA"
            )
        with _locked(data / ".lock"):
            if _is_whole(settings):
                yield
                return
            mark = data / _FIRST_START
            durable.write(mark, b"")
            yield
            os.sync()  # GnuPG leaves it to others to bring its keys to the disk
            mark.unlink()
            durable.sync_folder(data)
    except OSError as error:
        raise DataFolderError(f"the data folder {data} cannot be used: {error}") from error


def _is_whole(settings: Settings) -> bool:
    """Whether there is a relay; DataFolderError where there is a part of one."""
    data = settings.data
    if (data / _FIRST_START).exists():
        return False
    missing = [str(data / name) for name in _NEEDED if not any(data.glob(name))]
    if database.is_empty(settings.database):
        if len(missing) == len(_NEEDED) and not any((data / name).exists() for name in _FOLDERS):
            return False
        url = sa.make_url(settings.database).render_as_string(hide_password=True)
        missing.append(f"all tables of the database {url} (is MOKANDA_RELAY_DATABASE right?)")
    if missing:
        raise DataFolderError(
            f"a part of the relay in {data} is missing: {', '.join(missing)}. Put it back from the"
            ' last copy, as docs/operator.md says under "Restoring a copy". To begin anew, with'
            f" new claim files for all villages, move {data} away and take an empty database"
        )
    return True


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Only one process at a time makes what is missing."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
