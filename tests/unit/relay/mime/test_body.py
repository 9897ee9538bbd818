# SPDX-License-Identifier: Apache-2.0
"""What of a mail's parts is read, what is a file, and what nobody misses."""

import base64
import struct
import textwrap
from io import BytesIO

import pytest
from asn1crypto import cms
from PIL import Image

from mokanda_relay.mime.parse import parse
from mokanda_wire.message import ENCRYPTED, Message


def read(source: str) -> Message:
    """Read a mail from its indented source."""
    message, contents = parse(textwrap.dedent(source).lstrip("\n").encode())
    assert {each.digest for each in message.attachments} == set(contents)
    return message


def names(message: Message) -> list[str]:
    return [each.name for each in message.attachments]


@pytest.mark.parametrize(
    "head",
    [
        "Content-Type: text/plain; charset=utf-8; name=message.txt",
        "Content-Type: text/plain\nContent-Disposition: inline; filename=message.txt",
        "Content-Type: text",
        "Content-Type: plain; charset=utf-8",
        "Content-Type: text/markdown; charset=utf-8",
        "Content-Type: multipart/mixed",
        "X-Nothing: said",
        "Content-Type: text/plain charset=utf-8",
        "Content-Type: text / plain, charset=utf-8",
        "Content-Type: TEXT/PLAIN (a letter); charset=utf-8",
        "Content-Type: multipart/mixed; boundary=never",
        "Content-Type: text/plain\nContent-Disposition: attachment",
    ],
)
def test_a_text_is_read_whatever_it_is_called(head: str) -> None:
    message = read(f"{head}\n\nmarché")
    assert (message.text, message.attachments) == ("marché", ())


def test_what_is_attached_is_a_file() -> None:
    message = read("Content-Disposition: attachment; filename=a.txt\n\nmarché")
    assert (message.text, names(message)) == ("", ["a.txt"])


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ('<meta charset="iso-8859-2"><p>Dvo\xf8\xe1k', "Dvořák"),
        ("<meta content='text/html; charset=windows-1251'>\xf0\xfb\xed\xee\xea",
         "рынок"),
        ("<p>march\xe9", "marché"),
    ],
)  # fmt: skip
def test_a_page_may_say_its_charset_itself(page: str, text: str) -> None:
    raw = b"Content-Type: text/html\n\n" + page.encode("latin-1")
    assert parse(raw)[0].text == text


def test_a_page_without_words_has_none() -> None:
    assert read("Content-Type: text/html\n\n<html><body><br>&nbsp;</body></html>").text == ""


def test_a_page_without_tags_keeps_its_lines() -> None:
    assert read("Content-Type: text/html\n\nun &amp; deux\ntrois").text == "un & deux\ntrois"


def alternatives(plain: str, *others: str) -> Message:
    parts = [f"Content-Type: text/plain; charset=utf-8\n\n{plain}", *others]
    body = "".join(f"--q\n{part}\n" for part in parts)
    return parse(f"Content-Type: multipart/alternative; boundary=q\n\n{body}--q--\n".encode())[0]


@pytest.mark.parametrize(
    ("plain", "page", "text"),
    [
        ("Le marché est samedi.", "<p>Le <b>marché</b> est samedi.</p>", "Le marché est samedi."),
        ("Votre client ne lit pas le HTML.", "<p>Votre solde est de 3000 FC.</p>",
         "Votre solde est de 3000 FC."),
        ("", "<p>Samedi</p>", "Samedi"),
        ("Samedi", "<img src=cid:x>", "Samedi"),
        ("https://x.example/v", "<p>Samedi à <a href='https://x.example/v'>dix heures</a></p>",
         "Samedi à dix heures <https://x.example/v>"),
    ],
)  # fmt: skip
def test_the_plain_text_is_read_unless_it_is_an_excuse(plain: str, page: str, text: str) -> None:
    assert alternatives(plain, f"Content-Type: text/html\n\n{page}").text == text


EVENT = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20261205T090000Z\nEND:VEVENT\nEND:VCALENDAR"


@pytest.mark.parametrize(("plain", "times"), [("Ordre du jour", 1), ("Samedi à 10 heures", 0)])
def test_a_calendar_beside_a_text_without_a_time_says_when(plain: str, times: int) -> None:
    message = alternatives(plain, f"Content-Type: text/calendar\n\n{EVENT}")
    assert message.text.count("2026-12-05 09:00") == times
    assert message.text.endswith(plain)


