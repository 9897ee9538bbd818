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


LINES = st.sampled_from([b"a: b", b"a : b", b"x", b"", b" c", b"--q", b"boundary=q"])


@given(st.lists(LINES, max_size=12).map(b"\n".join))
def test_what_is_in_order_stays_as_it_is(raw: bytes) -> None:
    once = mended(raw)
    assert mended(once) == once
