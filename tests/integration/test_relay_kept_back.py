# SPDX-License-Identifier: Apache-2.0
"""What of a mail goes to a village, what stays at the relay, and how it comes when asked for."""

from __future__ import annotations

import datetime as dt
import os

import pytest
import sqlalchemy as sa

from mokanda_relay.mime.parse import parse
from mokanda_relay.operator import devices, housekeeping
from mokanda_relay.rendering import attachment_policy
from mokanda_relay.store import clock
from mokanda_relay.store.tables import Content, Incoming, Original
from mokanda_relay.sync import content_requests
from mokanda_wire import protocol
from mokanda_wire.bundle import ContentRequest, ContentRequestKind, Denial, Grant, Mail, Report
from mokanda_wire.compose import compose
from mokanda_wire.limits import KEPT
from mokanda_wire.message import Attachment, Mailbox, Message, digest_of
from tests.photos import SVG, bomb, opened, photo
from tests.relay_device import RefusedByRelay, RelayDevice
from tests.relay_served import BOTH_DATABASES, Served, eventually

pytest_plugins = ("tests.relay_fixtures",)

AMINA = "amina@kitenge.example"
BAKO = "bako@kitenge.example"
DOCUMENT = os.urandom(150_000)
NOTE = b"Mbote " * 100
PHOTO = photo()


@pytest.fixture
def device(served: Served) -> RelayDevice:
    return served.claimed_device()


def raw_mail(*files: bytes, message_id: str = "1@example.org", subject: str = "Files") -> bytes:
    parts = [
        Attachment(f"file-{place}", "application/octet-stream", digest_of(content), len(content))
        for place, content in enumerate(files)
    ]
    message = Message(
        message_id=message_id,
        date=clock.now().replace(microsecond=0),
        sender=Mailbox("ada@example.org"),
        to=(Mailbox(AMINA),),
        cc=(),
        subject=subject,
        text="Look",
        attachments=tuple(parts),
    )
    return compose(message, {digest_of(content): content for content in files})


def post(served: Served, raw: bytes, *to: str) -> None:
    """The world sends a mail; its photos are looked at before this returns."""
    assert served.world.post_inbound(raw, "ada@example.org", list(to or (AMINA,)))[0] == 200
    served.wait_until_prepared()


def attachments(device: RelayDevice) -> list[Attachment]:
    """The attachments of the last mail that the device got."""
    return list(device.mails[-1].message.attachments)


def ask(device: RelayDevice, *requests: ContentRequest) -> list[object]:
    """A session that tells requests; returns what was answered."""
    before = len(device.others)
    device.freeze(*requests)
    device.sync()
    return list(device.others[before:])


class TestLongText:
    def test_its_beginning_goes_and_the_whole_comes_when_asked_for(
        self, served: Served, device: RelayDevice
    ) -> None:
        text = "Mbote na bino banso awa.\n" * 100_000
        post(served, f"From: ada@example.org\nSubject: x\n\n{text}".encode())
        device.sync()
        message = device.mails[-1].message
        assert len(message.text) < 33_000
        assert message.text.startswith("Mbote na bino")
        (whole,) = message.attachments
        assert whole.held_back
        assert f"KB: {whole.name}]" in message.text
        ask(device, ContentRequest("file", whole.digest, "amina"))
        assert device.contents[whole.digest].decode() == text.strip("\n")


