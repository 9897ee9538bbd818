# SPDX-License-Identifier: Apache-2.0
"""A relay restored from yesterday's copy: what devices had sent since goes again, nothing twice."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from mokanda_firmware.mailbox.sync.state import sync_state
from mokanda_relay.operator import devices
from mokanda_relay.store import clock
from mokanda_relay.store.tables import Alert, Device, Forgotten, Outgoing, Posted, Table
from mokanda_relay.sync import history
from mokanda_relay.transport import outbox
from mokanda_relay.transport.outbound import DeliveryEvent
from tests.relay_served import BOTH_DATABASES, Served, eventually
from tests.syncing_village import Village

pytest_plugins = ("tests.syncing_fixtures",)

Restore = Callable[[], None]


@pytest.fixture
def village(village: Village) -> Village:
    village.sync()
    return village


def copied(served: Served) -> Restore:
    """Copy the relay's database as it is now; return what makes it that again."""
    with served.relay.database.reading() as session:
        rows = {
            table: [dict(row._mapping) for row in session.execute(sa.select(table))]
            for table in Table.metadata.sorted_tables
        }

    def restore() -> None:
        # As before the relay was stopped: what it was sending is settled, not in the copy's rows.
        eventually(lambda: not is_sending(served), "the end of what is being sent")
        with served.relay.database.transaction() as session:
            for table in reversed(Table.metadata.sorted_tables):
                session.execute(sa.delete(table))
            for table, kept in rows.items():
                if kept:
                    session.execute(sa.insert(table), kept)
        outbox._under_way.clear()

    return restore


def is_sending(served: Served) -> bool:
    under_way = sa.select(Outgoing.id).where(Outgoing.state == outbox.TRYING)
    with served.relay.database.reading() as session:
        return session.scalar(under_way.limit(1)) is not None


def write_to_village(served: Served, text: str) -> None:
    served.world.write("ada@example.org", ["amina@kitenge.example"], text, text)


def sent(served: Served) -> list[str]:
    return sorted(mail.text for mail in served.world.sent)


def alerts(served: Served) -> list[str]:
    with served.relay.database.reading() as session:
        return list(session.scalars(sa.select(Alert.text).where(Alert.kind == "restored")))


