# SPDX-License-Identifier: Apache-2.0
"""What is kept of the last calls; that each call ends up there is in tests/scenarios."""

import json
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mokanda_firmware import paths, relaytime
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.modem import calls
from mokanda_firmware.modem.calls import KEPT, CallRecord, CallUnderWay

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def now(self) -> float:
        return self.seconds

    def wait(self, descriptors: Collection[int], seconds: float | None) -> set[int]:
        raise NotImplementedError


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOKANDA_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("MOKANDA_RUN", str(tmp_path / "run"))


def test_a_call_is_kept_as_it_was() -> None:
    lost = CallRecord(NOON, 90, 2_000, 8_000, "internet", Sentence("The modem lost {n}.", n="it"))
    done = CallRecord(None, 60)
    calls.keep(lost)
    calls.keep(done)
    assert calls.last() == (done, lost)


def test_the_last_ten_calls_are_kept() -> None:
    for number in range(KEPT + 5):
        calls.keep(CallRecord(None, number))
    assert [call.seconds for call in calls.last()] == list(range(KEPT + 4, 4, -1))


def test_calls_that_say_much_find_room_too() -> None:
    for number in range(KEPT):
        calls.keep(CallRecord(None, number, trouble=Sentence("{why}", why="\ufffd" * 4000)))
    kept = [call.seconds for call in calls.last()]
    assert kept[0] == KEPT - 1
    assert len(kept) > 1


def test_a_call_that_nobody_could_end_is_known_of_at_the_next_start() -> None:
    done, under_way = CallRecord(NOON, 60), CallRecord(NOON, 90, 2_000, 8_000, "internet")
    calls.keep(done)
    calls.note(CallRecord(NOON, 30))
    calls.note(under_way)
    assert calls.last() == (done,)
    for _ in range(2):
        calls.end_noted()
        assert calls.last() == (under_way._replace(trouble=calls.STOPPED), done)


def test_a_call_that_is_kept_is_under_way_no_longer() -> None:
    calls.note(CallRecord(NOON, 30))
    calls.keep(CallRecord(NOON, 60))
    calls.end_noted()
    assert calls.last() == (CallRecord(NOON, 60),)


@pytest.mark.parametrize("content", ["", "[]", '{"calls": [7]}', '{"calls": [{"seconds": "x"}]}'])
def test_what_cannot_be_read_is_begun_anew(content: str) -> None:
    paths.calls().parent.mkdir()
    paths.calls().write_text(content)
    assert calls.last() == ()
    calls.end_noted()
    calls.keep(CallRecord(None, 5))
    assert len(calls.last()) == 1


@pytest.mark.parametrize(
    "damage",
    [
        *({"seconds": -5}, {"seconds": 10**30}, {"up": -1}, {"down": 10**30}),
        {"started": "0001-01-01T00:00:00"},
    ],
)
def test_a_call_that_cannot_have_been_is_none(damage: dict[str, object]) -> None:
    whole = {"started": None, "seconds": 5}
    damaged = whole | damage
    content = {"calls": [damaged, whole], "begun": damaged}
    paths.calls().parent.mkdir()
    paths.calls().write_text(json.dumps(content))
    calls.end_noted()
    assert calls.last() == (CallRecord(None, 5),)


def test_a_card_that_cannot_be_written_stops_no_call(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file, where the folder would be")
    calls.keep(CallRecord(None, 5))
    assert calls.last() == ()


def test_a_call_has_started_by_the_relays_time_although_it_is_told_during_the_call() -> None:
    clock = Clock()
    call = CallUnderWay(clock)
    clock.seconds += 60
    relaytime.remember(NOON)
    call.ends(None)
    clock.seconds += 5  # until its modem has hung up
    call.over("internet", (10, 20))
    [kept] = calls.last()
    assert kept.started is not None
    assert abs(kept.started - (NOON - timedelta(seconds=65))) < timedelta(seconds=30)
    assert (kept.seconds, kept.up, kept.down, kept.apn) == (60, 10, 20, "internet")


def test_without_the_relays_time_a_call_has_none() -> None:
    call = CallUnderWay(Clock())
    call.over("", (0, 0))
    assert calls.last() == (CallRecord(None, 0),)


def test_only_the_first_end_of_a_call_counts() -> None:
    call = CallUnderWay(Clock())
    why = Sentence("The modem lost the connection.")
    call.ends(why)
    call.ends(None)
    call.over("", (0, 0))
    assert calls.last()[0].trouble == why
