# SPDX-License-Identifier: Apache-2.0
"""A device whose mail store does not open, or stops working: no stranger takes it over."""

from __future__ import annotations

import http.client
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from webtest import TestApp

from mokanda_firmware import paths
from mokanda_firmware.backup import switch
from mokanda_firmware.bus.states import SetupState, StoreState
from mokanda_firmware.bus.statuses import SetupStatus, StoreStatus
from mokanda_firmware.mailbox.people import accounts, first_steps
from mokanda_firmware.mailbox.store.database import Store, StoreLost, StoreUnfit, StoreWiping
from mokanda_firmware.mailbox.store.settings import set_setting
from mokanda_firmware.setup import keeper, mend, result, wipe
from mokanda_firmware.webmail import emergency
from mokanda_firmware.webmail.app import create_app
from mokanda_firmware.webmail.store_watch import StoreWatch
from scripts.tools.deadlines import wait_until
from tests.device_folders import make_folders
from tests.setup_service import setup_service
from tests.small_disk import data_on_small_disk
from tests.statuses import published
from tests.unit.backup.conftest import Backups
from tests.unit.webmail.served_village import PASSWORD, Phone
from tests.webmail_process import webmail_process


@pytest.fixture(autouse=True)
def device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A device with a keeper, a claim and a key."""
    make_folders(tmp_path, monkeypatch)
    monkeypatch.setattr(accounts, "_COST_LOG2", 4)
    SetupStatus(SetupState.CLAIMED, village="Boende", domain="boende.example.org").publish()
    store = Store.of_device()
    accounts.register(store, "awa", "Awa", PASSWORD, "fr")
    store.close()
    Store.of_device().close()  # at the next start there is a keeper
    paths.claim().write_text("claim")
    (paths.keys() / "private-keys-v1.d").mkdir(parents=True)
    (paths.keys() / "private-keys-v1.d" / "AB.key").write_bytes(b"secret")
    return tmp_path


def unfit() -> StoreUnfit:
    """Why the store of the device does not open."""
    with pytest.raises(StoreUnfit) as caught:
        Store.of_device()
    return caught.value


def phone(address: str = "192.168.4.20") -> Phone:
    """A phone that asks the webmail of the device as it is."""
    return Phone(emergency.create_app(unfit()), address)


def lose() -> None:
    for file in paths.data().glob("mail.db*"):
        file.unlink()


def empty() -> None:
    lose()
    paths.mail_database().touch()


def lose_the_log() -> None:
    """What was never brought over from the write-ahead log is gone with it."""
    lose()
    with sqlite3.connect(paths.mail_database()) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    connection.close()


def lose_the_accounts() -> None:
    with sqlite3.connect(paths.mail_database()) as connection:
        connection.execute("DELETE FROM account")
    connection.close()


def overwrite() -> None:
    lose()
    paths.mail_database().write_bytes(bytes(range(256)) * 64)


def forget_its_version() -> None:
    with sqlite3.connect(paths.mail_database()) as connection:
        connection.execute("PRAGMA user_version = 0")
    connection.close()


def go_back_a_version() -> None:
    with sqlite3.connect(paths.mail_database()) as connection:
        connection.execute("PRAGMA user_version = 3")
    connection.close()


def come_from_tomorrow() -> None:
    with sqlite3.connect(paths.mail_database()) as connection:
        connection.execute("PRAGMA user_version = 1000")
        connection.execute("PRAGMA application_id = 1000")
    connection.close()


def become_a_folder() -> None:
    lose()
    paths.mail_database().mkdir()


@pytest.mark.parametrize(
    ("happens", "state"),
    [
        (lose, StoreState.LOST),
        (empty, StoreState.LOST),
        (lose_the_log, StoreState.LOST),
        (lose_the_accounts, StoreState.LOST),
        (overwrite, StoreState.DAMAGED),
        (forget_its_version, StoreState.DAMAGED),
        (go_back_a_version, StoreState.DAMAGED),
        (come_from_tomorrow, StoreState.NEWER),
        (become_a_folder, StoreState.FAILING),
    ],
)
def test_a_store_that_does_not_open_gives_a_page_and_nobody_becomes_keeper(
    happens: Callable[[], None], state: StoreState
) -> None:
    happens()
    assert unfit().state is state
    page = phone().get("/", 503)
    assert "The device needs help" in page.text
    assert "This device is new" not in page.text
    assert phone().get("/register", 303).location == "/"
    assert phone().get("/generate_204", 303).location == "/"


@pytest.mark.parametrize("left", ["claim.toml", "claim.json", "keys", "attachments", "store-made"])
def test_whatever_is_left_of_a_device_tells_that_it_is_not_new(left: str) -> None:
    for path in sorted(paths.data().rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    if left in {"keys", "attachments"}:
        (paths.data() / left / "0a").mkdir(parents=True)
    else:
        (paths.data() / left).touch()
    with pytest.raises(StoreLost):
        Store.of_device()
    assert not paths.mail_database().exists()


def test_a_device_without_anything_is_new() -> None:
    for path in sorted(paths.data().rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    store = Store.of_device()
    assert accounts.count(store) == 0
    store.close()


@pytest.mark.parametrize("is_readable", [True, False])
def test_a_device_whose_data_are_gone_is_not_new_when_its_card_tells_of_a_claim(
    is_readable: bool,
) -> None:
    result.write(SetupStatus(SetupState.CLAIMED, domain="boende.example.org"))
    shutil.rmtree(paths.data())
    paths.data().mkdir()
    mend.mend()  # before all daemons; the SETUP partition is for root alone
    result.write(SetupStatus(SetupState.NO_CLAIM))
    if not is_readable:
        shutil.rmtree(paths.setup())
    assert unfit().state is StoreState.LOST
    assert "The device needs help" in phone().get("/", 503).text


def test_a_device_whose_data_are_gone_begins_anew_with_the_code_on_its_card(
    backups: Backups,
) -> None:
    result.write(SetupStatus(SetupState.CLAIMED, domain="boende.example.org"))
    shutil.rmtree(paths.data())
    paths.data().mkdir()
    mend.mend()
    begin_anew(phone(), code_on_the_card(), 303)
    assert backups.restarts == 1


def test_a_device_that_has_not_been_claimed_stays_new() -> None:
    shutil.rmtree(paths.data())
    paths.data().mkdir()
    result.write(SetupStatus(SetupState.CLAIM_PENDING, domain="boende.example.org"))
    assert not mend.mend()
    assert list(paths.data().iterdir()) == []
    Store.of_device().close()


def test_a_wipe_leads_to_a_new_device_and_to_nothing_before_it_is_done() -> None:
    wipe.ask()
    with pytest.raises(StoreWiping):
        Store.of_device()
    paths.mail_database().unlink()  # as far as a wipe came before the power went
    with pytest.raises(StoreWiping):
        Store.of_device()
    wipe.wipe()
    store = Store.of_device()
    assert accounts.count(store) == 0
    store.close()


def test_the_page_speaks_the_language_of_its_reader() -> None:
    lose()
    reader = phone()
    form = next(one for one in reader.get("/", 503).forms.values() if one.action == "/language")
    form.submit("language", value="pt")
    page = reader.get("/", 503)
    assert page.html.html["lang"] == "pt"
    assert "Boende" in page.text


def code_on_the_card() -> str:
    """Put the keeper's file on the card, start the device, and read the code in it."""
    (paths.setup() / keeper.NAME).touch()
    keeper.answer()
    found = re.search(r"A code: (\S+)", (paths.setup() / keeper.NAME).read_text())
    assert found is not None
    return found[1]


