# SPDX-License-Identifier: Apache-2.0
"""The plan of a down bundle: what goes, what waits, and how a plan becomes smaller."""

from __future__ import annotations

import datetime as dt

from mokanda_relay.store.tables import ContentRequest, Device, Incoming, Notice
from mokanda_relay.sync.down.plan import MAX_RAW, Plan
from mokanda_relay.sync.down.queue import Queue
from mokanda_wire.history import History
from mokanda_wire.limits import SEAL

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
ROOM = 10_000


def mail(number: int, *, digest: str = "", cost: int | None = None, stub: str = "") -> Incoming:
    return Incoming(
        id=number,
        digest=digest or f"mail {number}",
        recipient=f"villager{number}@kitenge.example",
        received=NOON + dt.timedelta(minutes=number),
        cost=cost,
        stub=stub,
    )


def queue(*mails: tuple[Incoming, int], requests: int = 0, bisection_size: int = 0) -> Queue:
    """Mails with their raw sizes, as many requests, and one notice."""
    asked = tuple(
        ContentRequest(id=number, kind="file", name=str(number)) for number in range(requests)
    )
    device = Device(id=1, name="kitenge", bisection_size=bisection_size)
    return Queue(device, History([]), (Notice(id=1),), asked, mails)


def sizes(*numbers: int) -> list[tuple[Incoming, int]]:
    """Mails of these raw sizes, numbered from 1."""
    return [(mail(number), size) for number, size in enumerate(numbers, 1)]


def digests(plan: Plan) -> list[str]:
    return list(plan.mails)


def test_without_a_limit_all_goes_up_to_the_fill_of_a_bundle() -> None:
    plan = Plan.of(queue(*sizes(100, MAX_RAW, 100), requests=2), None)
    assert digests(plan) == ["mail 1", "mail 3"]
    assert (len(plan.notices), len(plan.requests)) == (1, 2)


def test_a_single_mail_goes_however_large() -> None:
    assert digests(Plan.of(queue(*sizes(MAX_RAW * 3)), ROOM)) == ["mail 1"]


def test_of_a_mail_for_two_there_is_one() -> None:
    both = [(mail(1, digest="same"), MAX_RAW), (mail(2, digest="same"), MAX_RAW)]
    assert [len(entries) for entries in Plan.of(queue(*both), None).mails.values()] == [2]


def test_where_one_is_left_out_others_have_their_chance() -> None:
    plan = Plan.of(queue(*sizes(300_000, 200_000, 100_000)), ROOM)
    assert digests(plan) == ["mail 1", "mail 3"]
    [first] = plan.mails["mail 1"]
    assert digests(plan.without_mails({1: first}, {"mail 1": 20_000})) == ["mail 2", "mail 3"]


def test_what_was_too_large_before_is_not_tried_again_while_there_is_no_more_room() -> None:
    waiting = queue((mail(1, cost=ROOM), 50_000), (mail(2), 100))
    assert digests(Plan.of(waiting, ROOM)) == ["mail 2"]
    assert digests(Plan.of(waiting, ROOM + SEAL)) == ["mail 1", "mail 2"]


def test_stubs_go_ahead_of_what_is_held_back_once_and_where_there_is_room() -> None:
    waiting = queue(
        (mail(1, cost=ROOM), 50_000),
        (mail(2, cost=ROOM, stub="it has gone"), 50_000),
        (mail(3, cost=ROOM), 50_000),
        (mail(4), 100),
    )
    plan = Plan.of(waiting, ROOM)
    assert plan.stubs is None
    assert list(plan.with_stubs(beside=0).stubs or {}) == ["mail 1", "mail 3"]
    assert list(plan.with_stubs(beside=ROOM - SEAL - 200).stubs or {}) == ["mail 1"]
    assert plan.with_stubs(beside=ROOM) is plan


def test_where_nothing_else_goes_stubs_do() -> None:
    waiting = Queue(Device(id=1), History([]), (), (), ((mail(1, cost=ROOM), 50_000),))
    assert list(Plan.of(waiting, ROOM).stubs or {}) == ["mail 1"]


def test_a_mail_whose_file_is_gone_has_no_stub_either() -> None:
    held = mail(1, cost=ROOM)
    waiting = Queue(Device(id=1), History([]), (), (), ((held, 50_000),))
    assert not Plan.of(waiting, ROOM).without_lost([held])


def test_what_is_too_much_for_the_format_is_halved_down_to_one_that_goes_as_a_file() -> None:
    plan: Plan | None = Plan.of(queue(*sizes(1, 2, 3, 4), requests=2), None)
    seen = []
    while plan is not None:
        seen.append((len(plan.requests), digests(plan), len(plan.as_attachment)))
        plan = plan.with_half()
    assert seen == [
        (2, ["mail 1", "mail 2", "mail 3", "mail 4"], 0),
        (1, ["mail 1", "mail 2", "mail 3", "mail 4"], 0),
        (0, ["mail 1", "mail 2", "mail 3", "mail 4"], 0),
        (0, ["mail 1", "mail 2"], 0),
        (0, ["mail 1"], 0),
        (0, ["mail 1"], 1),
    ]


def test_after_a_bundle_that_was_not_read_no_more_goes_than_is_allowed() -> None:
    waiting = queue((mail(1), 100), (mail(2, cost=ROOM), 50_000), requests=2, bisection_size=1)
    plan = Plan.of(waiting, ROOM)
    assert digests(plan) == ["mail 1"]
    assert (plan.notices, plan.requests, plan.with_stubs(beside=0).stubs) == ((), (), None)
