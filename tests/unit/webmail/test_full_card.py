# SPDX-License-Identifier: Apache-2.0
"""The webmail of a device that was started with a full card: its keeper comes in and makes room."""

from __future__ import annotations

from pathlib import Path

import pytest

from mokanda_firmware import paths
from mokanda_firmware.bus.states import SetupState, StoreState
from mokanda_firmware.bus.statuses import SetupStatus, StoreStatus
from mokanda_firmware.mailbox.administration import housekeeping
from mokanda_firmware.mailbox.people import accounts, first_steps
from mokanda_firmware.mailbox.store import copies
from mokanda_firmware.mailbox.store.database import Store
from mokanda_firmware.webmail.app import create_app
from mokanda_firmware.webmail.store_watch import StoreWatch
from scripts.tools.deadlines import wait_until
from tests.device_folders import make_folders
from tests.small_disk import data_on_card, data_on_small_disk, fill, fill_card
from tests.statuses import published
from tests.unit.webmail.served_village import DOMAIN, PASSWORD, Phone
from tests.webmail_process import webmail_process


@pytest.fixture(autouse=True)
def device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A device with a keeper."""
    make_folders(tmp_path, monkeypatch)
    monkeypatch.setattr(accounts, "_COST_LOG2", 4)
    monkeypatch.setattr(housekeeping, "_AT_ONCE_SECONDS", 0.0)
    SetupStatus(SetupState.CLAIMED, village="Boende", domain=DOMAIN).publish()
    store = Store.of_device()
    accounts.register(store, "awa", "Awa", PASSWORD, "en")
    first_steps.end(store)
    store.close()
    return tmp_path


def webmail(store: Store) -> tuple[Phone, StoreWatch]:
    """The webmail of an open store, and what its housekeeping tells."""
    watch = StoreWatch()
    return Phone(create_app(store, upload_limit=9_000_000, watch=watch), "192.168.4.20"), watch


def state() -> StoreState:
    return published(StoreStatus).state


def test_from_a_start_with_a_full_card_to_the_next_letter(device: Path) -> None:
    with data_on_card(device) as data:
        store = Store.of_device()
        awa, _ = webmail(store)
        awa.log_in("awa")
        for name in ("one.bin", "two.bin"):
            awa.write("awa", name, files=((name, bytes(6 << 20), "application/octet-stream"),))
        store.close()
        fill_card(data / "filler")

        store = Store.of_device(lenient=True)
        awa, watch = webmail(store)
        housekeeping.keep_tidy(store, watch.tell, watch.has_deleted)
        wait_until(lambda: StoreStatus.read() and state() is StoreState.FULL, "it to be known", 20)
        assert awa.log_in("awa", status=303).location == "/inbox"
        assert "The card is full." in awa.get("/device").text
        assert awa.letters() == ["two.bin", "one.bin"]
        refused = awa.write("awa", "Too much", status=507)
        assert "The device has no room left" in refused.text
        for entry in (1, 2, 3, 4):  # each letter is in her inbox, and among those sent
            awa.post("/move", 303, do="trash", entry=str(entry))
        awa.post("/move", 303, do="empty", sure="1")
        wait_until(lambda: state() is StoreState.SOUND, "room", 20)
        awa.write("awa", "Enough")
        assert awa.letters() == ["Enough"]
        store.close()


def test_where_a_store_has_no_room_to_open_its_copies_make_some(device: Path) -> None:
    """So it is where another has filled the card, to the last of what is kept back."""
    with data_on_small_disk(device, "size=8m") as data:
        paths.store_copies().mkdir()
        (paths.store_copies() / "copy-1.db").write_bytes(bytes(1 << 20))
        fill(data / "filler")
        with webmail_process():
            assert state() is StoreState.FULL
        assert copies.all_copies() == []
        with webmail_process():
            pass


def test_where_nothing_makes_room_it_says_so_and_goes_on_when_there_is_some(device: Path) -> None:
    with data_on_small_disk(device, "size=8m,nr_inodes=40") as data:
        fill(data / "filler")
        with webmail_process() as webmail:
            assert "full" in "".join(webmail.said)
            assert state() is StoreState.FULL
