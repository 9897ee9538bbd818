# SPDX-License-Identifier: Apache-2.0
"""A device's own store and courier, and a relay: what was kept back comes, and nothing twice."""

from __future__ import annotations

import os

import sqlalchemy as sa

from mokanda_firmware.mailbox.letters import entries, opened
from mokanda_firmware.mailbox.store import content_requests
from mokanda_firmware.mailbox.sync import outgoing
from mokanda_relay.mime.parse import parse
from mokanda_relay.store import clock
from mokanda_relay.store.tables import Content, Device
from mokanda_wire.bundle import ContentRequestKind
from mokanda_wire.compose import compose
from mokanda_wire.message import Attachment, Mailbox, Message, digest_of
from tests.photos import opened as opened_photo
from tests.photos import photo
from tests.relay_served import Served, eventually
from tests.syncing_village import Village, tidy

pytest_plugins = ("tests.syncing_fixtures",)

PHOTO = photo()
REPORT = os.urandom(150_000)
NOTE = b"Mbote na bino. " * 60


def post(served: Served, *files: bytes, to: str = "amina", number: int = 1) -> bytes:
    """The world sends a mail with files; its photos are looked at before this returns."""
    parts = [
        Attachment(f"file-{place}.bin", "application/octet-stream", digest_of(each), len(each))
        for place, each in enumerate(files)
    ]
    message = Message(
        message_id=f"{number}@example.org",
        date=clock.now().replace(microsecond=0),
        sender=Mailbox("ada@example.org"),
        to=(Mailbox(f"{to}@kitenge.example"),),
        cc=(),
        subject="Files",
        text=f"Letter {number}",
        attachments=tuple(parts),
    )
    raw = compose(message, {digest_of(each): each for each in files})
    served.world.post_inbound(raw, "ada@example.org", [f"{to}@kitenge.example"])
    served.wait_until_prepared()
    return raw


def last_letter(village: Village, name: str = "amina") -> opened.Letter:
    account = village.accounts[name]
    with village.store.reading() as connection:
        entry = connection.execute(
            "SELECT max(id) FROM entry WHERE account = ?", (account,)
        ).fetchone()[0]
    letter = opened.read(village.store, account, entry)
    assert letter is not None
    return letter


def ask(village: Village, kind: ContentRequestKind, name: str) -> None:
    with village.store.transaction() as connection:
        content_requests.ask(connection, kind, name, village.accounts["amina"])


def content(village: Village, digest: str) -> bytes:
    return village.store.attachments.path(digest).read_bytes()


def test_a_photo_comes_small_and_as_it_was_when_asked_for(village: Village, served: Served) -> None:
    post(served, PHOTO)
    small_bytes = village.sync().bytes_down
    (file,) = last_letter(village).files
    assert file.here is not None
    assert not file.is_whole
    assert opened_photo(content(village, file.here.digest)).format == "JPEG"
    assert small_bytes < 30_000
    ask(village, "file", file.whole.digest)
    village.sync()
    (file,) = last_letter(village).files
    assert file.is_whole
    assert content(village, file.whole.digest) == PHOTO


def test_a_request_taken_back_before_the_mail_run_costs_nothing(
    village: Village, served: Served
) -> None:
    post(served, REPORT)
    village.sync()
    (file,) = last_letter(village).files
    ask(village, "file", file.whole.digest)
    with village.store.transaction() as connection:
        assert content_requests.withdraw(
            connection, "file", file.whole.digest, village.accounts["amina"]
        )
    assert village.sync().bytes_down < 2000
    assert last_letter(village).files[0].here is None


def test_the_mail_comes_as_it_was(village: Village, served: Served) -> None:
    raw = post(served, REPORT)
    village.sync()
    original = last_letter(village).original
    assert original is not None
    ask(village, "original", original.ticket)
    village.sync()
    assert parse(content(village, last_letter(village).original_digest)) == parse(raw)


def test_a_file_held_back_is_passed_on_without_going_over_the_link(
    village: Village, served: Served
) -> None:
    post(served, REPORT)
    village.sync()
    received = last_letter(village).message
    passed_on = Message(
        message_id="forward@kitenge.example",
        date=clock.now().replace(microsecond=0),
        sender=Mailbox("amina@kitenge.example"),
        to=(Mailbox("ben@example.org"),),
        cc=(),
        subject="Fwd: Files",
        text="See",
        attachments=received.attachments,
    )
    account = village.accounts["amina"]
    entries.submit(village.store, account, passed_on, here=[], outside=["ben@example.org"])
    record = village.sync()
    assert record.bytes_up + record.bytes_down < 6000
    eventually(lambda: served.world.sent, "the mail at SendGrid")
    [attached] = served.world.sent[0].body["attachments"]
    assert len(attached["content"]) >= len(REPORT)


def test_what_the_relay_has_forgotten_goes_up_after_all(village: Village, served: Served) -> None:
    village.write("One", files={"note.txt": NOTE})
    village.sync()
    with served.relay.database.transaction() as session:
        session.execute(sa.delete(Content))  # 30 days later, or a backup was restored
    village.write("Two", files={"note.txt": NOTE})
    assert village.sync().error is None
    eventually(lambda: len(served.world.sent) == 2, "both mails at SendGrid")
    first, second = (sent.body["attachments"][0]["content"] for sent in served.world.sent)
    assert first == second


def test_what_the_device_has_forgotten_comes_again(village: Village, served: Served) -> None:
    post(served, NOTE)
    village.sync()
    letter = last_letter(village)
    entries.move(village.store, village.accounts["amina"], [letter.entry], "trash")
    entries.delete(village.store, village.accounts["amina"])
    path = village.store.attachments.path(digest_of(NOTE))
    tidy(village.store)
    assert not path.exists()
    post(served, NOTE, number=2, to="bako")
    village.sync()
    assert path.read_bytes() == NOTE
    assert last_letter(village, "bako").files[0].is_whole
    assert outgoing.unsent_requests(village.store) == []
    with served.relay.database.reading() as session:
        # One bundle for the first letter, one that names the file, and one that brings it.
        assert session.scalar(sa.select(Device.down_frozen)) == 3
