# SPDX-License-Identifier: Apache-2.0
"""A bounce from the world is told under the letter that it is of."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from mokanda_relay.relay import Relay
from mokanda_relay.rendering.preparing import prepare_one
from mokanda_relay.rendering.readings import MailReader
from mokanda_relay.store.tables import Device, Incoming, Notice
from mokanda_relay.transport import down_queue, outbox
from tests.unit.relay.mime.test_bounces import REPORT

pytest_plugins = ("tests.relay_fixtures",)
pytestmark = pytest.mark.usefixtures("kitenge")
AMINA = "amina@kitenge.example"
LETTER = b"From: amina@kitenge.example\r\nMessage-ID: <1@kitenge.example>\r\n\r\nMbote"


def arrive(relay: Relay, raw: bytes) -> None:
    digest, size = relay.originals.write_by_digest([raw])
    with relay.database.transaction() as session:
        assert down_queue.deliver(session, AMINA, digest, size) == "queued"


def send(relay: Relay, *recipients: str) -> None:
    digest, size = relay.originals.write_by_digest([LETTER])
    with relay.database.transaction() as session:
        device = session.scalars(sa.select(Device)).one()
        down_queue.record_original(session, digest, size)
        outbox.post(session, device.id, "1@kitenge.example", digest, recipients)


def told(relay: Relay) -> list[tuple[str, str, str]]:
    with relay.database.reading() as session:
        notices = session.scalars(sa.select(Notice))
        return [(each.recipient, each.kind, each.reason) for each in notices]


def waiting(relay: Relay) -> int:
    with relay.database.reading() as session:
        return session.scalar(sa.select(sa.func.count(Incoming.id))) or 0


def test_the_bounce_of_a_letter_is_told_and_does_not_travel(
    relay: Relay, reader: MailReader
) -> None:
    send(relay, "jean@example.org", "marie@example.org")
    arrive(relay, REPORT.encode())
    assert prepare_one(relay, reader)
    unknown = "550 5.1.1 <jean@example.org>: User unknown"
    assert told(relay) == [("jean@example.org", "bounced", unknown)]
    assert waiting(relay) == 0


def test_one_that_comes_again_is_told_once(relay: Relay, reader: MailReader) -> None:
    send(relay, "jean@example.org")
    for _ in range(2):
        arrive(relay, REPORT.encode())
        assert prepare_one(relay, reader)
    assert len(told(relay)) == 1


@pytest.mark.parametrize("recipients", [(), ("paul@example.org",)])
def test_a_bounce_of_no_letter_of_ours_is_mail(
    relay: Relay, reader: MailReader, recipients: tuple[str, ...]
) -> None:
    if recipients:
        send(relay, *recipients)
    arrive(relay, REPORT.encode())
    assert prepare_one(relay, reader)
    assert told(relay) == []
    assert waiting(relay) == 1
