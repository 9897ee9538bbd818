# SPDX-License-Identifier: Apache-2.0
"""A relay that misses a file, as when its disk is broken: one mail waits for it, and not more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.store.clock import now
from mokanda_relay.store.tables import Alert, Incoming, Original, Outgoing
from mokanda_relay.sync.down import freeze
from mokanda_relay.transport import outbox
from mokanda_wire.bundle import Stub
from tests.relay_device import RelayDevice
from tests.relay_served import Served, eventually

pytest_plugins = ("tests.relay_fixtures",)


@pytest.fixture
def device(served: Served) -> RelayDevice:
    return served.claimed_device()


def post(served: Served, text: str) -> None:
    raw = f"From: ada@example.org\r\nSubject: {text}\r\n\r\n{text}\r\n".encode()
    assert served.world.post_inbound(raw, "ada@example.org", ["amina@kitenge.example"])[0] == 200


def alert_texts(served: Served) -> list[str]:
    with served.relay.database.reading() as session:
        return [each.text for each in session.scalars(sa.select(Alert))]


@contextmanager
def without_first_original(served: Served) -> Iterator[None]:
    """The files of the first mail are not there, and come back, the original at least."""
    with served.relay.database.reading() as session:
        digest = session.scalar(sa.select(Incoming.digest).order_by(Incoming.id).limit(1))
    assert digest
    served.wait_until_prepared()
    raw = served.relay.originals.read(digest)
    served.relay.originals.delete(digest)
    with served.relay.database.reading() as session:
        served.relay.readings.delete(session.get_one(Original, digest).reading)
    yield
    served.relay.originals.write(digest, raw)


def texts(device: RelayDevice) -> list[str]:
    return sorted(mail.message.text.strip() for mail in device.mails)


def test_a_mail_without_its_file_holds_up_no_other(served: Served, device: RelayDevice) -> None:
    for text in ("one", "two", "three"):
        post(served, text)
    with without_first_original(served):
        device.sync()
        device.sync()
        assert texts(device) == ["three", "two"]
    [told] = alert_texts(served)
    assert "for amina@kitenge.example is not there" in told
    device.sync()
    served.wait_until_prepared()  # it is read once more
    device.sync()
    assert texts(device) == ["one", "three", "two"]


def test_nor_does_one_that_would_be_announced(served: Served, device: RelayDevice) -> None:
    for text in ("one", "two"):
        post(served, text)
    with served.relay.database.transaction() as session:
        session.execute(sa.update(Incoming).values(cost=10_000))  # more than there is room for
    with without_first_original(served):
        assert freeze.offer(served.relay, 1, room=2000) is not None
        device.sync()
        stubs = [each for each in device.others if isinstance(each, Stub)]
        assert [each.message.subject for each in stubs] == ["two"]
        assert texts(device) == ["two"]


def test_a_bundle_whose_file_is_gone_is_frozen_anew(served: Served, device: RelayDevice) -> None:
    post(served, "one")
    frozen = device.hello().down
    assert frozen is not None
    served.relay.bundles.delete(frozen.sha256.hex())
    device.sync()
    assert [mail.message.text.strip() for mail in device.mails] == ["one"]


def test_a_mail_to_the_world_waits_for_its_file(
    served: Served, device: RelayDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    post_intent = outbox.post
    lost: dict[str, bytes] = {}

    def losing(
        session: Session, device: int, name: str, digest: str, to: list[str], near: list[str]
    ) -> None:
        post_intent(session, device, name, digest, to, near)
        lost[digest] = served.relay.originals.read(digest)
        served.relay.originals.delete(digest)

    monkeypatch.setattr(outbox, "post", losing)
    device.freeze(device.message("ada@example.org", "Hello"))
    device.sync()
    eventually(lambda: alert_texts(served), "the operator is told")
    assert alert_texts(served) == ["a mail waits: its file is not there"]
    for digest, raw in lost.items():
        served.relay.originals.write(digest, raw)
    with served.relay.database.transaction() as session:
        session.execute(sa.update(Outgoing).values(due=now()))
    served.relay.outbox_bell.ring()
    eventually(lambda: served.world.sent, "the mail is sent")
