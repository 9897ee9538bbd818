# SPDX-License-Identifier: Apache-2.0
"""A relay that has lost a file, as a broken disk loses them: one mail is missing, not more."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay import down, outgoing
from mokanda_relay.tables import Incident, Incoming, Outgoing
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


def incidents(served: Served) -> list[str]:
    with served.relay.database.reading() as session:
        return [each.text for each in session.scalars(sa.select(Incident))]


def lose_original_of_first(served: Served) -> None:
    with served.relay.database.reading() as session:
        digest = session.scalar(sa.select(Incoming.digest).order_by(Incoming.id).limit(1))
    assert digest
    served.relay.originals.delete(digest)


def test_a_mail_whose_file_is_gone_holds_up_no_other(served: Served, device: RelayDevice) -> None:
    for text in ("one", "two", "three"):
        post(served, text)
    lose_original_of_first(served)
    device.sync()
    assert sorted(mail.message.text.strip() for mail in device.mails) == ["three", "two"]
    [told] = incidents(served)
    assert "amina@kitenge.example is set aside: its file is gone" in told


def test_nor_does_one_that_would_be_announced(served: Served, device: RelayDevice) -> None:
    for text in ("one", "two"):
        post(served, text)
    with served.relay.database.transaction() as session:
        session.execute(sa.update(Incoming).values(cost=10_000))  # more than there is room for
    lose_original_of_first(served)
    assert down.offer(served.relay, 1, room=2000) is not None
    device.sync()
    assert [each.message.subject for each in device.others if isinstance(each, Stub)] == ["two"]
    assert [mail.message.text.strip() for mail in device.mails] == ["two"]


def test_a_bundle_whose_file_is_gone_is_frozen_anew(served: Served, device: RelayDevice) -> None:
    post(served, "one")
    frozen = device.hello().down
    assert frozen is not None
    served.relay.bundles.delete(frozen.sha256.hex())
    device.sync()
    assert [mail.message.text.strip() for mail in device.mails] == ["one"]


def test_a_mail_to_the_world_whose_file_is_gone_bounces(
    served: Served, device: RelayDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    post_intent = outgoing.post

    def losing(session: Session, device: int, name: str, digest: str, to: list[str]) -> None:
        post_intent(session, device, name, digest, to)
        served.relay.originals.delete(digest)

    monkeypatch.setattr(outgoing, "post", losing)
    device.freeze(device.message("ada@example.org", "Hello"))
    device.sync()

    def refused() -> bool:
        with served.relay.database.reading() as session:
            return session.scalars(sa.select(Outgoing.state)).one() == outgoing.REFUSED

    eventually(refused, "the mail is given up")
    device.sync()
    assert device.told() == {"ada@example.org": ["bounced"]}
    assert "lost" in device.events[0].reason
