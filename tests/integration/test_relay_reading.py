# SPDX-License-Identifier: Apache-2.0
"""Mail from strangers is read once, by a process that may die; and what becomes of all else."""

from __future__ import annotations

import os
import signal

import pytest
import sqlalchemy as sa

from mokanda_relay.operator import housekeeping
from mokanda_relay.relay import Relay
from mokanda_relay.rendering import mail_reader, preparing, reading, readings
from mokanda_relay.rendering.preparing import prepare_one
from mokanda_relay.rendering.readings import MailReader, NotReadyError
from mokanda_relay.store.blob_store import BlobNotFoundError
from mokanda_relay.store.tables import Alert, Original
from mokanda_relay.transport import down_queue
from mokanda_wire.bundle import ContentRequest, Grant
from mokanda_wire.message import CUT, UNREAD, digest_of
from tests.relay_device import RelayDevice
from tests.relay_served import Served

pytest_plugins = ("tests.relay_fixtures",)
AMINA = "amina@kitenge.example"
HEAD = b"From: Ada <ada@example.org>\r\nSubject: Mbote\r\nMessage-ID: <1@example.org>\r\n"
PARTS = (
    HEAD
    + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    + b"--b\r\nContent-Type: x/y\r\n\r\n\r\n" * 300
)


def queue(relay: Relay, raw: bytes) -> str:
    digest, size = relay.originals.write_by_digest([raw])
    with relay.database.transaction() as session:
        assert down_queue.deliver(session, AMINA, digest, size) == "queued"
    return digest


@pytest.mark.usefixtures("kitenge")
def test_a_mail_is_found_as_it_was_read(relay: Relay, reader: MailReader) -> None:
    digest = queue(relay, HEAD + b"\r\nHello")
    with pytest.raises(NotReadyError):
        readings.find(relay, digest)
    assert prepare_one(relay, reader)
    assert not prepare_one(relay, reader)
    found = readings.find(relay, digest).message
    assert (found.sender.name, found.subject, found.text) == ("Ada", "Mbote", "Hello")


@pytest.mark.usefixtures("kitenge")
def test_a_file_of_it_is_found_by_its_digest(relay: Relay, reader: MailReader) -> None:
    raw = HEAD + b"Content-Type: application/zip\r\n\r\n" + bytes(range(1, 9))
    digest = queue(relay, raw)
    prepare_one(relay, reader)
    assert readings.content(relay, digest, digest_of(bytes(range(1, 9)))) == bytes(range(1, 9))
    assert readings.content(relay, digest, digest) == raw
    assert readings.content(relay, digest, digest_of(b"another")) is None


