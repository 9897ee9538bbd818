# SPDX-License-Identifier: Apache-2.0
"""A card that is full: what is kept back is for the daemons, and letters stay out of it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mokanda_firmware.mailbox.administration.housekeeping import tidy
from mokanda_firmware.mailbox.letters import entries, folders
from mokanda_firmware.mailbox.people import accounts, contacts, sessions
from mokanda_firmware.mailbox.store import room
from mokanda_firmware.mailbox.store.database import Store, StoreFull
from mokanda_wire.message import Attachment, Mailbox
from scripts.tools.repository import REPOSITORY
from tests.device_folders import make_folders
from tests.small_disk import card, fill_card
from tests.unit.mailbox.letters import letter

WEBMAIL, GROUP, STRANGER = 801, 800, 65534


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The device's data on a card that can be filled."""
    make_folders(tmp_path, monkeypatch)
    monkeypatch.setattr(accounts, "_COST_LOG2", 4)
    with card(tmp_path / "card.img", tmp_path / "data") as folder:
        yield folder


def kept_back(folder: Path) -> int:
    """The bytes that are kept back still."""
    state = os.statvfs(folder)
    return (state.f_bfree - state.f_bavail) * state.f_frsize


def takes(file: Path, user: int, group: int) -> bool:
    """Whether a process of this user and group can write 64 KiB more to a file."""
    with file.open("ab") as opened:
        command = ["dd", "if=/dev/zero", "bs=64K", "count=1", "conv=fsync"]
        done = subprocess.run(
            command, stdout=opened, check=False, user=user, group=group, extra_groups=[]
        )
        return done.returncode == 0


def test_what_is_kept_back_is_for_the_group_of_the_daemons_alone(data: Path) -> None:
    fill_card(data / "filler")
    assert takes(data / "note", WEBMAIL, GROUP)
    assert not takes(data / "other", STRANGER, STRANGER)
    users = (REPOSITORY / "firmware/system/usr/lib/sysusers.d/mokanda.conf").read_text("utf-8")
    assert f"g mokanda         {GROUP} -" in users.splitlines()


def delete_all(store: Store, account: int = 1) -> int:
    """Throw away what somebody wrote to herself, and empty the trash."""
    for folder in ("inbox", "sent"):
        while lines := folders.page(store, account, folder).lines:
            entries.move(store, account, [line.id for line in lines], "trash")
    return entries.delete(store, account)


class TestAStoreOnAFullCard:
    @pytest.fixture
    def store(self, data: Path) -> Iterator[Store]:
        """It has been full, and was started again."""
        store = Store.of_device()
        awa = accounts.register(store, "awa", "Awa", "secret-enough", "en")
        for number in range(3):
            with store.incoming_attachment() as incoming:
                incoming.write(bytes([number]) * (6 << 20))
                photo = Attachment(f"{number}.jpg", "image/jpeg", incoming.keep(), incoming.size)
            mail = letter(f"{number}@boende.example", attachments=(photo,))
            assert entries.submit(store, awa.id, mail, ["awa@boende.example"], []) == []
        store.close()
        fill_card(data / "filler")
        store = Store.of_device()
        yield store
        store.close()

    def test_takes_no_more_of_what_grows(self, store: Store, data: Path) -> None:
        before = kept_back(data)
        mail = letter("new@boende.example")
        with pytest.raises(StoreFull):
            entries.submit(store, 1, mail, ["awa@boende.example"], [])
        with pytest.raises(StoreFull):
            accounts.register(store, "bo", "Bo", "secret-enough", "en")
        with pytest.raises(StoreFull):
            contacts.add(store, 1, [Mailbox("bo@example.org")])
        with pytest.raises(StoreFull), store.incoming_attachment() as incoming:
            incoming.write(b"photo")
        assert kept_back(data) == before

    def test_lets_people_in_to_read_and_to_delete(self, store: Store) -> None:
        token = sessions.open_session(store, 1)
        assert sessions.account_of(store, token)
        assert delete_all(store) == 6

    def test_has_room_again_at_once_when_enough_was_deleted(self, store: Store) -> None:
        with pytest.raises(StoreFull):
            tidy(store)
        delete_all(store)
        tidy(store)
        store.check_room()
        mail = letter("new@boende.example")
        assert entries.submit(store, 1, mail, ["awa@boende.example"], []) == []

    def test_keeps_a_file_that_has_just_come_for_the_row_that_will_name_it(
        self, store: Store, data: Path
    ) -> None:
        (data / "filler").unlink()
        with store.incoming_attachment() as incoming:
            incoming.write(b"a photo whose form goes on")
            digest = incoming.keep()
        fill_card(data / "filler")
        with pytest.raises(StoreFull):
            tidy(store)
        assert store.attachments.path(digest).exists()

    def test_makes_letters_of_what_was_deleted_in_it(self, store: Store, data: Path) -> None:
        """Its file does not become smaller: its free pages are room, though the card is full."""
        (data / "filler").unlink()
        for number in range(6):
            text = os.urandom(500_000).hex()
            mail = letter(f"long-{number}@boende.example", text=text)
            entries.submit(store, 1, mail, ["awa@boende.example"], [])
        fill_card(data / "filler")
        with pytest.raises(StoreFull):
            store.check_room()
        delete_all(store)
        assert room.available(data) < room.LETTERS_LEAVE
        store.check_room()
        mail = letter("new@boende.example", text="x" * 100_000)
        assert entries.submit(store, 1, mail, ["awa@boende.example"], []) == []


def test_thousands_of_log_ins_and_a_trash_that_is_emptied_fit_into_what_is_kept_back(
    data: Path,
) -> None:
    store = Store.of_device()
    awa = accounts.register(store, "awa", "Awa", "secret-enough", "en")
    for number in range(400):
        mail = letter(f"{number}@boende.example", text=f"{number} mbote " * 500)
        entries.submit(store, awa.id, mail, ["awa@boende.example"], [])
    store.close()
    fill_card(data / "filler")
    before = kept_back(data)
    store = Store.of_device()
    for _ in range(1000):
        sessions.open_session(store, awa.id)
    assert delete_all(store) == 800
    assert kept_back(data) > before // 2
    store.close()


def test_files_leave_some_for_the_store_and_the_daemons(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOKANDA_DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    with card(tmp_path / "card.img", tmp_path / "data", "-N", "512") as data:
        store = Store(data / "mail.db", data / "attachments")
        with pytest.raises(StoreFull):
            for number in range(600):
                with store.incoming_attachment() as incoming:
                    incoming.write(str(number).encode())
                    incoming.keep()
        assert os.statvfs(data).f_favail >= room.ATTACHMENTS_LEAVE_FILES - 2
        with pytest.raises(StoreFull):
            store.check_room()
        store.close()
        Store(data / "mail.db", data / "attachments").close()