@pytest.fixture
def backups() -> Iterator[Backups]:
    running = Backups(None)
    yield running
    running.close()


def begin_anew(reader: Phone, code: str, status: int) -> None:
    form = next(one for one in reader.get("/", 503).forms.values() if one.action == "/anew")
    form["code"], form["sure"] = code, True
    form.submit(status=status)


def test_who_holds_the_card_begins_anew_with_the_same_claim_and_key(backups: Backups) -> None:
    lose()
    begin_anew(phone(), code_on_the_card().upper(), 303)
    assert backups.restarts == 1
    switch.switch()
    assert (paths.keys() / "private-keys-v1.d" / "AB.key").read_bytes() == b"secret"
    assert paths.claim().read_text() == "claim"
    store = Store.of_device()
    assert accounts.count(store) == 0
    accounts.register(store, "eva", "Eva", PASSWORD, "fr")
    store.close()
    lose()
    with pytest.raises(StoreLost):  # once only
        Store.of_device()
    assert switch.before() is not None


def test_nobody_begins_anew_without_the_code(backups: Backups) -> None:
    lose()
    begin_anew(phone(), "abcd-efgh-jkmn", 403)
    code_on_the_card()
    reader = phone()
    for _ in range(5):
        begin_anew(reader, "abcd-efgh-jkmn", 403)
    begin_anew(reader, "abcd-efgh-jkmn", 429)
    assert backups.restarts == 0


