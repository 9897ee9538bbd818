# SPDX-License-Identifier: Apache-2.0
"""Raw mails in which a parser would take a header for the text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mokanda_relay.mime.mending import mended
from mokanda_relay.mime.parse import parse

MAIL = b"From: jo@x.example\nSubject: mbote\n\nCode : 12\n-- \nTel : 34\n"


@pytest.mark.parametrize(
    "raw",
    [
        MAIL,
        MAIL.replace(b"\n", b"\r\n"),
        MAIL.replace(b"\n", b"\r"),
        MAIL.replace(b"\n", b"\r\r\n"),
        b"X-Mailer :Old Program\n" + MAIL,
        b"X-Mailer\t: Old Program\n" + MAIL,
        b"From jo@x.example Sun Mar  1 04:00:00 2026\n" + MAIL,
        b">From jo@x.example Sun Mar  1 04:00:00 2026\n" + MAIL,
        b"HTTP/1.1 200 OK\n" + MAIL,
        b"\r\n" + MAIL,
        b"\xef\xbb\xbf" + MAIL,
        MAIL.replace(b"From:", b"From :"),
        b"X-Long: one\ntwo without a blank before it\n" + MAIL,
    ],
)
def test_headers_stay_headers_and_the_text_the_text(raw: bytes) -> None:
    message, _ = parse(raw)
    assert (message.sender.address, message.subject) == ("jo@x.example", "mbote")
    assert message.text.startswith("Code : 12\n-- \nTel : 34")


def test_the_headers_of_parts_and_of_forwarded_mails_are_put_in_order() -> None:
    inner = b"X-Mailer :Old\nFrom: awa@x.example\nSubject: inner\n\nmalamu\n"
    raw = (
        b"From: jo@x.example\nContent-Type: multipart/mixed; boundary=q\n\n"
        b"--q\nX-Part :1\nContent-Type: text/plain\n\n-- \nTel : 34\n"
        b"--q\nContent-Type: message/rfc822\n\n" + inner + b"--q--\n"
    )
    message, _ = parse(raw)
    assert "Tel : 34" in message.text
    assert "From: awa@x.example\nSubject: inner\n\nmalamu" in message.text


HTML = b"MIME-Version: 1.0\r\nContent-type: text/html; charset=utf-8\r\n"


@pytest.mark.parametrize(
    "raw",
    [
        # PHP's mail(): a line break too many, all of them doubled, the headers twice.
        b"\n" + HTML + b"From: Service <s@x.example>\r\nX-Mailer: PHP/8\r\n\r\n",
        b"\n" + HTML.replace(b"\r\n", b"\n\n") + b"From: Service <s@x.example>\n\n",
        HTML + b"\r\n" + HTML + b"\r\n",
        b"Content-Type: text/plain; charset=us-ascii\n\n" + HTML + b"\n",
    ],
)
def test_headers_that_a_script_wrote_into_the_text_belong_to_the_head(raw: bytes) -> None:
    head = b"From: www@x.example\nSubject: Code\n"
    message, _ = parse(head + raw + "<p>Votre <b>clé</b>&nbsp;: 12</p>".encode())
    assert (message.sender.address, message.subject) == ("www@x.example", "Code")
    assert message.text == "Votre *clé* : 12"


@pytest.mark.parametrize(
    "said", ["MIME-Version: 1.0\nContent-Type: multipart/mixed;boundary=q\n", ""]
)
def test_parts_that_no_head_names_are_parts(said: str) -> None:
    parts = (
        "--q\nContent-Type: text/plain\n\nVoici\n--q\nContent-Type: image/png; name=a.png\n\nx\n"
    )
    message, _ = parse(f"From: www@x.example\n\n{said}\n{parts}--q--\n".encode())
    assert (message.text, [each.name for each in message.attachments]) == ("Voici", ["a.png"])


@pytest.mark.parametrize(
    "text", ["From: moi\nSubject: essai\n\nMbote", "Content-Type: est-ce ceci?"]
)
def test_words_that_look_like_headers_stay_in_the_text(text: str) -> None:
    assert parse(f"From: jo@x.example\n\n{text}".encode())[0].text == text


def test_parts_of_one_boundary_within_each_other_lose_no_file() -> None:
    inner = (
        "Content-Type: multipart/alternative; boundary=q\n\n--q\nContent-Type: text/plain\n\nVoici"
    )
    last = "Content-Type: image/png; name=a.png\n\nx"
    raw = (
        f"Content-Type: multipart/mixed; boundary=q\n\n--q\n{inner}\n--q--\n\n--q\n{last}\n--q--\n"
    )
    message, _ = parse(raw.encode())
    assert (message.text, [each.name for each in message.attachments]) == ("Voici", ["a.png"])


def test_a_part_without_headers_keeps_its_first_line() -> None:
    raw = b"Content-Type: multipart/mixed; boundary=q\n\n--q\nVoici le prix\nsel: 500\n--q--\n"
    assert parse(raw)[0].text == "Voici le prix\nsel: 500"


LINES = st.sampled_from([b"a: b", b"a : b", b"x", b"", b" c", b"--q", b"boundary=q"])


@given(st.lists(LINES, max_size=12).map(b"\n".join))
def test_what_is_in_order_stays_as_it_is(raw: bytes) -> None:
    once = mended(raw)
    assert mended(once) == once
