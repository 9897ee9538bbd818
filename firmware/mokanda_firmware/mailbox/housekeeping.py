# SPDX-License-Identifier: Apache-2.0
"""What the store needs once a day: old trash goes, and the files that no letter names."""

import logging
import sqlite3
import threading

from mokanda_firmware.mailbox import entries, left_names, messages, photos
from mokanda_firmware.mailbox.store import Store, StoreError

TRASH_SECONDS = 30 * 24 * 3600
_DAY_SECONDS = 24 * 3600.0
_AT_RELAY_SECONDS = 30 * 24 * 3600  # as long as the relay keeps what nobody asks for
_log = logging.getLogger(__name__)


def tidy(store: Store) -> None:
    """Delete what is 30 days in the trash, and files and names that nothing needs any more."""
    letters = entries.delete_old_trash(store, TRASH_SECONDS)
    # Nobody else writes meanwhile: a bundle that names a file which is here finds it here still.
    with store.transaction() as connection:
        photos.forget_sent(connection)
        files = store.attachments.sweep(named_files(connection))
        connection.execute(
            "DELETE FROM at_relay WHERE at < ?", (messages.now() - _AT_RELAY_SECONDS,)
        )
        left_names.forget_old(connection)
    if letters or files:
        _log.info("deleted %d letters from the trash, and %d files", letters, files)


def named_files(connection: sqlite3.Connection) -> set[str]:
    """Return the digest of every file that a letter or draft names; it may not have come yet."""
    rows = connection.execute(
        "SELECT digest FROM attachment UNION SELECT original FROM attachment"
        " UNION SELECT digest FROM draft_attachment UNION SELECT original FROM draft_attachment"
        " UNION SELECT original FROM message"
        " UNION SELECT whole FROM smaller_photo UNION SELECT digest FROM smaller_photo"
    )
    return {digest for (digest,) in rows if digest}


def tidy_every_day(store: Store) -> None:
    """Keep the store tidy from now on, in a thread that ends with the process."""

    def work() -> None:
        while True:
            try:
                tidy(store)
            except (StoreError, OSError) as error:
                _log.warning("housekeeping: %s", error)
            threading.Event().wait(_DAY_SECONDS)

    threading.Thread(target=work, name="housekeeping", daemon=True).start()
