# SPDX-License-Identifier: Apache-2.0
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mokanda_wire import history
from mokanda_wire.history import START, WINDOW, History, HistoryError, Record, Row, applied


def log_of(*records: Record, rows: Iterable[Row] = ()) -> list[Row]:
    rows = list(rows)
    for record in records:
        rows = applied(rows, History(rows).append(record.dump()))
    return rows


def test_two_ends_that_append_the_same_bundles_agree() -> None:
    device, relay = (History(log_of(Record(b"one", ()), Record(b"two", ()))) for _ in range(2))
    assert device.tip == relay.tip
    assert device.generation(relay.tip).primer == b"onetwo"


def test_logs_that_differ_are_told_apart() -> None:
    device = History(log_of(Record(b"one", ()), Record(b"two", ())))
    relay = History(log_of(Record(b"two", ()), Record(b"one", ())))
    assert not relay.holds(device.tip)
    with pytest.raises(HistoryError):
        relay.generation(device.tip)


def test_an_end_that_is_behind_still_finds_its_primer() -> None:
    rows = log_of(Record(b"one", (("a@x", "alias@x"),)))
    before = History(rows).tip
    later = History(log_of(Record(b"two", (("b@x", "b@x"),)), rows=rows))
    assert later.holds(before)
    generation = later.generation(before)
    assert generation.primer == b"one"
    assert later.number_of("a@x", generation) == 0
    assert later.number_of("b@x", generation) is None
    assert later.number_of("b@x", later.generation(later.tip)) == 1
    assert later.message_id_of(1) == "b@x"


def test_a_mail_is_known_by_its_alias_even_after_a_restart() -> None:
    rows = log_of(Record(b"one", (("a@x", "alias@x"),)))
    rows = applied(rows, History(rows).restart())
    log = History(rows)
    assert log.tip == START
    assert log.number_of("a@x", log.generation(START)) is None
    assert log.own_of("alias@x") == "a@x"
    assert log.alias_of("a@x") == "alias@x"
    assert log.own_of("other@x") == "other@x"
    assert log.alias_of("other@x") is None


def test_after_a_restart_the_log_grows_anew() -> None:
    rows = log_of(Record(b"one", (("a@x", "a@x"),)))
    rows = applied(rows, History(rows).restart())
    rows = log_of(Record(b"two", (("b@x", "b@x"),)), rows=rows)
    log = History(rows)
    assert log.tip == History(log_of(Record(b"two", (("b@x", "b@x"),)))).tip
    assert log.generation(log.tip).primer == b"two"
    assert log.message_id_of(0) == "b@x"


def test_a_log_that_started_over_does_not_hold_one_that_did_not() -> None:
    grown = History(log_of(Record(b"one", ())))
    assert not grown.holds(START)
    assert not History().holds(grown.tip)
    assert History().holds(START)


@given(st.lists(st.integers(0, 2 * WINDOW), max_size=8))
def test_the_store_stays_bounded_and_the_window_whole(sizes: list[int]) -> None:
    records = [Record(bytes([index]) * size, ()) for index, size in enumerate(sizes)]
    rows = log_of(*records)
    log = History(rows)
    whole = b"".join(record.text for record in records)
    assert log.generation(log.tip).primer == whole[-WINDOW:]
    assert sum(len(row.data) for row in rows) < history.KEPT + WINDOW + 1000


def test_message_ids_are_kept_up_to_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MESSAGE_IDS", 10)
    rows = log_of(*(Record(b"x", ((f"{n}@x", f"{n}@x"),)) for n in range(40)))
    log = History(rows)
    assert sum(row.kind == history.IDS for row in rows) == 10
    assert log.message_id_of(39) == "39@x"
    generation = log.generation(log.tip)
    assert log.number_of("35@x", generation) == 35
    assert log.number_of("34@x", generation) is None


def test_a_damaged_row_is_named() -> None:
    row = log_of(Record(b"one", ()))[0]
    with pytest.raises(HistoryError, match="damaged"):
        History([Row(row.kind, row.position, row.data[:-1])])
