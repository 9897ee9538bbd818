# SPDX-License-Identifier: Apache-2.0
import textwrap
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mokanda_relay.mime.parse import parse
from mokanda_wire.compose import compose
from mokanda_wire.message import Mailbox, Message


def mail(text: str) -> bytes:
    """A mail from its indented source."""
    return textwrap.dedent(text).lstrip("\n").replace("\n", "\r\n").encode("latin-1")


SIMPLE = mail("""
    From: =?utf-8?q?Jean_Mb=C3=A9?= <Jean@Example.com>
    To: Amina <amina@kimpese.example.org>, "Bako, the elder" <bako@kimpese.example.org>
    Cc: undisclosed-recipients:;
    Subject: =?iso-8859-1?q?La_r=E9colte?=
    Date: Sun, 1 Mar 2026 03:10:00 +0100
    Message-ID: <1@example.com>
    In-Reply-To: <0@kimpese.example.org>
    References: <a@b>  <0@kimpese.example.org>
    Content-Type: text/plain; charset=iso-8859-1
    Content-Transfer-Encoding: quoted-printable

    Bonjour Amina, =E7a va=3F
    """)


def test_a_simple_mail_is_read() -> None:
    message, contents = parse(SIMPLE)
    assert message == Message(
        message_id="1@example.com",
        date=datetime(2026, 3, 1, 2, 10, tzinfo=UTC),
        sender=Mailbox("Jean@example.com", "Jean Mbé"),
        to=(
            Mailbox("amina@kimpese.example.org", "Amina"),
            Mailbox("bako@kimpese.example.org", "Bako, the elder"),
        ),
        cc=(),
        subject="La récolte",
        text="Bonjour Amina, ça va?",
        in_reply_to="0@kimpese.example.org",
        references=("a@b", "0@kimpese.example.org"),
    )
    assert contents == {}


def test_attachments_are_named_by_their_hash() -> None:
    message, contents = parse(
        mail("""
        Content-Type: multipart/mixed; boundary=x

        --x
        Content-Type: text/plain

        See the file.
        --x
        Content-Type: image/jpeg; name="=?utf-8?q?=C3=A9t=C3=A9=2Ejpg?="
        Content-Disposition: attachment
        Content-Transfer-Encoding: base64

        AAECAw==
        --x
        Content-Type: application/pdf
        Content-Disposition: attachment; filename*=utf-8''..%2F%C3%A9t%C3%A9.pdf

        %PDF
        --x--
        """)
    )
    photo, paper = message.attachments
    assert message.text == "See the file."
    assert (photo.name, photo.media_type, photo.size) == ("été.jpg", "image/jpeg", 4)
    assert contents[photo.digest] == bytes([0, 1, 2, 3])
    assert paper.name == "été.pdf"


def test_of_a_text_and_its_html_twin_the_text_is_read() -> None:
    message, _ = parse(
        mail("""
        Content-Type: multipart/alternative; boundary=x

        --x
        Content-Type: text/plain

        Mbote
        --x
        Content-Type: text/html

        <b>Mbote</b>
        --x--
        """)
    )
    assert (message.text, message.html) == ("Mbote", "")


def test_text_is_made_of_html_that_comes_alone() -> None:
    message, _ = parse(
        mail("""
        Content-Type: text/html; charset=utf-8

        <html><head><title>no</title><style>p {}</style></head><body><p>Mbote &amp; merci</p>
        <ul><li>one<li>two</ul><a href="https://example.org/x">here</a></body></html>
        """)
    )
    assert message.text == "Mbote & merci\n\n- one\n- two\nhere <https://example.org/x>"


def test_a_footer_behind_html_loses_neither() -> None:
    message, _ = parse(
        mail("""
        Content-Type: multipart/mixed; boundary=x

        --x
        Content-Type: text/html

        <p>Mbote</p>
        --x
        Content-Type: text/plain

        -- <the list>
        --x--
        """)
    )
    assert message.text == "Mbote\n\n-- <the list>"


@pytest.mark.parametrize(
    ("head", "automatic"),
    [
        ("Subject: x", False),
        ("Auto-Submitted: no", False),
        ("Auto-Submitted: auto-replied", True),
        ("List-Id: <x.example.org>", True),
        ("Precedence: bulk", True),
        ("Return-Path: <>", True),
        ("Return-Path: <awa@example.org>", False),
        ("X-Auto-Response-Suppress: All", True),
        ("Content-Type: multipart/report; boundary=x", True),
    ],
)
def test_a_mail_of_a_robot_is_known(head: str, automatic: bool) -> None:
    message, contents = parse(f"{head}\n\nx".encode())
    assert message.automatic == automatic
    assert parse(compose(message, contents))[0].automatic == automatic