class TestPolicy:
    def test_a_photo_arrives_small_and_names_what_it_was(
        self, served: Served, device: RelayDevice
    ) -> None:
        post(served, raw_mail(PHOTO))
        device.sync()
        (part,) = attachments(device)
        assert (part.original, part.original_size) == (digest_of(PHOTO), len(PHOTO))
        assert len(device.contents[part.digest]) == part.size <= 25_000
        assert opened(device.contents[part.digest]).format == "JPEG"

    def test_a_large_file_is_held_back_and_a_small_one_goes(
        self, served: Served, device: RelayDevice
    ) -> None:
        post(served, raw_mail(DOCUMENT, NOTE))
        device.sync()
        large, small = attachments(device)
        assert large.held_back
        assert (large.original, large.original_size) == (digest_of(DOCUMENT), 150_000)
        assert not small.original
        assert device.contents == {small.digest: NOTE}

    def test_the_operator_says_how_large(self, served: Served, device: RelayDevice) -> None:
        limits = {"photo_side": 300, "photo_bytes": 6000, "file_bytes": 200_000}
        devices.set_limits(served.relay, "kitenge", **limits)
        post(served, raw_mail(DOCUMENT, PHOTO))
        device.sync()
        document, small = attachments(device)
        assert device.contents[document.digest] == DOCUMENT
        assert max(opened(device.contents[small.digest]).size) <= 300
        assert small.size <= 6000

    def test_phones_that_take_webp_get_it_and_until_then_jpeg(
        self, served: Served, device: RelayDevice
    ) -> None:
        post(served, raw_mail(PHOTO))
        device.freeze(Report({"webp": True}))
        device.sync()
        assert opened(device.contents[attachments(device)[0].digest]).format == "JPEG"
        post(served, raw_mail(photo(900, 700), message_id="2@example.org"))
        device.sync()
        assert opened(device.contents[attachments(device)[0].digest]).format == "WEBP"

    @pytest.mark.parametrize(
        "content",
        [SVG * 2000, b"\xff\xd8\xff" + os.urandom(120_000), PHOTO[:100_100], bomb()],
        ids=["svg", "broken", "cut", "bomb"],
    )
    def test_what_is_no_photo_never_keeps_its_mail(
        self, served: Served, device: RelayDevice, content: bytes
    ) -> None:
        post(served, raw_mail(content))
        device.sync()
        (part,) = attachments(device)
        if part.held_back:
            assert ask(device, ContentRequest("file", part.digest, "amina")) == [
                Grant(part.digest, len(content))
            ]
            assert device.contents[part.digest] == content
        assert device.mails[-1].message.text == "Look"

    def test_an_unknown_charset_never_keeps_its_mail(
        self, served: Served, device: RelayDevice
    ) -> None:
        head = b"From: a@example.org\r\nContent-Type: text/plain; charset=x-klingon\r\n\r\n"
        post(served, head + "Où?".encode())
        device.sync()
        assert device.mails[-1].message.text == "Où?"

    def test_a_mail_waits_for_its_photos_but_not_for_long(
        self, served: Served, device: RelayDevice, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("mokanda_relay.rendering.renditions.make_smaller", lambda *_: None)
        served.world.post_inbound(raw_mail(PHOTO), "ada@example.org", [AMINA])
        served.world.post_inbound(raw_mail(message_id="2@example.org"), "ada@example.org", [AMINA])
        device.sync()
        assert [len(mail.message.attachments) for mail in device.mails] == [0]
        monkeypatch.setattr(attachment_policy, "RENDITION_TIMEOUT", dt.timedelta(0))
        device.sync()
        assert attachments(device)[0].held_back


class TestContentRequests:
    @BOTH_DATABASES
    def test_the_original_of_a_photo_comes_when_asked_for(
        self, served: Served, device: RelayDevice
    ) -> None:
        post(served, raw_mail(PHOTO))
        device.sync()
        request = ContentRequest("file", attachments(device)[0].original, "amina")
        assert ask(device, request) == [Grant(digest_of(PHOTO), len(PHOTO))]
        assert device.contents[digest_of(PHOTO)] == PHOTO
        assert ask(device) == []

    def test_a_request_taken_back_in_time_is_not_granted(
        self, served: Served, device: RelayDevice
    ) -> None:
        post(served, raw_mail(DOCUMENT))
        device.sync()
        request = ContentRequest("file", digest_of(DOCUMENT), "amina")
        withdrawn = ContentRequest("file", digest_of(DOCUMENT), "amina", withdrawn=True)
        assert ask(device, request, withdrawn) == []

    def test_the_mail_as_it_came_is_had_by_its_ticket(
        self, served: Served, device: RelayDevice
    ) -> None:
        raw = raw_mail(DOCUMENT)
        post(served, raw)
        device.sync()
        ticket = device.mails[-1].ticket
        (grant,) = ask(device, ContentRequest("original", ticket, "amina"))
        assert isinstance(grant, Grant)
        assert grant.ticket == ticket
        assert parse(device.contents[grant.digest]) == parse(raw)

    @pytest.mark.parametrize("kind", ["file", "mail", "original"])
    def test_what_nobody_knows_is_denied(
        self, device: RelayDevice, kind: ContentRequestKind
    ) -> None:
        name = "ab" * 32 if kind == "file" else "abcdefgh"
        assert ask(device, ContentRequest(kind, name, "amina")) == [Denial(kind, name, "gone")]

    def test_a_village_gets_no_files_of_another(self, served: Served, device: RelayDevice) -> None:
        other = served.claimed_device("liputa")
        post(served, raw_mail(DOCUMENT))
        device.sync()
        request = ContentRequest("file", digest_of(DOCUMENT), "amina")
        assert ask(other, request) == [Denial("file", digest_of(DOCUMENT), "gone")]
        ticket = device.mails[-1].ticket
        assert ask(other, ContentRequest("original", ticket)) == [
            Denial("original", ticket, "gone")
        ]

    def test_what_no_board_could_take_is_denied(
        self, served: Served, device: RelayDevice, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(content_requests, "MAX_FILE", 1000)
        post(served, raw_mail(DOCUMENT))
        device.sync()
        request = ContentRequest("file", digest_of(DOCUMENT), "amina")
        assert ask(device, request) == [Denial("file", digest_of(DOCUMENT), "large")]

    @BOTH_DATABASES
    def test_after_thirty_days_it_is_gone(self, served: Served, device: RelayDevice) -> None:
        post(served, raw_mail(DOCUMENT, PHOTO))
        device.sync()
        device.sync()
        past = clock.now() - KEPT - dt.timedelta(days=1)
        with served.relay.database.transaction() as session:
            session.execute(sa.update(Incoming).values(delivered=past))
            session.execute(sa.update(Original).values(kept=past))
        housekeeping.Housekeeper(served.relay).tidy()
        with served.relay.database.reading() as session:
            assert session.scalars(sa.select(Content)).all() == []
        request = ContentRequest("file", digest_of(DOCUMENT), "amina")
        assert ask(device, request) == [Denial("file", digest_of(DOCUMENT), "gone")]

    def test_an_answer_that_was_lost_comes_again(self, served: Served, device: RelayDevice) -> None:
        post(served, raw_mail(DOCUMENT))
        device.sync()
        device.freeze(ContentRequest("file", digest_of(DOCUMENT), "amina"))
        reply = device.hello()
        receipt = device.upload(reply.up_offset)
        assert receipt.down is not None
        device.disconnect()
        with served.relay.database.transaction() as session:
            session.execute(sa.text("DELETE FROM history"))  # so the bundle is taken back
        device.sync()
        device.sync()
        assert device.contents[digest_of(DOCUMENT)] == DOCUMENT
        assert device.others == [Grant(digest_of(DOCUMENT), len(DOCUMENT))]

    def test_a_mail_whose_stub_went_ahead_is_asked_for(
        self, served: Served, device: RelayDevice
    ) -> None:
        post(served, raw_mail())
        with served.relay.database.transaction() as session:
            session.execute(sa.update(Incoming).values(stub="stub1"))
        assert ask(device, ContentRequest("mail", "stub1", "amina")) == []
        assert device.mails[-1].stub == "stub1"


class TestNothingGoesTwice:
    def test_a_file_that_the_device_holds_is_only_named(
        self, served: Served, device: RelayDevice
    ) -> None:
        for number in range(2):
            post(served, raw_mail(NOTE, PHOTO, message_id=f"{number}@example.org"))
            device.contents.clear()
            device.sync()
            device.sync()  # the next hello acknowledges
            assert len(attachments(device)) == 2
            assert len(device.contents) == (0 if number else 2)

    def test_a_file_that_came_when_asked_for_is_only_named_however_large(
        self, served: Served, device: RelayDevice
    ) -> None:
        post(served, raw_mail(DOCUMENT))
        device.sync()
        ask(device, ContentRequest("file", digest_of(DOCUMENT), "amina"))
        ask(device)
        post(served, raw_mail(DOCUMENT, message_id="2@example.org"), BAKO)
        device.contents.clear()
        device.sync()
        (part,) = attachments(device)
        assert (part.digest, part.original, device.contents) == (digest_of(DOCUMENT), "", {})

    def test_a_file_that_the_device_does_not_hold_after_all_is_given_and_not_named_again(
        self, served: Served, device: RelayDevice
    ) -> None:
        post(served, raw_mail(NOTE))
        device.sync()
        device.sync()
        assert ask(device, ContentRequest("file", digest_of(NOTE))) == [
            Grant(digest_of(NOTE), len(NOTE))
        ]

    def test_a_smaller_photo_that_the_device_does_not_hold_after_all_is_given(
        self, served: Served, device: RelayDevice
    ) -> None:
        post(served, raw_mail(PHOTO))
        device.sync()
        device.sync()
        small = attachments(device)[0].digest
        content = device.contents.pop(small)
        assert ask(device, ContentRequest("file", small)) == [Grant(small, len(content))]
        assert device.contents[small] == content

    def test_a_new_card_gets_everything(self, served: Served, device: RelayDevice) -> None:
        post(served, raw_mail(NOTE))
        device.sync()
        device.sync()
        claim = devices.renew(served.relay, "kitenge")
        here = claim._replace(relay=served.device_url)
        new = RelayDevice(here, served.folder / "another-card")
        served.devices.append(new)
        new.claim()
        new.freeze()
        new.sync()
        post(served, raw_mail(NOTE, message_id="2@example.org"))
        new.sync()
        assert new.contents == {digest_of(NOTE): NOTE}

    def forward(self, device: RelayDevice, part: Attachment) -> Mail:
        whole = Attachment("report.pdf", "application/pdf", part.original, part.original_size)
        return device.message("ada@example.org", "Have a look", attachments=(whole,))

    def test_a_file_held_back_is_passed_on_without_ever_coming_down(
        self, served: Served, device: RelayDevice
    ) -> None:
        post(served, raw_mail(DOCUMENT))
        device.sync()
        device.freeze(self.forward(device, attachments(device)[0]))
        device.sync()
        eventually(lambda: len(served.world.sent) == 1, "the mail is sent")
        with served.relay.database.reading() as session:
            kept = session.scalars(sa.select(Original.digest)).all()
        mails = [parse(served.relay.originals.read(each)) for each in kept]
        assert all(contents == {digest_of(DOCUMENT): DOCUMENT} for _, contents in mails)
        assert len(mails) == 2

    def test_a_file_sent_before_need_not_go_up_again(
        self, served: Served, device: RelayDevice
    ) -> None:
        part = Attachment("n.txt", "text/plain", digest_of(NOTE), len(NOTE))
        device.freeze(
            device.message("ada@example.org", "One", attachments=(part,)),
            contents={part.digest: NOTE},
        )
        device.sync()
        device.freeze(device.message("ada@example.org", "Two", attachments=(part,)))
        device.sync()
        eventually(lambda: len(served.world.sent) == 2, "both mails are sent")

    def test_a_file_that_the_relay_does_not_hold_has_to_come_along(
        self, served: Served, device: RelayDevice
    ) -> None:
        part = Attachment("n.txt", "text/plain", digest_of(NOTE), len(NOTE))
        mail = device.message("ada@example.org", "One", attachments=(part,))
        device.freeze(mail)
        with pytest.raises(RefusedByRelay) as refused:
            device.sync()
        assert refused.value.reason == protocol.CONTENT_UNKNOWN
        assert "n.txt" in str(refused.value)
        device.freeze(mail, contents={part.digest: NOTE})
        device.sync()
        eventually(lambda: len(served.world.sent) == 1, "the mail is sent")
