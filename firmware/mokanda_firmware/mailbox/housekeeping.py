# SPDX-License-Identifier: Apache-2.0
"""What the store needs once a day: old trash goes, and the files that no letter names."""

import logging
import threading

from mokanda_firmware.mailbox import entries
from mokanda_firmware.mailbox.store import Store, StoreError

_DAY_SECONDS = 24 * 3600.0
_log = logging.getLogger(__name__)


def tidy(store: Store) -> None:
    """Delete what is 30 days in the trash, and attachments that nothing names any more."""
    letters = entries.delete_old_trash(store)
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT digest FROM attachment UNION SELECT digest FROM draft_attachment"
        )
        wanted = {row["digest"] for row in rows}
    files = store.attachments.sweep(wanted)
    if letters or files:
        _log.info("deleted %d letters from the trash, and %d files", letters, files)


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
