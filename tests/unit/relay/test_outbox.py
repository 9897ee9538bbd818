# SPDX-License-Identifier: Apache-2.0
"""The outbox: what is taken up when, and what becomes of it."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from mokanda_relay.store import clock as relay_clock
from mokanda_relay.store.database import Database
from mokanda_relay.store.tables import Alert, Device, Notice, Outgoing, OutgoingRecipient
from mokanda_relay.transport import outbox
from mokanda_relay.transport.down_queue import record_original
from mokanda_relay.transport.outbound import (
    Accepted,
    DeliveryEvent,
    Intent,
    NotTaken,
    Outcome,
    Refused,
    Unknown,
)
from tests.relay_served import BOTH_DATABASES

pytest_plugins = ("tests.relay_fixtures",)
pytestmark = BOTH_DATABASES

NOON = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
MAX_RECIPIENTS = 1000


class Clock:
    def __init__(self) -> None:
        self.now = NOON
        self.seconds = 0.0  # on the clock that nobody sets

    def __call__(self) -> dt.datetime:
        return self.now

    def monotonic(self) -> float:
        return self.seconds

    def pass_by(self, **time: float) -> None:
        self.now += dt.timedelta(**time)
        self.seconds += dt.timedelta(**time).total_seconds()


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(relay_clock, "now", clock)
    monkeypatch.setattr(outbox, "monotonic", clock.monotonic)
    monkeypatch.setattr(outbox, "_under_way", {})  # ids are the same in each test
    return clock


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    with opened.transaction() as session:
        session.add(Device(id=1, name="kitenge", domain="kitenge.example", added=NOON))
        record_original(session, "digest", 100)
    yield opened
    opened.close()


def post(database: Database, *recipients: str, message_id: str = "1@kitenge.example") -> None:
    with database.transaction() as session:
        outbox.post(session, 1, message_id, "digest", recipients)


def begin(database: Database, max_recipients: int = MAX_RECIPIENTS) -> Intent | None:
    with database.transaction() as session:
        return outbox.begin_next(session, max_recipients)


def try_with(database: Database, outcome: Outcome) -> None:
    with database.transaction() as session:
        intent = outbox.begin_next(session, MAX_RECIPIENTS)
        assert intent is not None
    with database.transaction() as session:
        outbox.settle(session, intent.id, outcome)


def row(database: Database) -> Outgoing:
    with database.reading() as session:
        return session.scalars(sa.select(Outgoing)).one()


def notices(database: Database) -> list[tuple[str, str]]:
    with database.reading() as session:
        found = session.scalars(sa.select(Notice).order_by(Notice.id))
        return [(each.recipient, each.kind) for each in found]


def test_a_mail_is_begun_once(database: Database) -> None:
    post(database, "b@example.org", "a@example.org")
    intent = begin(database)
    assert intent is not None
    assert intent.recipients == ("a@example.org", "b@example.org")
    assert begin(database) is None


def test_two_that_begin_at_once_begin_different_mails(database: Database) -> None:
    post(database, "a@example.org")
    post(database, "b@example.org", message_id="2@kitenge.example")
    with database.transaction() as first:
        one = outbox.begin_next(first, MAX_RECIPIENTS)
        if first.get_bind().dialect.name == "postgresql":  # SQLite lets one write at a time
            with database.transaction() as second:
                two = outbox.begin_next(second, MAX_RECIPIENTS)
    if first.get_bind().dialect.name == "sqlite":
        two = begin(database)
    assert one
    assert two
    assert one.id != two.id


def test_a_mail_whose_sender_died_rests_before_it_is_taken_up_again(
    database: Database, clock: Clock
) -> None:
    post(database, "a@example.org")
    begin(database)
    clock.pass_by(seconds=outbox.REST.total_seconds() - 1)
    assert begin(database) is None
    clock.pass_by(seconds=1)
    assert begin(database) is not None


def test_a_mail_whose_beginning_could_not_be_written_does_not_rest(database: Database) -> None:
    post(database, "a@example.org")
    with pytest.raises(OSError, match="full"), database.transaction() as session:
        outbox.begin_next(session, MAX_RECIPIENTS)
        raise OSError("the disk is full")
    assert begin(database) is not None


def test_a_clock_that_is_set_ahead_repeats_no_request(database: Database, clock: Clock) -> None:
    post(database, "a@example.org")
    begin(database)
    clock.now += dt.timedelta(days=3650)
    assert begin(database) is None
    clock.pass_by(minutes=10)
    assert begin(database) is not None


def test_after_a_restart_a_request_of_unknown_outcome_rests_anew(
    database: Database, clock: Clock
) -> None:
    post(database, "a@example.org")
    begin(database)
    outbox._under_way.clear()  # as another process
    clock.now += dt.timedelta(days=3650)
    assert begin(database) is None
    clock.pass_by(minutes=10)
    assert begin(database) is not None


def test_of_two_senders_after_a_restart_none_takes_it_up_before_it_has_rested(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(database, "ada@example.org")
    assert begin(database) is not None
    outbox._under_way.clear()  # as another process
    clock.pass_by(hours=1)
    resting, both = outbox._resting, threading.Barrier(2, timeout=10)
    first = threading.local()

    def look_at_once() -> list[str]:
        found = resting()
        if not hasattr(first, "done"):
            first.done = True
            both.wait()
        return found

    monkeypatch.setattr(outbox, "_resting", look_at_once)
    with ThreadPoolExecutor(2) as senders:
        assert list(senders.map(begin, [database, database])) == [None, None]


def test_a_clock_that_is_set_back_keeps_no_mail(database: Database, clock: Clock) -> None:
    clock.now += dt.timedelta(days=3650)
    post(database, "a@example.org")
    clock.now -= dt.timedelta(days=3650)
    assert begin(database) is not None


def test_an_accepted_mail_is_told_as_sent(database: Database) -> None:
    post(database, "a@example.org", "b@example.org")
    try_with(database, Accepted())
    assert row(database).state == outbox.SENT
    assert notices(database) == [("a@example.org", "sent"), ("b@example.org", "sent")]


def test_a_refused_mail_bounces(database: Database) -> None:
    post(database, "a@example.org")
    try_with(database, Refused("400 no"))
    assert notices(database) == [("a@example.org", "bounced")]


@pytest.mark.parametrize(
    ("kind", "outcome"), [("refused", Refused("400 no")), ("sending", NotTaken("no network"))]
)
def test_what_is_wrong_with_many_mails_is_one_alert_a_day(
    database: Database, clock: Clock, kind: str, outcome: Outcome
) -> None:
    for number in range(3):
        post(database, "a@example.org", message_id=f"{number}@kitenge.example")
        try_with(database, outcome)
    clock.pass_by(days=1)
    post(database, "a@example.org", message_id="next@kitenge.example")
    try_with(database, Refused("400 no") if kind == "refused" else NotTaken("another reason"))
    with database.reading() as session:
        alerts = session.scalars(sa.select(Alert).where(Alert.kind == kind).order_by(Alert.id))
        assert [each.count for each in alerts] == [3, 1]


def test_the_pauses_grow_to_an_hour(database: Database, clock: Clock) -> None:
    post(database, "a@example.org")
    pauses = []
    for _ in range(10):
        try_with(database, NotTaken("no network"))
        pauses.append((row(database).due - clock.now).total_seconds())
        clock.now = row(database).due
    assert pauses == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


def test_a_pause_that_the_provider_asks_for_is_kept(database: Database, clock: Clock) -> None:
    post(database, "a@example.org")
    try_with(database, NotTaken("429", dt.timedelta(seconds=7)))
    assert row(database).due == clock.now + dt.timedelta(seconds=7)


@pytest.mark.parametrize("outcome", [NotTaken("no network"), Unknown("500")])
def test_after_four_days_it_is_given_up(database: Database, clock: Clock, outcome: Outcome) -> None:
    post(database, "a@example.org")
    clock.pass_by(days=4, seconds=1)
    try_with(database, outcome)
    assert row(database).state == outbox.REFUSED
    assert ("may have arrived" in row(database).reason) == isinstance(outcome, Unknown)


def test_an_event_settles_what_is_unknown_and_a_late_answer_changes_nothing(
    database: Database,
) -> None:
    post(database, "a@example.org")
    intent = begin(database)
    assert intent is not None
    outbox.record_events(database, [DeliveryEvent(intent.id)])
    with database.transaction() as session:
        outbox.settle(session, intent.id, Unknown("the connection broke"))
    assert row(database).state == outbox.SENT
    assert notices(database) == [("a@example.org", "sent")]


def test_an_event_of_another_mail_settles_nothing(database: Database) -> None:
    post(database, "a@example.org")
    outbox.record_events(database, [DeliveryEvent("unknown", "a@example.org", "delivered")])
    assert row(database).state == outbox.WAITING
    assert notices(database) == []


def test_an_event_tells_of_its_recipient_alone_however_they_are_written(
    database: Database,
) -> None:
    post(database, "Ada@example.org", "bako@example.org")
    intent = begin(database)
    assert intent is not None
    outbox.record_events(
        database,
        [
            DeliveryEvent(intent.id, "ada@example.org", "delivered"),
            DeliveryEvent(intent.id, "eve@example.org", "bounced"),
        ],
    )
    told = [each for each in notices(database) if each[1] != "sent"]
    assert told == [("Ada@example.org", "delivered")]


@pytest.mark.parametrize(("limit", "sizes"), [(1000, [500, 1000, 1000]), (2500, [2500])])
def test_the_recipients_of_one_request_are_as_many_as_the_transport_takes(
    database: Database, limit: int, sizes: list[int]
) -> None:
    everyone = {f"p{number}@example.org" for number in range(2500)}
    post(database, *everyone)
    parts = []
    while intent := begin(database, limit):
        parts.append(intent.recipients)
    assert sorted(map(len, parts)) == sizes
    assert {address for part in parts for address in part} == everyone


def test_a_request_of_unknown_outcome_is_repeated_in_parts_by_a_transport_that_takes_fewer(
    database: Database, clock: Clock
) -> None:
    post(database, "a@example.org", "b@example.org")
    try_with(database, Unknown("the connection broke"))
    clock.pass_by(seconds=outbox.REST.total_seconds())
    first = begin(database, 1)
    assert first is not None
    assert first.recipients == ("a@example.org",)
    assert begin(database, 1) is None  # nobody knows whether the other has it: it rests
    clock.pass_by(seconds=outbox.REST.total_seconds())
    outbox.record_events(database, [DeliveryEvent(first.id)])
    second = begin(database, 1)
    assert second is not None
    assert second.recipients == ("b@example.org",)


def test_what_was_told_to_be_sent_before_it_was_known_is_not_sent(database: Database) -> None:
    post(database, "a@example.org")
    lost = row(database).id
    with database.transaction() as session:  # the relay is restored from a copy
        session.execute(sa.delete(OutgoingRecipient))
        session.execute(sa.delete(Outgoing))
    outbox.record_events(database, [DeliveryEvent(lost)] * 2)
    post(database, "a@example.org")
    assert row(database).id == lost
    assert begin(database) is None
    assert row(database).state == outbox.SENT
    assert notices(database) == [("a@example.org", "sent")]


def test_a_mail_by_a_name_that_another_has_is_another(database: Database) -> None:
    post(database, "a@example.org")
    post(database, "b@example.org")
    first, second = begin(database), begin(database)
    assert first is not None
    assert second is not None
    assert first.id != second.id
