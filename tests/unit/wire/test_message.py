# SPDX-License-Identifier: Apache-2.0
import dataclasses
import textwrap
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mokanda_wire.message import (
    Attachment,
    Mailbox,
    Message,
    compose,
    decode_text,
    digest_of,
    html_to_text,
    parse,
    safe_file_name,
)


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


def test_an_html_twin_stands_beside_its_text() -> None:
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
    assert (message.text, message.html) == ("Mbote", "<b>Mbote</b>")


def test_text_is_made_of_html_that_comes_alone() -> None:
    message, _ = parse(
        mail("""
        Content-Type: text/html; charset=utf-8

        <html><head><title>no</title><style>p {}</style></head><body><p>Mbote &amp; merci</p>
        <ul><li>one<li>two</ul><a href="https://example.org/x">here</a></body></html>
        """)
    )
    assert message.text == "Mbote & merci\n\n- one\n- two\nhere <https://example.org/x>"
    assert "<p>Mbote" in message.html


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
    assert message.html == "<p>Mbote</p>\n<pre>-- &lt;the list&gt;</pre>"


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


def test_inline_images_keep_the_name_that_the_html_uses() -> None:
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


def test_a_forwarded_mail_is_attached_whole() -> None:
    message, contents = parse(
        mail("""
        Content-Type: multipart/mixed; boundary=x

        --x
        Content-Type: message/rfc822

        Subject: inner

        inner text
        --x--
        """)
    )
    [inner] = message.attachments
    assert inner.media_type == "message/rfc822"
    assert parse(contents[inner.digest])[0].text == "inner text"


@pytest.mark.parametrize(
    ("charset", "data", "text"),
    [
        ("utf-8", "é".encode(), "é"),
        ("utf-8", b"\xe9", "é"),  # it lies
        ("us-ascii", "é".encode(), "é"),
        ("iso-8859-1", b"\x93quoted\x94", "“quoted”"),  # means windows-1252
        ("gb2312", "漢字".encode("gb18030"), "漢字"),
        ("x-unknown", b"\xe9", "é"),
        ("x-unknown", "é".encode(), "é"),
        ("utf-16", "é".encode("utf-16"), "é"),
        ("unicode_escape", b"\\x41", "\\x41"),
        ("base64", b"QUJD", "QUJD"),
        ("\0", b"abc", "abc"),
        (None, b"abc\0", "abc\ufffd"),
        ("utf-8", b"a\r\nb\rc", "a\nb\nc"),
    ],
)
def test_text_is_decoded_by_its_charset_or_a_guess(
    charset: str | None, data: bytes, text: str
) -> None:
    assert decode_text(data, charset) == text


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


def test_a_mail_without_an_id_or_a_date_gets_them() -> None:
    arrived = datetime(2026, 3, 1, tzinfo=UTC)
    first, _ = parse(b"\r\none", arrived)
    again, _ = parse(b"\r\none", arrived)
    other, _ = parse(b"\r\ntwo", arrived)
    assert first.date == arrived
    assert first.message_id == again.message_id != other.message_id


def test_a_name_of_a_file_is_harmless() -> None:
    assert safe_file_name("..\\..\\/etc/passwd\0") == "passwd_"
    assert safe_file_name("a" * 500 + ".jpeg") == "a" * 100 + ".jpeg"
    assert safe_file_name("...") == ""


def test_links_that_say_where_they_lead_are_not_repeated() -> None:
    assert html_to_text('<a href="https://example.org/">example.org</a>') == "example.org"
    assert html_to_text('<a href="javascript:x()">here</a>') == "here"


LETTER = Message(
    message_id="1@kimpese.example.org",
    date=datetime(2026, 3, 1, 2, 10, tzinfo=UTC),
    sender=Mailbox("amina@kimpese.example.org", "Amina “the quick” Mbé"),
    to=(Mailbox("jean@example.com", 'Jean, the "elder"'),),
    cc=(Mailbox("x@example.com"),),
    subject="Ça va? " * 20,
    text="Mbote\n\nFrom here.\n.\n" + "é" * 2000,
    html="<p>Mbote</p>",
    reply_to=(Mailbox("y@example.com"),),
    in_reply_to="0@" + "x" * 200,
    references=("a@b", "0@" + "x" * 200),
    attachments=(Attachment("été.jpg", "image/jpeg", digest_of(b"\0\1"), 2),),
)


def test_what_is_composed_reads_as_it_was() -> None:
    message, contents = parse(compose(LETTER, {digest_of(b"\0\1"): b"\0\1"}))
    assert message == dataclasses.replace(LETTER, subject=LETTER.subject.strip())
    assert contents == {digest_of(b"\0\1"): b"\0\1"}


def test_composed_lines_end_in_crlf_and_are_not_too_long() -> None:
    raw = compose(LETTER, {digest_of(b"\0\1"): b"\0\1"})
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 998


def test_no_field_can_add_a_header() -> None:
    bad = "x\r\nBcc: all@example.org"
    letter = dataclasses.replace(
        LETTER, attachments=(), subject=bad, message_id=bad, in_reply_to=bad, references=(bad,)
    )
    assert b"\nbcc:" not in compose(letter, {}).lower()


def test_no_name_or_address_can_add_a_header() -> None:
    box = Mailbox("x@y\r\nBcc: a@b", "x\r\nBcc: a@b")
    file = Attachment("x\r\nBcc: a@b", "text/plain\r\nBcc: a@b", digest_of(b""), 0, "x\r\nBcc: a")
    letter = dataclasses.replace(LETTER, sender=box, to=(box,), attachments=(file,))
    assert b"\nbcc:" not in compose(letter, {digest_of(b""): b""}).lower()


@given(st.binary(max_size=400))
@settings(deadline=None)
def test_any_bytes_are_read_and_can_be_composed_again(raw: bytes) -> None:
    message, contents = parse(raw)
    assert parse(compose(message, contents))[0].subject == message.subject


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
