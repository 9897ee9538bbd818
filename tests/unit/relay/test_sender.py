# SPDX-License-Identifier: Apache-2.0
"""The workers that empty the outbox, with mail that is hard on them."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from mokanda_relay.bell import Bell
from mokanda_relay.mime.parse import read_composed as read_as_ever
from mokanda_relay.store.database import Database
from mokanda_relay.store.file_blob_store import FileBlobStore
from mokanda_relay.store.tables import Device, Outgoing
from mokanda_relay.transport import outbox
from mokanda_relay.transport.dns import DnsSetup
from mokanda_relay.transport.down_queue import record_original
from mokanda_relay.transport.outbound import Accepted, Intent, Outcome
from mokanda_relay.transport.sender import Sender
from mokanda_relay.transport.webhook import Webhook
from mokanda_wire.message import Message
from scripts.tools.deadlines import wait_until

pytest_plugins = ("tests.relay_fixtures",)

LARGE = 3_000_000


class Provider:
    """A Transport whose sending of large mail takes until it is told to go on."""

    max_recipients = 1000
    max_bytes = 10_000_000
    missing_setting = ""

    def __init__(self) -> None:
        self.goes_on = threading.Event()
        self.under_way = 0
        self.sent: list[str] = []

    def send(self, intent: Intent, message: Message, contents: Mapping[str, bytes]) -> Outcome:
        assert contents == {}
        if message.subject == "fatal":
            raise RecursionError
        if len(message.text) > LARGE // 2:
            self.under_way += 1
            assert self.goes_on.wait(30)
        self.sent.append(f"{message.subject} to {intent.recipients[0]}")
        return Accepted()

    def webhooks(self) -> Sequence[Webhook]:
        return ()

    def dns(self, domain: str) -> DnsSetup:
        raise NotImplementedError(domain)


class Office:
    """An outbox, and what becomes of it."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.originals = FileBlobStore(folder)
        self.provider = Provider()

    def post(self, subject: str, size: int = 10) -> None:
        raw = f"From: <amina@kitenge.example>\r\nSubject: {subject}\r\n\r\n{'x ' * (size // 2)}"
        digest, stored = self.originals.write_by_digest([raw.encode()])
        with self.database.transaction() as session:
            record_original(session, digest, stored)
            outbox.post(session, 1, f"{subject}@kitenge.example", digest, ["ada@example.org"])

    @contextmanager
    def at_work(self, senders: int) -> Iterator[None]:
        stopping, bell = threading.Event(), Bell()
        threads = [
            Sender(self.database, self.originals, self.provider, bell, stopping)
            for _ in range(senders)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stopping.set()
            self.provider.goes_on.set()
            bell.ring()
            for thread in threads:
                thread.join(30)

    def states(self) -> dict[str, str]:
        with self.database.reading() as session:
            rows = session.execute(sa.select(Outgoing.message_id, Outgoing.state))
            return {message_id.partition("@")[0]: state for message_id, state in rows}


@pytest.fixture
def office(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setattr(outbox, "_under_way", {})  # ids are the same in each test
    database = Database(database_url)
    with database.transaction() as session:
        added = dt.datetime.now(dt.UTC)
        session.add(Device(id=1, name="kitenge", domain="kitenge.example", added=added))
    yield Office(database, tmp_path / "originals")
    database.close()


def test_of_large_mails_one_is_in_memory_at_a_time_and_small_ones_go_beside_it(
    office: Office,
) -> None:
    for number in range(2):
        office.post(f"large {number}", LARGE)
    office.post("small")
    with office.at_work(senders=3):
        wait_until(lambda: office.provider.sent, "the small mail", seconds=20)
        assert office.provider.sent == ["small to ada@example.org"]
        wait_until(lambda: office.provider.under_way, "a large mail", seconds=20)
        assert office.provider.under_way == 1
        office.provider.goes_on.set()
        wait_until(lambda: len(office.provider.sent) == 3, "the others", seconds=20)
    assert office.provider.under_way == 2


def test_a_mail_at_which_the_parser_fails_comes_back_and_holds_up_no_other(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.post("fatal to read")
    office.post("behind it")

    def parse(raw: bytes) -> tuple[Message, dict[str, bytes]]:
        if b"fatal" in raw:
            raise RecursionError
        return read_as_ever(raw)

    monkeypatch.setattr("mokanda_relay.transport.sender.read_composed", parse)
    with office.at_work(senders=1):
        wait_until(lambda: office.provider.sent, "the other mail", seconds=20)
    assert office.states()["fatal to read"] == outbox.REFUSED


def test_a_mail_at_which_the_provider_fails_rests_and_holds_up_no_other(office: Office) -> None:
    office.post("fatal")
    office.post("behind it")
    with office.at_work(senders=1):
        wait_until(lambda: office.provider.sent, "the other mail", seconds=20)
    assert office.states()["fatal"] == outbox.TRYING
    with office.database.reading() as session:
        row = session.scalars(sa.select(Outgoing).where(Outgoing.reason != "")).one()
    assert "log says why" in row.reason  # and is given up in time, as is what nobody answers


def test_a_mail_that_is_larger_than_can_be_sent_comes_back_unread(office: Office) -> None:
    office.post("huge", office.provider.max_bytes + 1)
    office.post("behind it")
    with office.at_work(senders=1):
        wait_until(lambda: office.provider.sent, "the other mail", seconds=20)
    assert office.states()["huge"] == outbox.REFUSED