def test_a_stolen_form_does_nothing(backups: Backups) -> None:
    lose()
    code = code_on_the_card()
    TestApp(emergency.create_app(unfit())).post(
        "/anew", {"code": code, "sure": "1", "csrf": "x"}, status=403
    )
    assert backups.restarts == 0


def test_a_backup_can_be_restored_as_on_a_new_device(backups: Backups) -> None:
    lose()
    assert "There is no memory stick in the device." in phone().get("/backup").text
    phone().get("/backup/make", 303)
    assert backups.restarts == 0


def test_the_device_can_be_switched_off(tmp_path: Path) -> None:
    lose()
    with setup_service(tmp_path) as told:
        reader = phone()
        form = next(one for one in reader.get("/", 503).forms.values() if one.action == "/off")
        form.submit(status=303)
        wait_until(lambda: told.exists() and "poweroff" in told.read_text(), "power is off", 20)


@pytest.fixture
def disk(device: Path) -> Iterator[Path]:
    """The data on a disk of their own, of 2 MiB and 40 files."""
    with data_on_small_disk(device, "size=2m,nr_inodes=40") as disk:
        yield disk


def make_read_only(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)


def use_up_inodes(disk: Path) -> None:
    (disk / "many").mkdir()
    for number in range(40):
        try:
            (disk / "many" / str(number)).touch()
        except OSError:
            return


@pytest.mark.parametrize(
    ("happens", "state"),
    [(make_read_only, StoreState.READ_ONLY), (use_up_inodes, StoreState.FULL)],
)
def test_a_disk_that_takes_nothing_gives_a_page(
    disk: Path, happens: Callable[[Path], None], state: StoreState
) -> None:
    happens(disk)
    assert unfit().state is state
    assert "The device needs help" in phone().get("/", 503).text


@pytest.mark.parametrize(
    ("happens", "state"),
    [(make_read_only, StoreState.READ_ONLY), (use_up_inodes, StoreState.FULL)],
)
def test_a_disk_that_takes_nothing_any_more_gives_a_page_and_a_light(
    disk: Path, happens: Callable[[Path], None], state: StoreState
) -> None:
    store = Store.of_device()
    watch = StoreWatch()
    watch.tell(None)
    reader = Phone(create_app(store, watch=watch), "192.168.4.20")
    reader.get("/")
    store.close()  # its files are opened again
    happens(disk)
    assert "The device needs help" in reader.get("/", 503).text
    assert published(StoreStatus).state is state


def test_a_file_that_finds_no_inode_is_refused_as_one_that_finds_no_room(disk: Path) -> None:
    store = Store.of_device()
    set_setting(store, "village", "Boende")
    use_up_inodes(disk)
    with pytest.raises(StoreUnfit) as caught, store.incoming_attachment():
        pass
    assert caught.value.state is StoreState.FULL
    set_setting(store, "village", "still written")
    store.close()


def test_a_folder_of_files_that_cannot_be_read_stops_no_letters() -> None:
    store = Store.of_device()
    first_steps.end(store)
    paths.attachments().write_bytes(b"no folder")
    with pytest.raises(StoreUnfit), store.incoming_attachment():
        pass
    reader = Phone(create_app(store), "192.168.4.20")
    assert "Awa" in reader.log_in("awa").follow().text
    store.close()


def test_a_webmail_that_finds_its_store_lost_serves_and_has_it_mended_at_the_next_start() -> None:
    lose()
    with webmail_process() as (_, port, _):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", "/")
        answer = connection.getresponse()
        assert answer.status == 503
        assert b"The device needs help" in answer.read()
        connection.close()
    assert published(StoreStatus).state is StoreState.LOST
    assert paths.store_damage().exists()


def test_an_end_that_was_none_is_known_at_the_next_start() -> None:
    with webmail_process() as (process, _, _):
        assert paths.store_in_use().exists()
        process.terminate()
        assert process.wait(30) == 0
        assert not paths.store_in_use().exists()
    with webmail_process() as (process, _, _):
        process.kill()
        process.wait(30)
    assert paths.store_in_use().exists()
