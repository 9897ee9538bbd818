# SPDX-License-Identifier: Apache-2.0
"""HiLink's API against whatever may answer in its place; how it goes well is in tests/scenarios."""

import socket
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mokanda_firmware.modem.backend import Facts, UssdError
from mokanda_firmware.modem.balance import MAX_TEXT
from mokanda_firmware.modem.hilink import page, stick
from mokanda_firmware.modem.hilink.page import (
    Document,
    NoPageError,
    Page,
    PageError,
    RefusedError,
    StrangerError,
    Value,
    parsed,
)
from mokanda_firmware.modem.hilink.ussd import Questions
from tests.stand_ins.hilink import HiLink


@contextmanager
def answering(monkeypatch: pytest.MonkeyPatch, raw: bytes, *, every: float = 0) -> Iterator[Page]:
    """Serve one connection with these bytes, all at once or one after the other for ever."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                connection, _ = server.accept()
                with connection:
                    connection.recv(10_000)
                    connection.sendall(raw)
                    while every and not ended.wait(every):
                        connection.sendall(b"x")

        # A test that fails before it connects must not wait for it.
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        monkeypatch.setattr(page, "PORT", server.getsockname()[1])
        yield Page("lo", "127.0.0.1")
        ended.set()
        thread.join()


def test_a_document_is_taken_apart() -> None:
    told = parsed(b"<response>\r\n<A>1</A><B/><C><D>2</D></C>\xff</response>")
    assert told == Document("response", {"A": "1"}, [{}])


def test_a_list_is_taken_apart_by_its_rows() -> None:
    row = "<Message><Index>1</Index><Content>a\x0f&lt;b\nc </Content></Message>"
    told = parsed(f"<response><Count>2</Count><Messages>{2 * row}</Messages></response>".encode())
    assert told.rows == 2 * [{"Index": "1", "Content": "a<b\nc"}]


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"\0\0",
        b"<html><p>",
        b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        b"<!DOCTYPE html><html/>",
        b"<a>&b;</a>",
        b"<a>" * 50,
        b"<a>" + b"<b/>" * 1000 + b"</a>",
    ],
)
def test_what_is_no_document_is_a_strangers(document: bytes) -> None:
    with pytest.raises(StrangerError):
        parsed(document)


@given(st.binary(max_size=300))
def test_no_bytes_do_harm(document: bytes) -> None:
    with suppress(StrangerError):
        parsed(document)


@given(st.dictionaries(st.sampled_from(["ConnectionStatus", "SignalIcon", "maxsignal"]), st.text()))
def test_no_status_does_harm(status: dict[str, str]) -> None:
    class Told(Page):
        def get(self, path: str) -> dict[str, str]:  # noqa: ARG002
            return status

    with suppress(StrangerError):
        found = stick.look(Told("lo", ""), Facts(), roaming=False)
        assert found.facts.signal is None or 0 <= found.facts.signal <= 100


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 1000,
        b"HTTP/1.0 200 OK\r\n\r\n" + b"<a>" * 100_000,
        b"HTTP/1.0 404 Not Found\r\n\r\n<response/>",
    ],
)
def test_no_answer_does_harm(monkeypatch: pytest.MonkeyPatch, raw: bytes) -> None:
    with (
        answering(monkeypatch, raw) as strange,
        strange.visit(),
        pytest.raises(PageError),
    ):
        strange.get("monitoring/status")


def test_one_that_drips_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        answering(monkeypatch, b"HTTP/1.0 200 OK\r\n\r\n<response>", every=0.02) as dripping,
        dripping.visit(0.3),
        pytest.raises(PageError, match=r"too long|timed out"),
    ):
        dripping.get("monitoring/status")


def test_where_nobody_serves_pages_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "PORT", 1)
    nobody = Page("lo", "127.0.0.1")
    with nobody.visit(), pytest.raises(NoPageError):
        nobody.get("monitoring/status")


def test_an_interface_that_is_gone_says_nothing() -> None:
    gone = Page("enxgone", "127.0.0.1")
    with gone.visit(), pytest.raises(PageError):
        gone.get("monitoring/status")


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: _answer(text).encode()))
def test_no_answer_of_the_network_does_harm(document: bytes) -> None:
    class Told(Page):
        def post(self, path: str, fields: Mapping[str, Value]) -> Document:  # noqa: ARG002
            return Document("response")

        def get(self, path: str) -> dict[str, str]:
            if path == "ussd/release":
                raise PageError("none")
            return parsed(document).fields

    with suppress(UssdError):
        answer = Questions(Hasty()).ask(Told("lo", ""), "*100#", leave=True)
        assert 0 < len(answer.text) <= MAX_TEXT
        assert all(each == "\n" or each.isprintable() for each in answer.text)


def _answer(text: str) -> str:
    return f"<response><content>{escape(text)}</content></response>"


class Hasty:
    """A clock of which each wait takes its whole time, and none of ours."""

    def __init__(self) -> None:
        self._now = 0.0

    def now(self) -> float:
        return self._now

    def wait(self, _: Collection[int], seconds: float | None) -> set[int]:
        self._now += seconds or 0
        return set()


def test_a_code_that_may_have_gone_out_is_not_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        answering(monkeypatch, b"") as silent,
        pytest.raises(UssdError, match="does not answer"),
    ):
        Questions(Hasty()).ask(silent, "12345678", leave=False)


def test_a_token_serves_once(monkeypatch: pytest.MonkeyPatch) -> None:
    hilink = HiLink()
    with hilink.served() as port:
        monkeypatch.setattr(page, "PORT", port)
        real = Page("lo", "127.0.0.1")
        with real.visit():
            real.post("dialup/dial", {"Action": "1"})
            real.post("dialup/dial", {"Action": "0"})
            with pytest.raises(RefusedError) as refused:
                real.post("none/such", {})
    assert refused.value.code == 100002
    assert hilink.asked.count("POST dialup/dial") == 2