def test_inline_photos_are_files() -> None:
    message, _ = parse(
        mail("""
        Content-Type: multipart/related; boundary=x

        --x
        Content-Type: text/html

        <img src="cid:photo@x">
        --x
        Content-Type: image/png
        Content-ID: <photo@x>
        Content-Transfer-Encoding: base64

        AAAA
        --x--
        """)
    )
    [image] = message.attachments
    assert (image.content_id, image.name) == ("photo@x", "attachment-1.png")


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        (b"", ""),
        (b"no headers at all", ""),
        (b"\0\xff\xfe", ""),
        (b"Content-Type: multipart/mixed\r\n\r\nno boundary", "no boundary"),
        (b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--y\r\n\r\nlost", ""),
        (b"Content-Type: text/plain; charset=klingon\r\n\r\ntlhIngan", "tlhIngan"),
        (b"Content-Transfer-Encoding: base64\r\n\r\n!!!not base64!!!", "!!!not base64!!!"),
        (b"Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin", "begin"),
        (b"Content-Type: text/plain; charset*=a'b\r\n\r\nx", "x"),
        (b"Subject: =?utf-8?b?!!?=\r\n\r\nx", "x"),
        (b"Subject: =?x?q?=FF?= =?utf-8?b?//8=?=\r\n\r\nx", "x"),
        (b"From: <<<>>>\r\nTo: ,,,;;;\r\nDate: yesterday\r\n\r\nx", "x"),
        (b"From: \xff\xfe <\xe9@\xe9>\r\n\r\nx", "x"),
        (b"Date: Fri, 99 Foo 99999 99:99:99 +9999\r\n\r\nx", "x"),
        (b"Date: 1 Jan 0001 00:00:00 +1400\r\n\r\nx", "x"),
        (b'Content-Disposition: attachment; filename*0*="\r\n\r\nx', ""),
        (b"From: " + b"(" * 5000 + b"\r\n\r\nx", "x"),
        (b"To: " + b"a@b.cd, " * 5000 + b"\r\n\r\nx", "x"),
    ],
)
def test_a_broken_mail_is_read_as_well_as_can_be(raw: bytes, kept: str) -> None:
    message, contents = parse(raw)
    assert kept in message.text
    assert {each.digest for each in message.attachments} == set(contents)
    assert parse(compose(message, contents))[0].text == message.text


def test_parts_nested_without_end_are_kept_whole() -> None:
    raw = b""
    for depth in range(500):
        raw += b"Content-Type: multipart/mixed; boundary=%d\r\n\r\n--%d\r\n" % (depth, depth)
    message, contents = parse(raw + b"\r\nfound")
    assert any(b"found" in content for content in contents.values()) or "found" in message.text


def test_a_mail_that_cannot_be_taken_apart_is_attached_whole() -> None:
    raw = b"Subject: deep\r\nFrom: ada@example.org\r\n"
    for depth in range(3000):
        raw += b"Content-Type: multipart/mixed; boundary=%d\r\n\r\n--%d\r\n" % (depth, depth)
    message, contents = parse(raw)
    assert message.subject == "deep"
    assert contents[message.attachments[0].digest]


def test_a_subject_that_a_script_escaped_for_a_page_is_read() -> None:
    assert parse(b"Subject: R&eacute;union &amp; prix\n\nx")[0].subject == "Réunion & prix"


def test_an_id_without_brackets_is_one() -> None:
    message, _ = parse(b"Message-ID: 1@x.example\nIn-Reply-To: Your letter of today\n\nx")
    assert (message.message_id, message.in_reply_to) == ("1@x.example", "")


@pytest.mark.parametrize(
    ("date", "read"),
    [
        ("Sun, 1 Mar 2026 03:10:00 +01:00", "2026-03-01 02:10"),
        ("Sun, 1 Mar 2026 03:10:00 GMT+0100", "2026-03-01 02:10"),
        ("Sun, 1 Mar 126 03:10:00 +0100", "2026-03-02 00:00"),  # when it came
    ],
)
def test_dates_are_read_as_programs_write_them(date: str, read: str) -> None:
    message, _ = parse(f"Date: {date}\n\nx".encode(), datetime(2026, 3, 2, tzinfo=UTC))
    assert f"{message.date:%Y-%m-%d %H:%M}" == read


def test_a_date_at_the_end_of_time_is_none() -> None:
    arrived = datetime(2026, 3, 1, tzinfo=UTC)
    message, _ = parse(b"Date: Fri, 31 Dec 9999 23:30:00 +0000\n\nx", arrived)
    assert message.date == arrived


def test_a_mail_without_an_id_or_a_date_gets_them() -> None:
    arrived = datetime(2026, 3, 1, tzinfo=UTC)
    first, _ = parse(b"\r\none", arrived)
    again, _ = parse(b"\r\none", arrived)
    other, _ = parse(b"\r\ntwo", arrived)
    assert first.date == arrived
    assert first.message_id == again.message_id != other.message_id


OTHER_LINES = """\
Content-Type: multipart/mixed; boundary=x
Content-Type: multipart/alternative; boundary=y
Content-Type: multipart/related; boundary=x
Content-Type: message/rfc822
Content-Type: message/delivery-status
Content-Type: text/html; charset=utf-16
Content-Transfer-Encoding: base64
Content-Disposition: attachment; filename=x
Subject: =?utf-8?b?4pi6?= =?x?=
--x
--x--
--y
--y--

 continued
<p>\xff<a href=x>
"""
LINES = st.sampled_from(
    [line + b"\r\n" for line in SIMPLE.split(b"\r\n") + OTHER_LINES.encode("latin-1").split(b"\n")]
)


@given(st.lists(LINES, max_size=30).map(b"".join))
@settings(deadline=None, max_examples=300)
def test_any_mixture_of_a_mails_lines_is_read(raw: bytes) -> None:
    message, contents = parse(raw)
    assert {each.digest for each in message.attachments} == set(contents)
    compose(message, contents)


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ("<mailto:liste@lists.example.org>", "liste@lists.example.org"),
        (
            "<https://x.example/post>, <MAILTO:Liste@Lists.Example.org?subject=x>",
            "Liste@lists.example.org",
        ),
        ("mailto:liste%2Ba@lists.example.org (to all)", "liste+a@lists.example.org"),
        ("NO (an announcement)", ""),
        ("<mailto:nobody>", ""),
        ("", ""),
    ],
)
def test_where_answers_to_a_list_go(header: str, address: str) -> None:
    assert (
        parse(f"From: a@example.org\nList-Post: {header}\n\nMbote".encode())[0].list_post == address
    )
