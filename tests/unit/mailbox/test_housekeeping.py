# SPDX-License-Identifier: Apache-2.0
"""What is deleted by itself, and what is not."""

import pytest

from mokanda_firmware.mailbox import sync
from mokanda_firmware.mailbox.administration import housekeeping
from mokanda_firmware.mailbox.letters import entries
from mokanda_firmware.mailbox.store import messages
from mokanda_firmware.mailbox.store.database import Store
from mokanda_wire.bundle import Mail
from tests.unit.mailbox.letters import add_account, attached, bundle_down, folders, letter
from tests.village import tidy


def test_the_file_of_a_letter_goes_with_the_last_one_who_had_it(store: Store) -> None:
    awa, ben = add_account(store, "awa"), add_account(store, "ben")
    photo = attached(b"photo")
    mail = Mail(("awa@x", "ben@x"), letter(attachments=(photo,)))
    sync.apply_down(store, bundle_down(1, mail, contents={photo.digest: b"photo"}))
    path = store.attachments.path(photo.digest)
    for account, entry, stays in ((awa, 1, True), (ben, 2, False)):
        entries.move(store, account, [entry], "trash")
        with store.transaction() as connection:
            connection.execute("UPDATE entry SET trashed = 0 WHERE trashed")
        tidy(store)
        assert path.exists() is stays


def test_a_clock_that_jumps_ahead_empties_no_trash(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    awa = add_account(store, "awa")
    sync.apply_down(store, bundle_down(1, Mail(("awa@x",), letter())))
    entries.move(store, awa, [1], "trash")
    today = messages.now()

    def in_trash_after(hours: int, now: int) -> int:
        monkeypatch.setattr(messages, "now", lambda: now)
        for _ in range(hours):
            housekeeping.tidy(store)
        return sum(folder == "trash" for *_, folder in folders(store))

    assert in_trash_after(1, today) == 1
    assert in_trash_after(24, today + 30 * 365 * 86400) == 1  # until somebody sets it right
    assert in_trash_after(1, today) == 1
    assert in_trash_after(1, today + 29 * 86400) == 1
    assert in_trash_after(31, today + 31 * 86400) == 0
