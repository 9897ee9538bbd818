# SPDX-License-Identifier: Apache-2.0
from datetime import UTC, datetime

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mokanda_wire import protocol
from mokanda_wire.protocol import Hello, HelloReply, HistoryTip, ProtocolError, Sealed

HELLO = Hello(
    device="kimpese",
    counter=7,
    now=datetime(2026, 3, 1, 2, 10, tzinfo=UTC),
    version="0.1.0",
    applied_down=3,
    up=Sealed(4, 1200, b"\x01" * 32),
    history=HistoryTip(99, b"\x02" * 16),
)


def test_a_body_reads_as_it_was_written() -> None:
    assert protocol.load(Hello, protocol.dump(HELLO)) == HELLO


def test_what_is_absent_stays_absent() -> None:
    reply = HelloReply(7, HELLO.now, 3, 0, None, "t", True)
    assert protocol.load(HelloReply, protocol.dump(reply)) == reply


def test_a_field_that_the_reader_does_not_know_is_skipped() -> None:
    hello = HELLO._replace(card=b"12345678", move=0, noted=1)
    fields = [*cbor2.loads(protocol.dump(hello)), "red"]
    assert protocol.load(Hello, cbor2.dumps(fields)) == hello


def test_the_first_format_takes_no_byte() -> None:
    assert len(cbor2.loads(protocol.dump(HELLO))) == 7


def test_a_field_that_the_writer_does_not_know_is_absent() -> None:
    reply = HelloReply(7, HELLO.now, 3, 0, None, "t", True)
    fields = cbor2.loads(protocol.dump(reply))
    assert len(fields) == 7
    assert protocol.load(HelloReply, cbor2.dumps(fields)).more is None


@pytest.mark.parametrize(
    ("index", "value", "field"),
    [
        (1, "7", "counter"),
        (1, True, "counter"),
        (1, -1, "counter"),
        (1, 2**63, "counter"),
        (2, 2**62, "now"),
        (2, int(datetime(9999, 12, 31, 23, 30, tzinfo=UTC).timestamp()), "now"),
        (2, -(2**35), "now"),
        (2, "today", "now"),
        (5, 5, "up"),
        (5, [1], "up"),
        (6, None, "history"),
        (0, b"kimpese", "device"),
    ],
)
def test_a_field_of_a_wrong_type_is_refused(index: int, value: object, field: str) -> None:
    fields = cbor2.loads(protocol.dump(HELLO))
    fields[index] = value
    with pytest.raises(ProtocolError, match=field):
        protocol.load(Hello, cbor2.dumps(fields))


def test_a_missing_field_is_refused() -> None:
    with pytest.raises(ProtocolError, match="missing"):
        protocol.load(Hello, cbor2.dumps(["kimpese"]))


def test_a_tag_tells_who_knows_the_secret() -> None:
    data = protocol.authenticate(b"message", b"secret", b"hello")
    assert protocol.authentic(data, b"secret", b"hello") == b"message"
    for wrong in (
        (data, b"other", b"hello"),
        (data, b"secret", b"reply"),
        (data[:-1], b"secret", b"hello"),
        (b"M" + data[1:], b"secret", b"hello"),
        (b"", b"secret", b"hello"),
    ):
        with pytest.raises(ProtocolError):
            protocol.authentic(*wrong)


@pytest.mark.parametrize(
    ("text", "held"),
    [("3-1200", (3, 1200)), ("0-0", (0, 0)), ("", (0, 0)), ("3", (0, 0)), ("-1-2", (0, 0))],
)
def test_what_a_device_holds_stands_in_the_query(text: str, held: tuple[int, int]) -> None:
    assert protocol.held(text) == held


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        protocol.load(Hello, data)


def test_bytes_behind_the_body_are_refused() -> None:
    with pytest.raises(ProtocolError):
        protocol.load(Hello, protocol.dump(HELLO) + b"\0")


def test_deeply_nested_cbor_is_refused() -> None:
    with pytest.raises(ProtocolError):
        protocol.load(Hello, b"\x81" * 60_000)
