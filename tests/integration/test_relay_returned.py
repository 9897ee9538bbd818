# SPDX-License-Identifier: Apache-2.0
"""Who writes to a name that a village does not have is told so, and nobody else ever is."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa

from mokanda_relay.operator.housekeeping import Housekeeper
from mokanda_relay.store import clock
from mokanda_relay.store.tables import Alert, Notice
from mokanda_relay.transport import returned
from mokanda_relay.transport.returned import may_be_told
from tests.relay_device import RelayDevice
from tests.relay_served import BOTH_DATABASES, Served, eventually

pytest_plugins = ("tests.relay_fixtures",)

WRITER, NOBODY = "ada@example.org", "amin@kitenge.example"


@pytest.fixture
def device(served: Served) -> RelayDevice:
    return served.claimed_device("kitenge", "amina", "bako")


def post(
    served: Served,
    number: int = 1,
    /,
    *,
    sender: str = WRITER,
    to: str = NOBODY,
    headers: str = "",
    **found: str,
) -> None:
    raw = (
        f"From: {sender or WRITER}\r\nTo: {to}\r\nSubject: Secret\r\n"
        f"Message-ID: <{number}@example.org>\r\n{headers}\r\nSecret words {number}"
    )
    assert served.world.post_inbound(raw.encode(), sender, [to], **found)[0] == 200


def give_up(served: Served, device: RelayDevice) -> None:
    """The village tells twice that it has nobody of the name; then the relay keeps house."""
    for text in ("One", "Two"):
        device.freeze(device.message("friend@example.net", text))
        device.sync()
    Housekeeper(served.relay).tidy()


def told(served: Served) -> list[str]:
    """To whom the relay has written, the device's own letters aside."""
    served.world.finish_requests()
    ours = [each for each in served.world.sent if each.recipients != ["friend@example.net"]]
    return [recipient for each in ours for recipient in each.recipients]


def test_a_proven_writer_is_told(served: Served, device: RelayDevice) -> None:
    post(served)
    give_up(served, device)
    eventually(lambda: told(served), "the mail to the writer")
    [sent] = [each for each in served.world.sent if each.recipients == [WRITER]]
    assert sent.body["from"]["email"] == "postmaster@kitenge.example"
    assert sent.body["headers"]["Auto-Submitted"] == "auto-replied"
    assert sent.body["headers"]["In-Reply-To"] == "<1@example.org>"
    assert NOBODY in sent.text
    assert "amina" not in sent.text  # no other name of the village
    assert "Secret" not in str(sent.body)  # nothing that a forger could send on by us
    with served.relay.database.reading() as session:
        [alert] = session.scalars(sa.select(Alert.text).where(Alert.kind == "undeliverable"))
        assert alert.endswith("unknown villager; its writer is told")
        assert not session.scalars(sa.select(Notice).where(Notice.recipient == WRITER)).all()


@BOTH_DATABASES
def test_it_is_told_once_a_day(
    served: Served, device: RelayDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(served)
    post(served, 2, to="nobody@kitenge.example")
    give_up(served, device)
    Housekeeper(served.relay).tidy()
    eventually(lambda: told(served), "the mail to the writer")
    assert told(served) == [WRITER]
    later = clock.now() + dt.timedelta(days=1, minutes=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    post(served, 3)
    give_up(served, device)
    eventually(lambda: told(served) == [WRITER, WRITER], "the second mail")


def test_a_village_answers_no_more_than_so_many(
    served: Served, device: RelayDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(returned, "MAX_A_DAY", 2)
    for number in range(4):
        post(served, number, sender=f"writer{number}@example.org")
    give_up(served, device)
    eventually(lambda: len(told(served)) == 2, "two mails")


@pytest.mark.parametrize(
    ("sender", "headers", "found"),
    [
        (WRITER, "", {"spf": "fail", "dkim": "none"}),
        (WRITER, "", {"spf": "none", "dkim": "{@other.example : pass}"}),
        (WRITER, "", {"spam_score": "6.1"}),
        (WRITER, "Auto-Submitted: auto-replied\r\n", {}),
        (WRITER, "List-Id: <news.example.org>\r\n", {}),
        (WRITER, "Precedence: bulk\r\n", {}),
        ("", "", {}),
        ("MAILER-DAEMON@example.org", "", {}),
        ("no-reply@example.org", "", {}),
        ("news-bounces+amin=kitenge@example.org", "", {}),
        ("amina@kitenge.example", "", {}),
    ],
)
def test_nobody_else_is(
    served: Served,
    device: RelayDevice,
    sender: str,
    headers: str,
    found: dict[str, str],
) -> None:
    post(served, sender=sender, headers=headers, **found)
    post(served, 2, sender="ben@example.net")
    give_up(served, device)
    eventually(lambda: told(served), "the mail to the other writer")
    assert told(served) == ["ben@example.net"]


def test_a_long_address_takes_no_time(served: Served) -> None:
    with served.relay.database.reading() as session:
        assert not may_be_told(session, "a-" * 100_000 + "@example.org", ..., ...)  # type: ignore[arg-type]
