# SPDX-License-Identifier: Apache-2.0
"""A card restored from an old backup: what either end still has is not lost, none goes twice."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from mokanda_firmware import paths
from mokanda_firmware.backup import switch
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.bus.states import BackupState
from mokanda_firmware.courier import up
from mokanda_firmware.courier.quota import Quota
from mokanda_firmware.mailbox.store import content_requests
from mokanda_firmware.mailbox.store.database import Store
from mokanda_firmware.mailbox.sync.state import sync_state
from mokanda_firmware.uplink import connection, identity
from mokanda_firmware.uplink.failures import CourierError, CutError
from mokanda_relay.operator import devices
from mokanda_relay.store.tables import Card, Device, Notice
from mokanda_relay.sync import cards
from mokanda_wire.envelope import Keyring
from tests.relay_served import Served, eventually
from tests.syncing_village import Village
from tests.unit.backup.conftest import PASSPHRASE, Backups, FolderStick

pytest_plugins = ("tests.syncing_fixtures",)


def backed_up(village: Village, stick: Path) -> Callable[[], None]:
    """Back the device up; return what restores it, up to and with the next start."""
    stick.mkdir()
    with daemon(stick) as backups:
        assert backups.done("make", passphrase=PASSPHRASE).state is BackupState.DONE
    [backup] = stick.iterdir()

    def restore() -> None:
        village.store.close()
        with daemon(stick) as backups:
            checked = backups.done("check", name=backup.name, passphrase=PASSPHRASE)
            assert checked.state is BackupState.CHECKED
            backups.ask("restore")
        switch.switch()
        village.store = Store.of_device()

    return restore


def daemon(stick: Path) -> AbstractContextManager[Backups]:
    return closing(Backups(FolderStick(stick)))


def write_to_village(served: Served, text: str, name: str = "amina") -> None:
    served.world.write("ada@example.org", [f"{name}@kitenge.example"], text, text)


def sent(served: Served) -> list[str]:
    return sorted(mail.text for mail in served.world.sent)


def exchange(village: Village, served: Served, *texts: str) -> None:
    """A mail out and one back for each text, and what became of those that went out."""
    for text in texts:
        village.write(f"{text} out")
        write_to_village(served, f"{text} back")
    village.sync()
    gone = {f"{text} out" for text in texts}
    eventually(lambda: gone <= set(sent(served)), "the mails at SendGrid")
    village.sync()


def test_mail_that_came_after_the_backup_comes_again(
    village: Village, served: Served, tmp_path: Path
) -> None:
    exchange(village, served, "old")
    restore = backed_up(village, tmp_path / "stick")
    exchange(village, served, "new", "newer")
    restore()
    assert village.texts("inbox") == ["old back"]
    village.sync()
    assert sorted(village.texts("inbox")) == ["new back", "newer back", "old back"]
    assert sent(served) == ["new out", "newer out", "old out"]
    assert village.sync().received == 0


def test_mail_that_waited_at_the_backup_and_left_after_it_does_not_leave_twice(
    village: Village, served: Served, tmp_path: Path
) -> None:
    exchange(village, served, "old")
    for text in ("one", "two", "two"):  # somebody may say a thing twice, in the same second
        village.write(text)
    restore = backed_up(village, tmp_path / "stick")
    village.sync()
    exchange(village, served, "new")
    eventually(lambda: len(served.world.sent) == 5, "the mails at SendGrid")
    restore()
    assert sorted(village.texts("outbox")) == ["one", "two", "two"]
    village.write("after")
    village.sync()
    eventually(lambda: len(served.world.sent) == 6, "the mail at SendGrid")
    village.sync()
    assert village.texts("outbox") == []
    assert sorted(village.texts("sent")) == ["after", "old out", "one", "two", "two"]
    assert sent(served) == ["after", "new out", "old out", "one", "two", "two"]


def test_what_became_of_such_mail_is_told(village: Village, served: Served, tmp_path: Path) -> None:
    message = village.write("waits")
    restore = backed_up(village, tmp_path / "stick")
    exchange(village, served, "new")
    eventually(lambda: len(served.world.sent) == 2, "the mails at SendGrid")
    restore()
    village.sync()
    village.sync()
    with village.store.reading() as connection:
        [state] = connection.execute(
            "SELECT state FROM delivery JOIN message ON message.id = delivery.message"
            " WHERE message_id = ?",
            (message.message_id,),
        ).fetchone()
    assert state in {"sent", "delivered"}


def test_a_bundle_frozen_at_the_backup_and_applied_after_it_is_not_applied_twice(
    village: Village, served: Served, tmp_path: Path
) -> None:
    exchange(village, served, "old")
    village.write("frozen")
    freeze(village)
    restore = backed_up(village, tmp_path / "stick")
    village.sync()
    exchange(village, served, "new")
    restore()
    assert sync_state(village.store).up_pending is not None
    village.sync()
    village.sync()
    assert sent(served) == ["frozen", "new out", "old out"]
    assert sorted(village.texts("sent")) == ["frozen", "old out"]


def freeze(village: Village) -> None:
    """Seal what waits, as a session does that is cut at once."""
    who = identity.read()
    assert who is not None
    with Keyring(paths.keys()) as keyring:
        quota = Quota(village.store, beyond=False)
        assert up.freeze(village.store, keyring, who, quota, whole=True) is not None


def test_mail_for_who_registered_after_the_backup_waits_until_they_are_known_again(
    village: Village, served: Served, tmp_path: Path
) -> None:
    restore = backed_up(village, tmp_path / "stick")
    village.add_villager("cyr")
    village.sync()
    write_to_village(served, "to cyr", "cyr")
    write_to_village(served, "to amina")
    village.sync()
    assert village.texts("inbox", "cyr") == ["to cyr"]
    restore()
    village.sync()
    village.sync()
    assert village.texts("inbox") == ["to amina"]
    village.add_villager("cyr")
    village.sync()
    assert village.texts("inbox", "cyr") == ["to cyr"]


def test_a_renewed_claim_on_a_new_card_with_the_old_backup_loses_nothing(
    village: Village, served: Served, tmp_path: Path
) -> None:
    exchange(village, served, "old")
    village.write("waits")
    restore = backed_up(village, tmp_path / "stick")
    exchange(village, served, "new")
    eventually(lambda: len(served.world.sent) == 3, "the mails at SendGrid")
    renewed = devices.renew(served.relay, "kitenge")
    restore()
    village.import_claim(renewed._replace(relay=village.claim.relay))
    village.sync()
    village.sync()
    assert sorted(village.texts("inbox")) == ["new back", "old back"]
    assert sent(served) == ["new out", "old out", "waits"]


def test_a_stolen_card_stays_locked_out_though_the_village_restores_its_backup(
    village: Village, served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    restore = backed_up(village, tmp_path / "stick")
    stolen = tmp_path / "stolen"
    shutil.copytree(paths.data(), stolen, ignore=shutil.ignore_patterns("S.*"))
    renewed = devices.renew(served.relay, "kitenge")._replace(relay=village.claim.relay)
    restore()
    village.import_claim(renewed)
    village.sync()
    write_to_village(served, "for the village alone")
    with monkeypatch.context() as patch:
        patch.setenv("MOKANDA_DATA", str(stolen))
        thief = Village(village.claim)
        with closing(thief.store):
            for claim in (village.claim, renewed):  # whatever claim file the thief comes by
                thief.import_claim(claim)
                with pytest.raises(CourierError):
                    thief.sync()
        with Keyring(paths.keys()) as keyring:
            keys = {key["fingerprint"] for key in keyring._gpg.list_keys(secret=True)}
    with served.relay.database.reading() as session:
        assert session.scalars(sa.select(Device.fingerprint)).one() not in keys
    village.sync()
    assert village.texts("inbox") == ["for the village alone"]


def test_the_same_backup_can_be_restored_again(
    village: Village, served: Served, tmp_path: Path
) -> None:
    village.write("waits")
    restore = backed_up(village, tmp_path / "stick")
    exchange(village, served, "first")
    eventually(lambda: len(served.world.sent) == 2, "the mails at SendGrid")
    for _ in range(3):
        restore()
        village.sync()
        village.sync()
        assert village.texts("inbox") == ["first back"]
        assert village.texts("sent") == ["waits"]
    assert sent(served) == ["first out", "waits"]


def test_a_mail_that_still_waits_in_a_second_backup_does_not_leave_twice_either(
    village: Village, served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    village.write("waits")
    restore_first = backed_up(village, tmp_path / "stick")
    exchange(village, served, "new")
    eventually(lambda: len(served.world.sent) == 2, "the mails at SendGrid")
    restore_first()
    with monkeypatch.context() as patch, pytest.raises(CutError):
        patch.setattr(connection.Connection, "upload", cut)
        village.sync()  # it learns how far the numbers have come, and not more
    restore_second = backed_up(village, tmp_path / "another stick")
    village.sync()
    restore_second()
    for _ in range(2):
        village.sync()
        assert village.texts("sent") == ["waits"]
    village.write("after")
    village.sync()
    eventually(lambda: "after" in sent(served), "the mail at SendGrid")
    assert sent(served) == ["after", "new out", "waits"]


def cut(*_: object) -> None:
    raise CutError(Sentence("the link breaks"))


def test_what_was_asked_of_the_relay_is_asked_again(
    village: Village, served: Served, tmp_path: Path
) -> None:
    exchange(village, served, "old")
    with village.store.transaction() as connection:
        content_requests.ask(connection, "original", "no-such-ticket", village.accounts["amina"])
        # It is denied after the backup.
        connection.execute("UPDATE content_request SET state = 'asked'")
    restore = backed_up(village, tmp_path / "stick")
    exchange(village, served, "new")
    restore()
    village.sync()
    village.sync()
    with village.store.reading() as connection:
        asked = content_requests.progress(connection, "original", "no-such-ticket")
    assert asked is not None
    assert asked.state == "denied"


def test_news_of_mail_that_the_backup_does_not_know_does_no_harm(
    village: Village, served: Served, tmp_path: Path
) -> None:
    restore = backed_up(village, tmp_path / "stick")
    exchange(village, served, "new")
    restore()
    village.sync()
    village.sync()
    assert village.texts("inbox") == ["new back"]
    with served.relay.database.reading() as session:
        left = session.scalars(sa.select(Notice.id).where(Notice.delivered.is_(None))).all()
    assert left == []


def test_a_card_on_which_backups_are_restored_back_and_forth_is_no_second_card(
    village: Village, served: Served, tmp_path: Path
) -> None:
    restore_old = backed_up(village, tmp_path / "stick")
    exchange(village, served, "new")
    restore_new = backed_up(village, tmp_path / "another stick")
    for restore in (restore_old, restore_new, partial(go_back, village), partial(go_back, village)):
        restore()
        village.sync()
    with served.relay.database.reading() as session:
        [card] = session.scalars(sa.select(Card).where(Card.served))
        assert cards.living(session, devices.find(session, "kitenge")) == []
    assert card.given == paths.card_mark().read_bytes()


def go_back(village: Village) -> None:
    """Undo the last restore."""
    village.store.close()
    switch.go_back()
    switch.switch()
    village.store = Store.of_device()