@pytest.mark.parametrize(
    "limit",
    [("_MEMORY", 1), ("_SECONDS", 0), ("_WALL_SECONDS", 1), ("_MAX_READING", 10)],
    ids=lambda limit: limit[0],
)
@pytest.mark.usefixtures("kitenge")
def test_a_mail_that_takes_too_much_is_offered_as_a_file(
    relay: Relay, reader: MailReader, limit: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = "while True: pass" if limit[0] == "_SECONDS" else "import time; time.sleep(60)"
    work = {"_MEMORY": "bytearray(1 << 28)", "_MAX_READING": "pass"}.get(limit[0], endless)
    program = (
        "import sys; from mokanda_relay.rendering import mail_reader\n"
        f"mail_reader.{limit[0]} = {limit[1]}\n"
        "read = mail_reader.read\n"
        f"def slow(raw):\n    if b'Mbote' in raw:\n        {work}\n    return read(raw)\n"
        "mail_reader.read = slow\nsys.exit(mail_reader.main())"
    )
    monkeypatch.setattr(readings, "_PROGRAM", ("-c", program))
    digest = queue(relay, HEAD + b"\r\nHello")
    prepare_one(relay, reader)
    found = readings.find(relay, digest)
    assert found.message.note == UNREAD
    assert (found.message.sender.name, found.message.subject) == ("Ada", "Mbote")
    assert found.message.message_id == "1@example.org"
    [file] = found.message.attachments
    assert (file.media_type, file.digest) == ("message/rfc822", digest)


@pytest.mark.usefixtures("kitenge")
def test_a_program_that_was_killed_is_started_again(relay: Relay, reader: MailReader) -> None:
    digests = []
    for text in (b"one", b"two"):
        digests.append(queue(relay, HEAD + b"\r\n" + text))
        prepare_one(relay, reader)
        assert reader._process is not None
        os.killpg(reader._process.pid, signal.SIGKILL)
    assert [readings.find(relay, each).message.text for each in digests] == ["one", "two"]


@pytest.mark.usefixtures("kitenge")
def test_a_full_disk_makes_a_mail_wait(
    relay: Relay, reader: MailReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = queue(relay, HEAD + b"\r\nHello")
    with monkeypatch.context() as full:
        full.setattr(relay.readings, "write_by_digest", _fail)
        with pytest.raises(OSError, match="full"):
            prepare_one(relay, reader)
    with pytest.raises(NotReadyError):
        readings.find(relay, digest)
    prepare_one(relay, reader)
    assert readings.find(relay, digest).message.text == "Hello"


def _fail(_chunks: object) -> None:
    raise OSError("the disk is full")


@pytest.mark.usefixtures("kitenge")
def test_a_newer_version_reads_anew_what_waits(
    relay: Relay, reader: MailReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = queue(relay, HEAD + b"\r\nHello")
    prepare_one(relay, reader)
    monkeypatch.setattr(readings, "VERSION", reading.VERSION + 1)
    monkeypatch.setattr(preparing, "VERSION", reading.VERSION + 1)
    assert readings.find(relay, digest).message.text == "Hello"
    assert prepare_one(relay, reader)
    assert not prepare_one(relay, reader)


@pytest.mark.usefixtures("kitenge")
def test_a_reading_that_was_lost_is_made_again(relay: Relay, reader: MailReader) -> None:
    digest = queue(relay, HEAD + b"\r\nHello")
    prepare_one(relay, reader)
    for each in relay.readings.written():
        relay.readings.write(each.name, b"damaged")
    with pytest.raises(NotReadyError):
        readings.find(relay, digest)
    assert prepare_one(relay, reader)
    for each in relay.readings.written():
        relay.readings.delete(each.name)
    with pytest.raises(NotReadyError):
        readings.find(relay, digest)
    assert prepare_one(relay, reader)
    assert readings.find(relay, digest).message.text == "Hello"


@pytest.mark.usefixtures("kitenge")
def test_a_mail_whose_file_comes_back_is_read(relay: Relay, reader: MailReader) -> None:
    digest = queue(relay, HEAD + b"\r\nHello")
    raw = relay.originals.read(digest)
    relay.originals.delete(digest)
    assert prepare_one(relay, reader)
    assert not prepare_one(relay, reader)
    with pytest.raises(BlobNotFoundError):
        readings.find(relay, digest)
    relay.originals.write(digest, raw)
    with pytest.raises(NotReadyError):
        readings.find(relay, digest)
    assert prepare_one(relay, reader)
    assert readings.find(relay, digest).message.text == "Hello"


@pytest.mark.usefixtures("kitenge")
def test_a_reading_goes_with_its_mail(relay: Relay, reader: MailReader) -> None:
    queue(relay, HEAD + b"\r\nHello")
    prepare_one(relay, reader)
    housekeeper = housekeeping.Housekeeper(relay)
    housekeeper.tidy()
    housekeeper.tidy()
    assert list(relay.readings.written())
    with relay.database.transaction() as session:
        session.execute(sa.text("DELETE FROM incoming"))
        session.execute(sa.delete(Original))
    housekeeper.tidy()
    housekeeper.tidy()
    assert not list(relay.readings.written())


def test_parsing_is_no_part_of_a_session(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    device = served.claimed_device()
    monkeypatch.setattr(mail_reader, "read", _fail)
    served.world.write("ada@example.org", [AMINA], "Mbote", "Hello")
    device.sync()
    assert [mail.message.text for mail in device.mails] == ["Hello"]


def test_a_mail_that_cannot_be_read_comes_as_its_head_and_whole_when_asked_for(
    served: Served,
) -> None:
    device = served.claimed_device()
    device.format = 2
    assert served.world.post_inbound(PARTS, "ada@example.org", [AMINA])[0] == 200
    device.sync()
    [mail] = device.mails
    assert mail.message.note == UNREAD
    assert mail.message.words == ""
    [file] = mail.message.attachments
    assert file.held_back
    assert ask(device, ContentRequest("file", file.digest, "amina")) == [
        Grant(digest_of(PARTS), len(PARTS))
    ]
    assert device.contents[digest_of(PARTS)] == PARTS
    with served.relay.database.reading() as session:
        assert session.scalars(sa.select(Alert.kind)).all() == ["unread"]


@pytest.mark.parametrize("known", [1, 2])
def test_a_long_text_says_where_the_rest_is(served: Served, known: int) -> None:
    device = served.claimed_device()
    device.format = known
    served.world.write("ada@example.org", [AMINA], "Long", "Mbote na yo\n" * 10_000)
    device.sync()
    [mail] = device.mails
    assert mail.message.note == (CUT if known > 1 else "")
    assert mail.message.text.endswith("KB: letter.txt]")
    assert mail.message.attachments[0].name == "letter.txt"


def ask(device: RelayDevice, request: ContentRequest) -> list[object]:
    device.others.clear()
    device.freeze(request)
    device.sync()
    return list(device.others)
