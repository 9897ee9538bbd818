# SPDX-License-Identifier: Apache-2.0
"""Mail to the world: the outbox against a SendGrid that refuses, breaks, and keeps silent."""

from __future__ import annotations

import dataclasses
import secrets
import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from mokanda_relay.http.server import running
from mokanda_relay.relay import Relay
from mokanda_relay.store.clock import now
from mokanda_relay.store.tables import Alert, Outgoing
from mokanda_relay.transport import outbox, sender
from mokanda_relay.transport.outbound import Intent, NotTaken, Outcome
from mokanda_relay.transport.sender import Sender
from mokanda_relay.transport.sendgrid import api
from mokanda_wire.message import Mailbox
from tests.relay_device import RelayDevice
from tests.relay_served import ANY_PORT, Served, eventually
from tests.stand_ins.sendgrid import Fault

pytest_plugins = ("tests.relay_fixtures",)


def waiting_mail(served: Served) -> list[Outgoing]:
    with served.relay.database.reading() as session:
        return list(session.scalars(sa.select(Outgoing)))


def make_due(served: Served) -> None:
    """Let the time pass that a mail rests."""
    for mail in outbox._under_way:
        outbox._under_way[mail] -= outbox.REST.total_seconds()
    with served.relay.database.transaction() as session:
        session.execute(sa.update(Outgoing).values(due=now()))
    served.relay.outbox_bell.ring()


def send(device: RelayDevice) -> None:
    device.freeze(device.message("ada@example.org", "Hello"))
    device.sync()