def test_the_line_between_parts_is_found_where_the_head_names_another() -> None:
    part = "Content-Type: application/pdf; name=a.pdf\n\nx"
    for said in ("", "; boundary=another"):
        source = f"Content-Type: multipart/mixed{said}\n\n--q\nContent-Type: text/plain\n\nMbote\n"
        message = read(f"{source}--q\n{part}\n--q--\n")
        assert (message.text, names(message)) == ("Mbote", ["a.pdf"])


def test_a_file_within_the_text_is_a_file() -> None:
    message = read("X-Mailer: x\n\nVoici\nbegin 644 note.txt\n#86)C\n`\nend\nFin")
    assert (message.text.split(), names(message)) == (["Voici", "Fin"], ["note.txt"])
    assert message.attachments[0].size == 3


@pytest.mark.parametrize(
    ("block", "name", "content"),
    [
        (b"begin-base64 644 note.txt\naGVsbG8=\n====\n", "note.txt", b"hello"),
        (b"=ybegin line=128 size=5 name=photo 1.jpg\r\n\x92\x8f=\xd6\x96\x99\r\n=yend size=5\r\n",
         "photo 1.jpg", b"hello"),
    ],
)  # fmt: skip
def test_old_ways_to_write_a_file_into_a_text_are_known(
    block: bytes, name: str, content: bytes
) -> None:
    message, contents = parse(b"X-Mailer: x\n\nVoici\n" + block + b"Fin")
    assert (message.text, names(message)) == ("Voici\nFin", [name])
    assert list(contents.values()) == [content]


def test_a_calendar_beside_a_text_is_no_file_again() -> None:
    text = alternatives("Samedi a 10 h", f"Content-Type: text/calendar\n\n{EVENT}")
    assert text.attachments == ()
    inner = (
        "Content-Type: multipart/alternative; boundary=in\n\n--in\nContent-Type: text/plain\n\n"
        f"Samedi a 10 h\n--in\nContent-Type: text/calendar\n\n{EVENT}\n--in--\n"
    )
    message = mixed(inner, f"Content-Type: application/ics; name=invite.ics\n\n{EVENT}")
    assert (message.text, message.attachments) == ("Samedi a 10 h", ())


def test_rtf_is_text() -> None:
    assert read("Content-Type: text/rtf\n\n{\\rtf1\\ansi \\'e9t\\'e9}").text == "été"


def test_a_long_text_is_no_excuse() -> None:
    plain = " ".join(f"mot{n}" for n in range(100))
    assert alternatives(plain, "Content-Type: text/html\n\n<p>Voir le PDF").text == plain


@pytest.mark.parametrize("kind", ["text/calendar", "text/x-amp-html", "text/rtf"])
def test_renderings_for_other_programs_are_dropped(kind: str) -> None:
    message = alternatives("Samedi", f"Content-Type: {kind}\n\nBEGIN:VCALENDAR")
    assert (message.text, message.attachments) == ("Samedi", ())


def test_texts_between_files_are_all_read_in_their_order() -> None:
    message = read(
        """
        Content-Type: multipart/alternative; boundary=q

        --q
        Content-Type: text/plain

        Tala
        --q
        Content-Type: multipart/mixed; boundary=r

        --r
        Content-Type: text/html

        <p>Tala</p>
        --r
        Content-Type: application/pdf
        Content-Disposition: inline; filename=a.pdf

        x
        --r
        Content-Type: text/html

        <p>Nsima na fisi</p>
        --r--
        --q--
        """
    )
    assert (message.text, names(message)) == ("Tala\n\nNsima na fisi", ["a.pdf"])


def test_no_mark_is_left_where_a_file_stood() -> None:
    assert (
        read("Content-Type: text/plain; charset=utf-8\n\nAvant \ufffc après").text == "Avant  après"
    )


FORWARDED = """\
From: Jean <jean@example.net>
Subject: Invitation
Date: Fri, 27 Nov 2026 10:00:00 +0100
Content-Type: multipart/mixed; boundary=in

--in
Content-Type: text/plain; charset=utf-8

Le mariage est samedi.
--in
Content-Type: image/jpeg; name=photo.jpg

x
--in--
"""
UNFOLDED = """\
----------
From: Jean <jean@example.net>
Date: Fri, 27 Nov 2026 10:00:00 +0100
Subject: Invitation

Le mariage est samedi."""


