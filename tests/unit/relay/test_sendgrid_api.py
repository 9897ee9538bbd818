# SPDX-License-Identifier: Apache-2.0
"""A mail as SendGrid's JSON: the API takes whatever a village writes."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mokanda_relay.mime.parse import parse
from mokanda_relay.transport.sendgrid.mail_json import request_body
from mokanda_wire.message import Attachment, Mailbox, Message, digest_of
from tests.stand_ins.sendgrid_rules import find_errors

NOON = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)


def message(**changed: object) -> Message:
    usual: dict[str, object] = {
        "message_id": "1@kitenge.example",
        "date": NOON,
        "sender": Mailbox("amina@kitenge.example", "Amina"),
        "to": (Mailbox("ada@example.org"),),
        "cc": (),
        "subject": "Mbote",
        "text": "Hello",
    }
    return Message(**(usual | changed))  # type: ignore[arg-type]


addresses = st.from_regex(r"[A-Za-z]{1,8}@[a-z]{1,8}\.example", fullmatch=True)
people = st.lists(st.builds(Mailbox, addresses, st.text(max_size=20)), max_size=5).map(tuple)


@given(
    recipients=st.lists(addresses, min_size=1, max_size=8),
    to=people,
    cc=people,
    reply_to=people,
    subject=st.text(max_size=30),
    text=st.text(max_size=50),
    html=st.text(max_size=50),
    in_reply_to=st.text(max_size=20),
    references=st.lists(st.text(max_size=20), max_size=3).map(tuple),
)
def test_nothing_that_is_written_is_refused(recipients: list[str], **written: object) -> None:
    body = request_body("id", recipients, message(**written), {})
    assert find_errors(body) == []


@given(recipients=st.lists(addresses, min_size=1, max_size=8), to=people, cc=people)
def test_every_recipient_gets_it_and_nobody_else(
    recipients: list[str], to: tuple[Mailbox, ...], cc: tuple[Mailbox, ...]
) -> None:
    body = request_body("id", recipients, message(to=to, cc=cc), {})
    sent = [
        each["email"].lower()
        for block in body["personalizations"]
        for field in ("to", "cc", "bcc")
        for each in block.get(field, ())
    ]
    assert sorted(sent) == sorted({each.lower() for each in recipients})


@pytest.mark.parametrize("content", [b"", b"one", bytes(1000)])
def test_attachments_of_any_size_are_taken(content: bytes) -> None:
    attachment = Attachment("a.bin", "application/octet-stream", digest_of(content), len(content))
    body = request_body(
        "id",
        ["ada@example.org"],
        message(attachments=(attachment,)),
        {attachment.digest: content},
    )
    assert find_errors(body) == []


def test_a_mail_that_was_parsed_is_taken() -> None:
    raw = (
        b"From: Amina <amina@kitenge.example>\r\nTo: ada@example.org\r\n"
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHello\r\n"
        b"--b\r\nContent-Type: image/jpeg; name=x\r\nContent-ID: <x>\r\n\r\n\xff\r\n--b--\r\n"
    )
    parsed, contents = parse(raw)
    assert find_errors(request_body("id", ["ada@example.org"], parsed, contents)) == []


def test_the_thread_that_it_answers_travels_along() -> None:
    body = request_body(
        "id",
        ["ada@example.org"],
        message(in_reply_to="2@example.org", references=("1@example.org", "2@example.org")),
        {},
    )
    assert body["headers"] == {
        "Message-ID": "<1@kitenge.example>",
        "In-Reply-To": "<2@example.org>",
        "References": "<1@example.org> <2@example.org>",
    }


def test_a_note_of_absence_says_what_it_is() -> None:
    body = request_body("id", ["ada@example.org"], message(automatic=True), {})
    assert body["headers"]["Auto-Submitted"] == "auto-replied"


def test_answers_may_be_wanted_elsewhere() -> None:
    one, two = Mailbox("a@example.org"), Mailbox("b@example.org")
    recipients = ["ada@example.org"]
    assert "reply_to" in request_body("id", recipients, message(reply_to=(one,)), {})
    assert "reply_to_list" in request_body("id", recipients, message(reply_to=(one, two)), {})


def test_readers_are_not_watched() -> None:
    body = request_body("id", ["ada@example.org"], message(), {})
    assert not any(each["enable"] for each in body["tracking_settings"].values())
