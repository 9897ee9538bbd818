# SPDX-License-Identifier: Apache-2.0
"""What is deleted by itself, and what is not."""

import os

from mokanda_firmware.mailbox import entries, sync
from mokanda_firmware.mailbox.housekeeping import tidy
from mokanda_firmware.mailbox.store import Store
from mokanda_wire.bundle import Mail
from tests.unit.mailbox.letters import add_account, attached, bundle_down, letter


def test_the_file_of_a_letter_goes_with_the_last_one_who_had_it(store: Store) -> None:
    awa, ben = add_account(store, "awa"), add_account(store, "ben")
    photo = attached(b"photo")
    mail = Mail(("awa@x", "ben@x"), letter(attachments=(photo,)))
    sync.apply_down(store, bundle_down(1, mail, contents={photo.digest: b"photo"}))
    path = store.attachments.path(photo.digest)
    os.utime(path, (0, 0))
    for account, entry, stays in ((awa, 1, True), (ben, 2, False)):
        entries.move(store, account, [entry], "trash")
        with store.transaction() as connection:
            connection.execute("UPDATE entry SET trashed = 0 WHERE trashed")
        tidy(store)
        assert path.exists() is stays
