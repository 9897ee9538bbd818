# SPDX-License-Identifier: Apache-2.0
"""What is deleted by itself, and what is not."""

import pytest

from mokanda_firmware.mailbox.administration import housekeeping
from mokanda_firmware.mailbox.letters import entries
from mokanda_firmware.mailbox.people import reserved_names
from mokanda_firmware.mailbox.store import clock
from mokanda_firmware.mailbox.store.database import Store
from mokanda_firmware.mailbox.sync.down import apply_down
from mokanda_wire.bundle import Mail
from tests.syncing_village import tidy
from tests.unit.mailbox.letters import add_account, attached, bundle_down, folders, letter


def test_the_file_of_a_letter_goes_with_the_last_one_who_had_it(store: Store) -> None:
    awa, ben = add_account(store, "awa"), add_account(store, "ben")
    photo = attached(b"photo")
    mail = Mail(("awa@x", "ben@x"), letter(attachments=(photo,)))
    apply_down(store, bundle_down(1, mail, contents={photo.digest: b"photo"}))
    path = store.attachments.path(photo.digest)
    for account, entry, stays in ((awa, 1, True), (ben, 2, False)):
        entries.move(store, account, [entry], "trash")
        with store.transaction() as connection:
            connection.execute("UPDATE entry SET trashed = 0 WHERE trashed")
        tidy(store)
        assert path.exists() is stays


def test_a_clock_that_jumps_ahead_releases_no_name(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ben = add_account(store, "ben")
    today = clock.now()

    def is_reserved_after(looks: int, now: int) -> bool:
        monkeypatch.setattr(clock, "now", lambda: now)
        for _ in range(looks):
            housekeeping.tidy(store)
        with store.reading() as connection:
            return reserved_names.is_reserved(connection, "ben")

    monkeypatch.setattr(clock, "now", lambda: today - 360 * 86400)
    with store.transaction() as connection:
        reserved_names.reserve(connection, ben)
    assert is_reserved_after(1, today)
    assert is_reserved_after(4, today + 30 * 365 * 86400)  # a day a look, at most
    assert not is_reserved_after(1, today + 5 * 86400)


def test_a_clock_that_jumps_ahead_empties_no_trash(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    awa = add_account(store, "awa")
    apply_down(store, bundle_down(1, Mail(("awa@x",), letter())))
    entries.move(store, awa, [1], "trash")
    today = clock.now()

    def in_trash_after(hours: int, now: int) -> int:
        monkeypatch.setattr(clock, "now", lambda: now)
        for _ in range(hours):
            housekeeping.tidy(store)
        return sum(folder == "trash" for *_, folder in folders(store))

    assert in_trash_after(1, today) == 1
    assert in_trash_after(24, today + 30 * 365 * 86400) == 1  # until somebody sets it right
    assert in_trash_after(1, today) == 1
    assert in_trash_after(1, today + 29 * 86400) == 1
    assert in_trash_after(31, today + 31 * 86400) == 0