def mixed(*parts: str, kind: str = "mixed") -> Message:
    body = "".join(f"--out\n{part}\n" for part in parts)
    return parse(f"Content-Type: multipart/{kind}; boundary=out\n\n{body}--out--\n".encode())[0]


def test_a_forwarded_mail_is_part_of_the_letter() -> None:
    message = mixed(
        "Content-Type: text/plain\n\nVoir",
        f'Content-Type: message/rfc822; name="a.eml"\n\n{FORWARDED}',
    )
    assert (message.text, names(message)) == (f"Voir\n\n{UNFOLDED}", ["photo.jpg"])


def test_a_forwarded_mail_may_be_encoded() -> None:
    encoded = base64.encodebytes(FORWARDED.encode()).decode()
    head = "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64"
    message = mixed(f"{head}\nContent-Disposition: attachment; filename=a.eml\n\n{encoded}")
    assert (message.text, names(message)) == (UNFOLDED, ["photo.jpg"])


def test_a_forwarded_mail_may_be_encoded_behind_its_head() -> None:
    inner = "From: jo@x.example\nSubject: Prix\n\nmarch=C3=A9"
    head = "Content-Type: message/rfc822\nContent-Transfer-Encoding: quoted-printable"
    message = mixed(f"{head}\n\n{inner}")
    assert message.text == "----------\nFrom: jo@x.example\nSubject: Prix\n\nmarché"


def test_a_digest_is_its_mails_one_after_the_other() -> None:
    message = mixed("\nSubject: one\n\nfirst", "\nSubject: two\n\nsecond", kind="digest")
    assert message.text.split("----------\n") == [
        "",
        "Subject: one\n\nfirst\n\n",
        "Subject: two\n\nsecond",
    ]


def test_mails_within_mails_end_as_a_file() -> None:
    raw = "Subject: innermost\n\nword"
    for _ in range(10):
        raw = f"Content-Type: message/rfc822\n\n{raw}"
    message, contents = parse(raw.encode())
    assert len(message.attachments) == 1
    assert any(b"innermost" in content for content in contents.values())


@pytest.mark.parametrize(
    ("said", "inner", "text"),
    [
        ("access-type=URL; size=20480; URL=\"https://x.example/a\n b.pdf\"", "; name=b.pdf",
         "b.pdf (20 KB) <https://x.example/ab.pdf>"),
        ("access-type=anon-ftp; site=ftp.x.example; directory=drafts; name=a.txt", "",
         "a.txt <ftp://ftp.x.example/drafts/a.txt>"),
        ("access-type=mail-server; server=\"m@x.example\"; subject=\"get a\"", "",
         "<mailto:m@x.example?subject=get%20a>"),
        ("access-type=local-file; name=\"/home/jo/a.txt\"", "", "a.txt"),
    ],
)  # fmt: skip
def test_a_file_that_is_elsewhere_is_named(said: str, inner: str, text: str) -> None:
    head = f"Content-Type: message/external-body; {said}"
    message = mixed(f"{head}\n\nContent-Type: application/pdf{inner}\n\n")
    assert (message.text, message.attachments) == (text, ())


def picture(width: int, height: int) -> str:
    data = BytesIO()
    Image.new("RGB", (width, height), "red").save(data, "PNG")
    return base64.encodebytes(data.getvalue()).decode()


def related(image: str, head: str = "Content-ID: <l1>") -> Message:
    page = "Content-Type: text/html\n\n<p>Bonjour<img src=cid:l1>"
    part = f"Content-Type: image/png; name=a.png\nContent-Transfer-Encoding: base64\n{head}"
    return mixed(page, *[f"{part}\n\n{image}"] * 3, kind="related")


def test_the_logos_of_a_signature_stay_behind() -> None:
    assert related(picture(200, 80)).attachments == ()


def test_a_photo_that_a_page_shows_is_a_file_once() -> None:
    assert names(related(picture(640, 480))) == ["a.png"]