def send_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the relay takes mail, and has not come to send it."""
    monkeypatch.setattr(outbox, "begin_next", lambda *_: None)


def send_after(village: Village, served: Served) -> None:
    """Send a further mail, and with it all that the two ends then have for each other."""
    village.write("after")
    for _ in range(3):
        village.sync()
    eventually(lambda: "after" in sent(served), "the mail at SendGrid")


@BOTH_DATABASES
def test_mail_that_the_lost_relay_had_taken_and_not_sent_goes(
    village: Village, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    restore = copied(served)
    with monkeypatch.context() as patch:
        send_nothing(patch)
        village.write("taken and lost", files={"list.csv": b"a,b"})
        village.sync()
        assert village.texts("sent") == ["taken and lost"]
        restore()
    village.sync()
    eventually(lambda: sent(served) == ["taken and lost"], "the mail at SendGrid")
    village.sync()
    village.sync()
    assert village.texts("sent") == ["taken and lost"]
    assert sent(served) == ["taken and lost"]
    [file] = served.world.sent[0].body["attachments"]
    assert base64.b64decode(file["content"]) == b"a,b"
    [told] = alerts(served)
    assert "this relay was restored" in told


def test_mail_of_which_the_device_knows_that_it_was_sent_does_not_go_again(
    village: Village, served: Served
) -> None:
    restore = copied(served)
    village.write("sent, and told so")
    village.sync()
    eventually(lambda: sent(served) == ["sent, and told so"], "the mail at SendGrid")
    village.sync()
    restore()
    send_after(village, served)
    assert sent(served) == ["after", "sent, and told so"]


@BOTH_DATABASES
def test_mail_of_which_an_event_comes_after_the_restore_does_not_go_again(
    village: Village, served: Served
) -> None:
    restore = copied(served)
    village.write("sent, and not told")
    village.sync()
    eventually(lambda: len(served.world.sent) == 1, "the mail at SendGrid")
    [mail] = served.world.sent
    intent = mail.body["custom_args"]["mokanda_id"]
    restore()
    event = DeliveryEvent(intent, "ada@example.org", "delivered", "", clock.now())
    outbox.record_events(served.relay.database, [event, event])
    send_after(village, served)
    assert sent(served) == ["after", "sent, and not told"]
    with served.relay.database.reading() as session:
        assert session.scalars(sa.select(Forgotten.id)).all() == [intent]
    assert states(village) <= {"sent", "delivered"}


@BOTH_DATABASES
def test_a_lost_relay_that_runs_again_knows_what_comes_once_more(
    village: Village, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    village.write("known to both")
    restore_old = copied(served)
    village.sync()
    eventually(lambda: len(served.world.sent) == 1, "the mail at SendGrid")
    restore_lost = copied(served)
    with monkeypatch.context() as patch:
        send_nothing(patch)
        restore_old()
        village.sync()
        village.sync()
        restore_lost()
    send_after(village, served)
    assert sent(served) == ["after", "known to both"]


def test_mail_that_had_come_down_meanwhile_does_not_come_twice(
    village: Village, served: Served
) -> None:
    write_to_village(served, "waits at the copy")
    restore = copied(served)
    village.sync()
    village.sync()
    restore()
    write_to_village(served, "new")
    for _ in range(3):
        village.sync()
    assert sorted(village.texts("inbox")) == ["new", "waits at the copy"]
    assert village.sync().received == 0


def test_a_reply_to_what_came_twice_finds_it(village: Village, served: Served) -> None:
    write_to_village(served, "waits at the copy")
    restore = copied(served)
    village.sync()
    village.sync()
    restore()
    for _ in range(3):
        village.sync()
    with village.store.reading() as connection:
        [name] = connection.execute("SELECT message_id FROM message").fetchone()
    with served.relay.database.reading() as session:
        device = session.scalars(sa.select(Device)).one()
        known = history.load(session, device.id)
    assert known.own_of(name) != name


def test_who_lives_there_is_told_again(village: Village, served: Served) -> None:
    restore = copied(served)
    village.add_villager("cyr")
    village.sync()
    village.sync()
    restore()
    village.sync()
    village.sync()
    served.world.write("ada@example.org", ["cyr@kitenge.example"], "to cyr", "to cyr")
    village.sync()
    assert village.texts("inbox", "cyr") == ["to cyr"]


def test_another_claim_sends_nothing_again(village: Village, served: Served) -> None:
    village.write("out")
    village.sync()
    eventually(lambda: len(served.world.sent) == 1, "the mail at SendGrid")
    claim = devices.renew(served.relay, "kitenge")
    village.import_claim(claim._replace(relay=village.claim.relay))
    with served.relay.database.transaction() as session:
        session.execute(sa.delete(Posted))  # whatever the relay knows
    village.sync()
    village.sync()
    assert sent(served) == ["out"]
    assert sync_state(village.store).up_pending is None


def states(village: Village) -> set[str]:
    """How far mails have come."""
    with village.store.reading() as connection:
        return {row["state"] for row in connection.execute("SELECT state FROM delivery")}


def test_what_nobody_can_know_goes_again_under_the_same_message_id(
    village: Village, served: Served
) -> None:
    restore = copied(served)
    village.write("sent in the last session")
    village.sync()
    # Events that came after the restore would tell of it.
    eventually(lambda: len(served.world.events_posted) == 2, "the two events of the mail")
    restore()
    village.sync()
    eventually(lambda: len(served.world.sent) == 2, "the mail at SendGrid")
    first, second = (mail.body["headers"]["Message-ID"] for mail in served.world.sent)
    assert first == second
