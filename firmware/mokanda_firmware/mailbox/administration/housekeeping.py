# SPDX-License-Identifier: Apache-2.0
"""What the store needs now and then: what is old goes, and the files that no letter names.

The clock of a board without a battery may jump by years. So all that goes by age grows older by a
day at most from one time to the next, and a file goes when no row has named it two times in a row.
"""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable

from mokanda_firmware.mailbox.letters import entries, photos
from mokanda_firmware.mailbox.people import reserved_names, sessions
from mokanda_firmware.mailbox.store import at_relay, clock, copies
from mokanda_firmware.mailbox.store.database import Store, StoreError, StoreFull
from mokanda_firmware.mailbox.store.named_files import named_files
from mokanda_firmware.mailbox.store.settings import read_setting, write_setting
from mokanda_wire.limits import KEPT

TRASH_SECONDS = 30 * 24 * 3600
_EVERY_SECONDS = 3600.0  # no file waits longer for the row that names it
_COPY_AFTER_SECONDS = 600.0  # when all has started
_AT_ONCE_SECONDS = 2.0  # what is deleted one after the other goes together
_STRIDE_SECONDS = 24 * 3600
_TIDIED = "tidied"  # a setting of the store that only this module uses: up to when it was
_log = logging.getLogger(__name__)


def tidy(store: Store) -> None:
    """Delete what is 30 days in the trash, and what nobody needs any more."""
    with store.transaction() as connection:
        now = _grown_to(connection)
        photos.forget_sent(connection)
        at_relay.forget_old(connection, now - int(KEPT.total_seconds()))
        reserved_names.release_old(connection, now)
        sessions.close_old(connection, now)
    letters = entries.delete_old_trash(store, now - TRASH_SECONDS)
    files = 0
    with store.reading() as connection:
        orphans = store.attachments.orphans(set(named_files(connection)))
    if orphans:
        # Nobody else writes meanwhile: a bundle that names a file which is here finds it so.
        with store.transaction() as connection:
            files = store.attachments.remove(orphans, set(named_files(connection)))
    if letters or files:
        _log.info("deleted %d letters from the trash, and %d files", letters, files)
    _sweep(store)


def _sweep(store: Store) -> None:
    """Where there is no room, let no file wait that no letter has any more.

    Raises:
        StoreFull: there is none after it either.
        StoreError: or another of its kinds.
    """
    try:
        store.check_room()
    except StoreFull:
        with store.transaction() as connection:
            files = store.attachments.sweep(set(named_files(connection)))
        _log.info("deleted %d files, as there was no room", files)
        store.check_room()


def _grown_to(connection: sqlite3.Connection) -> int:
    """Return the time by which things grow old: the clock's, or a stride after the last one."""
    now = clock.now()
    tidied: int = read_setting(connection, _TIDIED, now)
    now = min(now, tidied + _STRIDE_SECONDS)
    write_setting(connection, _TIDIED, now)
    return now


def keep_tidy(
    store: Store, tell: Callable[[StoreError | None], None], has_deleted: threading.Event
) -> None:
    """Keep the store tidy from now on, in a thread that ends with the process.

    `tell` is called each time: with None when it worked, else with what is wrong with the store.
    `has_deleted` is set where somebody may have made room on a full card.
    """

    def wait(seconds: float) -> None:
        until = time.monotonic() + seconds
        while has_deleted.wait(max(0.0, until - time.monotonic())):
            time.sleep(_AT_ONCE_SECONDS)
            has_deleted.clear()
            _try(_sweep, store, tell)

    def work() -> None:
        while True:
            _try(tidy, store, tell)
            wait(_COPY_AFTER_SECONDS)
            _try(copies.look_after, store, lambda error: tell(error) if error else None)
            wait(_EVERY_SECONDS - _COPY_AFTER_SECONDS)

    threading.Thread(target=work, name="housekeeping", daemon=True).start()


def _try(
    work: Callable[[Store], None], store: Store, tell: Callable[[StoreError | None], None]
) -> None:
    try:
        work(store)
    except StoreError as error:
        _log.warning("housekeeping: %s", error)
        tell(error)
    except OSError as error:
        _log.warning("housekeeping: %s", error)
    else:
        tell(None)