def test_what_a_macintosh_keeps_beside_a_file_stays_behind() -> None:
    message = mixed(
        "Content-Type: application/applefile; name=photo.jpg\n\nx",
        "Content-Type: image/jpeg; name=photo.jpg\n\ny",
        "Content-Type: application/octet-stream; name=._photo.jpg\n\nz",
        kind="appledouble",
    )
    assert [(each.name, each.size) for each in message.attachments] == [("photo.jpg", 1)]


def test_how_a_phone_sets_its_message_stays_behind() -> None:
    message = mixed(
        "Content-Type: application/smil; name=a.smil\n\n<smil></smil>",
        "Content-Type: text/plain; name=text_0.txt\n\nTala",
        "Content-Type: image/jpeg; name=photo.jpg\n\nx",
        kind="related",
    )
    assert (message.text, names(message)) == ("Tala", ["photo.jpg"])


def test_a_card_without_a_name_is_a_file() -> None:
    message = mixed("Content-Type: text/vcard\n\nBEGIN:VCARD\nFN:Jo\nEND:VCARD")
    assert (message.text, names(message)) == ("", ["attachment-1.vcf"])


@pytest.mark.parametrize(
    "said",
    [
        "filename*=utf-8''%C3%A9t%C3%A9.pdf",
        "filename=\"_t_.pdf\"; filename*=utf-8''%C3%A9t%C3%A9.pdf",
        "filename*0*=utf-8''%C3%A9; filename*1*=t%C3%A9; filename*2=.pdf",
        'filename="%C3%A9t%C3%A9.pdf"',
        "filename=utf-8''%C3%A9t%C3%A9.pdf",
        "filename='été.pdf'",
        'filename="=?utf-8?q?=C3=A9t?=\n =?utf-8?q?=C3=A9=2Epdf?="',
        "filename*=utf-8''%3D%3Futf-8%3FQ%3F=C3=A9t=C3=A9%3F%3D.pdf",
    ],
)
def test_file_names_are_read_however_they_are_encoded(said: str) -> None:
    message = parse(f"Content-Disposition: attachment; {said}\n\nx".encode())[0]
    assert names(message) == ["été.pdf"]


@pytest.mark.parametrize(
    ("name", "read_as"),
    [
        (b"march\xc3\xa9.pdf", "marché.pdf"),
        (b"r\xe9sum\xe9.pdf", "résumé.pdf"),
        (b"C:\\Users\\x\\r\xe9sum\xe9.pdf", "résumé.pdf"),
        (b"=?utf-8?q?march=C3=A9?=.pdf", "marché.pdf"),
        ("Facture \u202efdp.exe".encode(), "Facture fdp.exe"),
    ],
)
def test_file_names_are_read_as_they_come(name: bytes, read_as: str) -> None:
    message, _ = parse(b'Content-Disposition: attachment; filename="' + name + b'"\n\nx')
    assert names(message) == [read_as]


def test_a_name_without_quotes_may_have_blanks() -> None:
    message, _ = parse(b"Content-Disposition: attachment; filename=facture n\xb0 3.pdf\n\nx")
    assert names(message) == ["facture n° 3.pdf"]


def test_raw_names_are_of_the_mails_charset() -> None:
    message, _ = parse(
        b"Content-Type: multipart/mixed; boundary=q\n\n"
        b"--q\nContent-Type: text/plain; charset=koi8-r\n\n\xcd\xc9\xd2\n"
        b"--q\nContent-Disposition: attachment; filename=\xcd\xc9\xd2.txt\n\nx\n--q--\n"
    )
    assert (message.text, names(message)) == ("мир", ["мир.txt"])


def tnef(*attributes: tuple[int, int, bytes]) -> str:
    """A winmail.dat of (level, attribute, data), in base64 (MS-OXTNEF, 2.1)."""
    data = struct.pack("<IH", 0x223E9F78, 1)
    for level, name, content in attributes:
        data += struct.pack("<BII", level, name, len(content)) + content
        data += struct.pack("<H", sum(content) & 0xFFFF)
    return base64.encodebytes(data).decode()


BODY, TITLE, DATA, RENDERING = 0x2800C, 0x18010, 0x6800F, 0x69002


def test_winmail_dat_is_the_files_in_it() -> None:
    wrapped = tnef(
        (1, BODY, b"Bonjour\0"),
        (2, RENDERING, bytes(14)),
        (2, TITLE, b"devis.txt\0"),
        (2, DATA, b"5000 FC"),
    )
    head = "Content-Type: application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: base64"
    message = mixed(f"{head}\n\n{wrapped}")
    assert (message.text, names(message)) == ("Bonjour", ["devis.txt"])
    assert message.attachments[0].media_type == "text/plain"