class TestAnswers:
    def test_an_accepted_mail_is_told_as_sent_then_delivered(self, served: Served) -> None:
        device = served.claimed_device()
        send(device)
        eventually(lambda: len(served.world.events_posted) == 2, "the two events of the mail")
        device.sync()
        assert device.told() == {"ada@example.org": ["sent", "delivered"]}
        assert served.world.events_posted == [200, 200]

    def test_a_mail_that_the_world_returns_bounces_with_the_reason(self, served: Served) -> None:
        device = served.claimed_device()
        device.freeze(device.message("nobody@nowhere.invalid", "Are you there?"))
        device.sync()
        eventually(lambda: len(served.world.events_posted) == 2, "the two events of the mail")
        device.sync()
        assert device.told() == {"nobody@nowhere.invalid": ["sent", "bounced"]}
        assert "5.1.1" in device.events[-1].reason

    @pytest.mark.parametrize("fault", ["400", "413"])
    def test_a_refused_mail_bounces_and_is_not_tried_again(
        self, served: Served, fault: Fault
    ) -> None:
        served.world.fail_next(fault)
        device = served.claimed_device()
        send(device)
        eventually(lambda: waiting_mail(served)[0].state == outbox.REFUSED, "the mail is refused")
        device.sync()
        assert device.told() == {"ada@example.org": ["bounced"]}
        assert fault in device.events[0].reason
        assert served.world.requests == 1

    @pytest.mark.parametrize("fault", ["401", "429"])
    def test_what_is_the_operators_matter_is_not_the_mails(
        self, served: Served, fault: Fault
    ) -> None:
        served.world.fail_next(fault)
        device = served.claimed_device()
        send(device)
        eventually(lambda: waiting_mail(served)[0].reason, "the answer is recorded")
        assert waiting_mail(served)[0].state == outbox.WAITING
        make_due(served)
        eventually(lambda: len(served.world.sent) == 1, "the mail is sent")
        with served.relay.database.reading() as session:
            [alert] = session.scalars(sa.select(Alert))
        assert fault in alert.text

    def test_a_mail_of_more_bytes_than_can_be_sent_bounces(
        self, served: Served, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(served.relay.transport, "max_bytes", 1000)
        device = served.claimed_device()
        device.freeze(device.message("ada@example.org", "x" * 1000))
        device.sync()
        eventually(lambda: waiting_mail(served)[0].state == outbox.REFUSED, "the mail is refused")
        device.sync()
        assert device.told() == {"ada@example.org": ["bounced"]}
        assert "at most 1000" in device.events[0].reason
        assert served.world.requests == 0


class TestUnknownOutcomes:
    """The mail may have been taken: it rests, and its events settle it."""

    @pytest.mark.parametrize("fault", ["lost", "500"])
    def test_it_is_not_sent_again_at_once(self, served: Served, fault: Fault) -> None:
        served.world.events_url = ""
        served.world.fail_next(fault)
        device = served.claimed_device()
        send(device)
        eventually(lambda: served.world.requests, "the mail is handed on")
        eventually(lambda: waiting_mail(served)[0].reason, "the outcome is recorded")
        [mail] = waiting_mail(served)
        assert mail.state == outbox.TRYING
        assert mail.due > now() + outbox.REST - timedelta(minutes=1)

    def test_an_event_that_carries_its_id_settles_it_as_sent(self, served: Served) -> None:
        served.world.fail_next("lost")
        device = served.claimed_device()
        send(device)
        eventually(lambda: len(served.world.events_posted) == 2, "the two events of the mail")
        make_due(served)
        device.sync()
        assert device.told() == {"ada@example.org": ["sent", "delivered"]}
        assert (len(served.world.sent), served.world.requests) == (1, 1)

    def test_one_that_was_taken_is_not_sent_again_because_the_disk_was_full(
        self, served: Served, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        served.world.events_url = ""
        monkeypatch.setattr(sender, "_RETRY_INTERVAL", 0.01)
        full = iter([True, True])
        settle = outbox.settle

        def settle_when_there_is_room(session: Session, intent_id: str, outcome: Outcome) -> None:
            if next(full, False):
                raise sa.exc.OperationalError("UPDATE", {}, OSError("disk is full"))
            settle(session, intent_id, outcome)

        monkeypatch.setattr(outbox, "settle", settle_when_there_is_room)
        device = served.claimed_device()
        send(device)
        eventually(lambda: waiting_mail(served)[0].state == outbox.SENT, "the outcome is recorded")
        assert served.world.requests == 1

    def test_without_any_event_it_is_tried_again_after_its_rest(self, served: Served) -> None:
        served.world.fail_next("500", "cut")
        device = served.claimed_device()
        send(device)
        for attempt, reason in ((1, "fault 500"), (2, "did not arrive")):
            eventually(
                lambda reason=reason: reason in waiting_mail(served)[0].reason,  # type: ignore[misc]
                "the attempt is over",
            )
            assert served.world.requests == attempt
            make_due(served)
        eventually(lambda: len(served.world.sent) == 1, "the mail is sent")

    def test_silence_is_given_up_on(self, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(api, "TIMEOUT", 0.2)
        served.world.events_url = ""
        served.world.fail_next("silence")
        device = served.claimed_device()
        send(device)
        eventually(lambda: waiting_mail(served)[0].reason, "the outcome is recorded")
        assert waiting_mail(served)[0].state == outbox.TRYING

    def test_after_four_days_it_bounces_and_says_that_it_may_have_arrived(
        self, served: Served
    ) -> None:
        served.world.events_url = ""
        served.world.fail_next("lost", "500")
        device = served.claimed_device()
        send(device)
        eventually(lambda: waiting_mail(served)[0].reason, "the outcome is recorded")
        with served.relay.database.transaction() as session:
            session.execute(sa.update(Outgoing).values(created=now() - timedelta(days=5)))
        make_due(served)
        eventually(lambda: waiting_mail(served)[0].state == outbox.REFUSED, "it is given up")
        device.sync()
        assert device.told() == {"ada@example.org": ["bounced"]}
        assert "may have arrived" in device.events[0].reason

    def test_a_service_that_cannot_be_reached_is_tried_again_soon(self, served: Served) -> None:
        settings = dataclasses.replace(served.relay.settings, sendgrid_host="http://127.0.0.1:1")
        unreachable = api.SendGrid(settings, lambda _events: None)
        device = served.claimed_device()
        message = device.message("ada@example.org", "Hello").message
        outcome = unreachable.send(Intent("id", "digest", ("ada@example.org",)), message, {})
        assert isinstance(outcome, NotTaken)


class TestRecipients:
    def test_those_of_a_mail_go_in_one_request_blind_copies_unseen(self, served: Served) -> None:
        device = served.claimed_device()
        mail = device.message("ada@example.org", "To all", cc=(Mailbox("eve@example.org"),))
        everyone = ("ada@example.org", "eve@example.org", "Zoe@Example.org")
        device.freeze(dataclasses.replace(mail, recipients=everyone))
        device.sync()
        eventually(lambda: len(served.world.sent) == 1, "the mail is sent")
        [block] = served.world.sent[0].body["personalizations"]
        assert [each["email"] for each in block["to"]] == ["ada@example.org"]
        assert [each["email"] for each in block["cc"]] == ["eve@example.org"]
        assert [each["email"] for each in block["bcc"]] == ["Zoe@Example.org"]

    def test_with_blind_copies_alone_nobody_sees_another(self, served: Served) -> None:
        device = served.claimed_device()
        mail = device.message("mama@example.org", "Secret")  # who is no recipient
        device.freeze(dataclasses.replace(mail, recipients=("ada@example.org", "eve@example.org")))
        device.sync()
        eventually(lambda: len(served.world.sent) == 1, "the mail is sent")
        blocks = served.world.sent[0].body["personalizations"]
        assert [list(block) for block in blocks] == [["to"], ["to"]]

    def test_they_see_the_neighbours_in_it_whose_copy_does_not_come_back(
        self, served: Served
    ) -> None:
        kitenge, liputa = served.claimed_device(), served.claimed_device("liputa")
        near = (Mailbox("bako@liputa.example"), Mailbox("nobody@kitenge.example"))
        mail = kitenge.message("ada@example.org", "To all", cc=near)
        mail = dataclasses.replace(
            mail,
            message=mail.message._replace(
                to=(*mail.message.to, Mailbox("Amina@kitenge.example", "Amina"))
            ),
            recipients=("ada@example.org", "bako@liputa.example"),
        )
        kitenge.freeze(mail)
        kitenge.sync()
        eventually(lambda: len(served.world.events_posted) > 3, "the events of the mail")
        [sent] = served.world.sent
        [block] = sent.body["personalizations"]
        assert [each["email"] for each in block["to"]] == [
            "ada@example.org",
            "Amina@kitenge.example",
        ]
        assert [each["email"] for each in block["cc"]] == ["bako@liputa.example"]
        message_id = sent.body["headers"]["Message-ID"]
        copy = f"From: amina@kitenge.example\r\nMessage-ID: {message_id}\r\n\r\nTo all".encode()
        for each in ("amina@kitenge.example", "bako@liputa.example"):
            assert served.world.post_inbound(copy, "bounce@em1.kitenge.example", [each])[0] == 200
        kitenge.sync()
        liputa.sync()
        assert kitenge.mails == []
        assert len(liputa.mails) == 1
        assert kitenge.told() == {
            "bako@liputa.example": ["sent"],
            "ada@example.org": ["sent", "delivered"],
        }

    def test_a_mail_by_the_same_name_reaches_whoever_is_not_named_in_it(
        self, served: Served
    ) -> None:
        device = served.claimed_device()
        send(device)
        eventually(lambda: len(served.world.sent) == 1, "the mail is sent")
        message_id = served.world.sent[0].body["headers"]["Message-ID"]
        copy = f"From: list@example.org\r\nMessage-ID: {message_id}\r\n\r\nHello".encode()
        served.world.post_inbound(copy, "list@example.org", ["bako@kitenge.example"])
        device.sync()
        assert [each.recipients for each in device.mails] == [("bako@kitenge.example",)]

    def test_a_name_with_a_comma_arrives(self, served: Served) -> None:
        device = served.claimed_device()
        mail = device.message("ada@example.org", "Hello")
        named = (Mailbox("ada@example.org", 'Lovelace, "Ada"'),)
        device.freeze(dataclasses.replace(mail, message=mail.message._replace(to=named)))
        device.sync()
        eventually(lambda: len(served.world.events_posted) == 2, "the two events of the mail")
        device.sync()
        assert device.told() == {"ada@example.org": ["sent", "delivered"]}
        assert served.world.sent[0].people[0]["name"] == "\"Lovelace, 'Ada'\""

    def test_each_is_told_of_apart(self, served: Served) -> None:
        device = served.claimed_device()
        mail = device.message("ada@example.org", "Hello")
        device.freeze(
            dataclasses.replace(mail, recipients=("ada@example.org", "x@nowhere.invalid"))
        )
        device.sync()
        eventually(lambda: len(served.world.events_posted) == 3, "the events of the mail")
        device.sync()
        assert device.told() == {
            "ada@example.org": ["sent", "delivered"],
            "x@nowhere.invalid": ["sent", "bounced"],
        }


class TestEvents:
    def sent_mail(self, served: Served) -> RelayDevice:
        device = served.claimed_device()
        send(device)
        eventually(lambda: len(served.world.events_posted) == 2, "the two events of the mail")
        device.sync()
        return device

    def test_repeated_ones_change_nothing(self, served: Served) -> None:
        device = self.sent_mail(served)
        [sent] = served.world.sent
        again = served.world.event(sent, "ada@example.org", "delivered")
        assert served.world.post_events([again, again]) == 200
        device.sync()
        assert device.told() == {"ada@example.org": ["sent", "delivered"]}

    def test_a_bounce_after_the_delivery_is_told(self, served: Served) -> None:
        device = self.sent_mail(served)
        [sent] = served.world.sent
        bounce = served.world.event(sent, "ADA@example.org", "bounce", reason="550 full")
        served.world.post_events([bounce])
        device.sync()
        assert device.told() == {"ada@example.org": ["sent", "delivered", "bounced"]}

    def test_forged_ones_change_nothing_and_are_told_once(self, served: Served) -> None:
        device = self.sent_mail(served)
        [sent] = served.world.sent
        bounce = served.world.event(sent, "ada@example.org", "bounce", reason="forged")
        for _ in range(3):
            assert served.world.post_events([bounce], signed=False) == 503
        with served.relay.database.reading() as session:
            [told] = session.scalars(sa.select(Alert.text))
        assert "SENDGRID_EVENT_KEY" in told
        device.sync()
        assert device.told() == {"ada@example.org": ["sent", "delivered"]}

    def test_those_of_other_mails_of_the_account_are_skipped(self, served: Served) -> None:
        device = self.sent_mail(served)
        [sent] = served.world.sent
        other = served.world.event(sent, "ada@example.org", "bounce") | {"mokanda_id": "other"}
        del other["smtp-id"]
        assert served.world.post_events([other, {"event": "open"}]) == 200
        device.sync()
        assert "bounced" not in device.told()["ada@example.org"]

    def test_what_is_known_to_be_none_of_ours_waits_for_no_writer(self, served: Served) -> None:
        others = [{"mokanda_id": secrets.token_hex(16), "event": "bounce"} for _ in range(15_000)]
        assert served.world.post_events(others) == 200
        with served.relay.database.transaction() as session:
            session.connection()  # SQLite has one writer, from here on
            assert served.world.post_events(others) == 200

    def test_without_its_key_the_webhook_is_off_and_says_so(
        self, relay: Relay, served: Served
    ) -> None:
        settings = dataclasses.replace(relay.settings, sendgrid_event_key="")
        device = self.sent_mail(served)
        [sent] = served.world.sent
        bounce = served.world.event(sent, "ada@example.org", "bounce", reason="unsigned")
        without = dataclasses.replace(relay, transport=api.SendGrid(settings, lambda _events: None))
        with running(without, ANY_PORT, ANY_PORT) as (_, address):
            keyless = dataclasses.replace(served, operator_url=f"http://{address}", devices=[])
            served.world.events_url = f"http://{address}/events"
            assert served.world.post_events([bounce], signed=False) == 503
            assert "SENDGRID_EVENT_KEY</code> is not set" in keyless.get("/")[1]
        device.sync()
        assert device.told() == {"ada@example.org": ["sent", "delivered"]}


def test_many_workers_send_each_mail_once(served: Served) -> None:
    device = served.claimed_device()
    relay = served.relay
    parts = (relay.database, relay.originals, relay.transport, relay.outbox_bell)
    stopping = threading.Event()
    more = [Sender(*parts, stopping) for _ in range(4)]
    for worker in more:
        worker.start()
    device.freeze(*(device.message("ada@example.org", f"Mail {number}") for number in range(40)))
    device.sync()
    eventually(lambda: len(served.world.sent) >= 40, "the mails are sent")
    assert sorted(sent.text for sent in served.world.sent) == sorted(
        f"Mail {number}" for number in range(40)
    )
    stopping.set()
    relay.outbox_bell.ring()
    for worker in more:
        worker.join()


HOSTILE: dict[str, dict[str, object]] = {
    "long subject": {"subject": "\u00e9" * 200_000},
    "subject of headers": {"subject": "Hello\r\nBcc: <everybody@example.org>\r\n\r\nHello"},
    "many recipients named": {
        "cc": tuple(Mailbox(f"{n}@example.org", "n" * 99) for n in range(2000))
    },
    "long names": {"cc": (Mailbox("bako@kitenge.example", "\u00f1" * 100_000),)},
    "many references": {"references": tuple(f"{number}@example.org" for number in range(20_000))},
    "text of boundaries": {"text": "\n--===\nContent-Type: message/rfc822\n" * 10_000},
    "text of tags": {"html": "<b>" * 200_000},
    "control characters": {"text": "\0\x01\x02\u202e" * 10_000, "subject": "\0"},
}


def test_hostile_mail_of_a_device_takes_nobody_down_and_none_vanishes(served: Served) -> None:
    device = served.claimed_device()
    mails = []
    for name, hostile in HOSTILE.items():
        mail = device.message("ada@example.org", name)
        message = mail.message._replace(**hostile)  # type: ignore[arg-type]
        mails.append(dataclasses.replace(mail, message=message))
    device.freeze(*mails)
    device.sync()
    device.freeze(device.message("ada@example.org", "The last one, and a good one"))
    device.sync()
    eventually(lambda: not waiting(served), "all mail is settled")
    assert served.get("/healthz")[0] == 200
    assert "The last one, and a good one" in [mail.text for mail in served.world.sent]
    device.sync()
    told = {event.message_id for event in device.events}
    assert {mail.message.message_id for mail in mails} <= told
    everybody = {address for mail in served.world.sent for address in mail.recipients}
    assert everybody == {"ada@example.org"}


def waiting(served: Served) -> int:
    """How many mails of devices are not settled yet."""
    with served.relay.database.reading() as session:
        unsettled = Outgoing.state.in_((outbox.WAITING, outbox.TRYING))
        return session.scalar(sa.select(sa.func.count()).where(unsettled)) or 0
