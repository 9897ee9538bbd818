# SPDX-License-Identifier: Apache-2.0
"""A HiLink stick's messages where the disk is full, the stick odd, a message beyond all bounds."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mokanda_firmware.modem import messages
from mokanda_firmware.modem.clock import SystemClock
from mokanda_firmware.modem.credit import Credit
from mokanda_firmware.modem.hilink import page
from mokanda_firmware.modem.hilink.inbox import Inbox
from mokanda_firmware.modem.hilink.page import Page
from mokanda_wire import durable
from tests.stand_ins.hilink import HiLink


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOKANDA_DATA", str(tmp_path))


class Later(SystemClock):
    """A clock that a test sets forward."""

    ahead = 0.0

    def now(self) -> float:
        return super().now() + self.ahead


@pytest.fixture
def stick(monkeypatch: pytest.MonkeyPatch) -> Iterator[HiLink]:
    hilink = HiLink()
    with hilink.served() as port:
        monkeypatch.setattr(page, "PORT", port)
        yield hilink


def look(times: int) -> None:
    """Have an inbox look at the stick so many times, as soon each time as it wants to."""
    clock = Later()
    inbox, real = Inbox(clock, Credit()), Page("lo", "127.0.0.1")
    for _ in range(times):
        clock.ahead += inbox.empty(real, ["Vodacom"])


def kept() -> list[str]:
    return [each.text for each in messages.read()]


def test_what_cannot_be_kept_stays_with_the_stick(
    stick: HiLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    stick.receive([("Bienvenue", "Vodacom")])
    with monkeypatch.context() as patch:
        patch.setattr(durable, "write", full)
        look(1)
    assert "POST sms/delete-sms" not in stick.asked
    look(1)
    assert kept() == ["Bienvenue"]
    assert "POST sms/delete-sms" in stick.asked


def test_the_cards_own_memory_is_read_too(stick: HiLink) -> None:
    stick.receive([("in the stick", "131")])
    stick.receive([("on the card", "131")], box="5")
    look(1)
    assert sorted(kept()) == ["in the stick", "on the card"]
    assert stick.boxes == {"1": {}, "5": {}}


def test_a_list_beyond_all_bounds_is_read_one_by_one(stick: HiLink) -> None:
    stick.receive([("€" * 5000 + str(number), "131") for number in range(6)])
    look(12)
    assert [len(each) for each in kept()] == [3200] * 6
    assert stick.boxes["1"] == {}


def test_messages_that_cannot_be_deleted_do_not_hide_the_others(stick: HiLink) -> None:
    stick.deletes = False
    stick.receive([(str(number), "131") for number in range(45)])
    look(4)
    assert sorted(map(int, kept())) == list(range(45))


@pytest.mark.parametrize(
    "date", ["", "0000-00-00 00:00:00", "1970-01-01 00:00:00", "9999-12-31 23:59:59", "x" * 1000]
)
def test_a_date_that_is_none_is_not_known(date: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = f"<Phone>131</Phone><Content>one</Content><Date>{date}</Date><Index>1</Index>"
    listing(monkeypatch, answer)
    look(1)
    assert [each.sent for each in messages.read()] == [None]


def test_a_report_of_another_message_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    listing(monkeypatch, "<Phone>131</Phone><Content/><SmsType>7</SmsType><Index>1</Index>")
    look(1)
    assert kept() == []


def listing(monkeypatch: pytest.MonkeyPatch, *rows: str) -> None:
    """Have each stick tell of one message, and list these."""

    def ask(self: Page, method: str, path: str, body: str | None = None) -> page.Document:  # noqa: ARG001
        inner = "".join(f"<Message>{row}</Message>" for row in rows)
        count = "<LocalInbox>1</LocalInbox>" if path == "sms/sms-count" else ""
        return page.parsed(f"<response>{count}<Messages>{inner}</Messages></response>".encode())

    monkeypatch.setattr(Page, "_ask", ask)


_ROW = st.lists(
    st.tuples(
        st.sampled_from(["Index", "Phone", "Content", "Date", "SmsType", "other"]),
        st.text(st.characters(exclude_characters="<&", exclude_categories=["Cs"]), max_size=50),
    ).map(lambda each: f"<{each[0]}>{each[1]}</{each[0]}>"),
    max_size=8,
).map("".join)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(_ROW, max_size=30))
def test_no_list_does_harm(rows: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        listing(patch, *rows)
        look(2)
    assert all(len(each) <= 3200 for each in kept())
    json.dumps([each.sender for each in messages.read()])