def test_an_accent_in_a_title_and_a_text_in_rtf_are_read() -> None:
    # "{\\rtf1 Samedi}", stored as it is (MS-OXRTFCP, 2.1.3.1.4).
    rtf = b"{\\rtf1 Samedi}"
    stored = struct.pack("<III", len(rtf) + 12, len(rtf), 0x414C454D) + bytes(4) + rtf
    properties = struct.pack("<IHHII", 1, 0x102, 0x1009, 1, len(stored)) + stored + bytes(3)
    wrapped = tnef(
        (1, 0x69003, properties),
        (2, RENDERING, bytes(14)),
        (2, TITLE, b"\xe9tude.pdf\0"),
        (2, DATA, b"x"),
    )
    head = "Content-Type: application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: base64"
    message = mixed(f"{head}\n\n{wrapped}")
    assert (message.text, names(message)) == ("Samedi", ["étude.pdf"])


@pytest.mark.parametrize("count", [0x7FFFFFFF, 0x20000])
def test_a_winmail_dat_that_promises_much_takes_no_time(count: int) -> None:
    many = struct.pack("<I", count) + struct.pack("<HHI", 0x1003, 0x1234, count)
    wrapped = tnef((1, 0x69003, many), (1, BODY, b"Bonjour\0"))
    head = "Content-Type: application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: base64"
    mixed(f"{head}\n\n{wrapped}")


def test_a_broken_winmail_dat_is_a_file() -> None:
    message = mixed("Content-Type: application/ms-tnef; name=winmail.dat\n\nnone")
    assert names(message) == ["winmail.dat"]


def secured(data: bytes) -> Message:
    encoded = base64.encodebytes(data).decode()
    head = "Content-Type: application/pkcs7-mime; name=smime.p7m\nContent-Transfer-Encoding: base64"
    return parse(f"{head}\n\n{encoded}".encode())[0]


def test_what_is_only_signed_can_be_read() -> None:
    signed = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [],
            "encap_content_info": {
                "content_type": "data",
                "content": b"Content-Type: text/plain; charset=utf-8\r\n\r\nmarch\xc3\xa9",
            },
            "signer_infos": [],
        }
    )
    info = cms.ContentInfo({"content_type": "signed_data", "content": signed})
    message = secured(info.dump())
    assert (message.text, message.note) == ("marché", "")


def test_of_a_text_that_is_signed_in_itself_the_text_is_read() -> None:
    message = read(
        """
        X-Mailer: x

        -----BEGIN PGP SIGNED MESSAGE-----
        Hash: SHA256

        Mbote
        - -- Marie
        -----BEGIN PGP SIGNATURE-----

        iQEz
        -----END PGP SIGNATURE-----
        """
    )
    assert message.text == "Mbote\n-- Marie"


@pytest.mark.parametrize(
    "source",
    [
        "Content-Type: application/pkcs7-mime; smime-type=enveloped-data\n\nMIIB",
        "Content-Type: multipart/encrypted; boundary=q\n\n--q\n\nx\n--q--\n",
        "X-Mailer: x\n\n-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----\n",
    ],
)
def test_an_encrypted_mail_says_so(source: str) -> None:
    message = read(source)
    assert message.note == ENCRYPTED
    assert message.words == ""
    assert "encrypted" in message.text


def test_nothing_in_a_header_turns_what_stands_beside_it() -> None:
    message = read(
        "From: \u202eelpmaxe@neidrag <evil@example.org>\nSubject: Facture \u202efdp.exe\n\nx"
    )
    assert message.sender.name == "elpmaxe@neidrag"
    assert message.subject == "Facture fdp.exe"


def test_a_thread_is_found_by_encoded_ids() -> None:
    message = read(
        "Message-ID: =?utf-8?q?=3Cabc=40b=2Eexample=3E?=\n"
        "References: =?utf-8?q?=3Cone=40b=2Eexample=3E?=\n"
        " =?utf-8?q?_=3Ctwo=40b=2Eexample=3E?=\n\nx"
    )
    assert message.message_id == "abc@b.example"
    assert message.references == ("one@b.example", "two@b.example")
