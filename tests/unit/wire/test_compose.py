# SPDX-License-Identifier: Apache-2.0
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mokanda_relay.mime.parse import parse, read_composed
from mokanda_wire.compose import compose
from mokanda_wire.message import Attachment, Mailbox, Message, digest_of

LETTER = Message(
    message_id="1@kimpese.example.org",
    date=datetime(2026, 3, 1, 2, 10, tzinfo=UTC),
    sender=Mailbox("amina@kimpese.example.org", "Amina “the quick” Mbé"),
    to=(Mailbox("jean@example.com", 'Jean, the "elder"'),),
    cc=(Mailbox("x@example.com"),),
    subject="Ça va? " * 20,
    text="Mbote\n\nFrom here.\n.\n" + "é" * 2000,
    reply_to=(Mailbox("y@example.com"),),
    in_reply_to="0@" + "x" * 200,
    references=("a@b", "0@" + "x" * 200),
    attachments=(Attachment("été.jpg", "image/jpeg", digest_of(b"\0\1"), 2),),
)


def test_what_is_composed_reads_as_it_was() -> None:
    message, contents = parse(compose(LETTER, {digest_of(b"\0\1"): b"\0\1"}))
    assert message == LETTER._replace(subject=LETTER.subject.strip())
    assert contents == {digest_of(b"\0\1"): b"\0\1"}


@pytest.mark.parametrize(
    "text",
    [
        "<html> is how a page begins",
        "https://u12.ct.sendgrid.net/ls/click?upn=" + "x" * 300,
        "-----BEGIN PGP MESSAGE-----\n\nis a line",
        "un\u200b mot \ufffc caché",
        "a line that ends in a blank \nand goes on",
    ],
)
def test_a_villagers_words_go_as_they_were_written(text: str) -> None:
    letter = LETTER._replace(text=text)
    message, _ = read_composed(compose(letter, {digest_of(b"\0\1"): b"\0\1"}))
    assert message.text == text
    assert message.attachments == LETTER.attachments


def test_what_a_villager_names_keeps_its_name() -> None:
    file = Attachment("'%C3%A9.pdf'", "application/pdf", digest_of(b""), 0)
    letter = LETTER._replace(subject="R&amp;D", attachments=(file,))
    message, _ = read_composed(compose(letter, {digest_of(b""): b""}))
    assert (message.subject, message.attachments) == ("R&amp;D", (file,))


def test_composed_lines_end_in_crlf_and_are_not_too_long() -> None:
    raw = compose(LETTER, {digest_of(b"\0\1"): b"\0\1"})
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 998


def test_no_field_can_add_a_header() -> None:
    bad = "x\r\nBcc: all@example.org"
    letter = LETTER._replace(
        attachments=(), subject=bad, message_id=bad, in_reply_to=bad, references=(bad,)
    )
    assert b"\nbcc:" not in compose(letter, {}).lower()


def test_no_name_or_address_can_add_a_header() -> None:
    box = Mailbox("x@y\r\nBcc: a@b", "x\r\nBcc: a@b")
    file = Attachment("x\r\nBcc: a@b", "text/plain\r\nBcc: a@b", digest_of(b""), 0, "x\r\nBcc: a")
    letter = LETTER._replace(sender=box, to=(box,), attachments=(file,))
    assert b"\nbcc:" not in compose(letter, {digest_of(b""): b""}).lower()


@given(st.binary(max_size=400))
@settings(deadline=None)
def test_any_bytes_are_read_and_can_be_composed_again(raw: bytes) -> None:
    message, contents = parse(raw)
    assert parse(compose(message, contents))[0].subject == message.subject
