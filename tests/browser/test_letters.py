# SPDX-License-Identifier: Apache-2.0
"""What villagers do on their phones, in a real browser without JavaScript."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Dialog

from mokanda_firmware.mailbox.sync import outgoing
from mokanda_firmware.mailbox.sync.down import apply_down
from mokanda_wire.bundle import Mail
from mokanda_wire.message import Attachment, Mailbox, Message
from tests.browser.conftest import DOMAIN, PASSWORD, Phones, Webmail
from tests.unit.mailbox.letters import bundle_down

pytestmark = pytest.mark.browser


def test_two_villagers_register_and_write_to_each_other(phones: Phones) -> None:
    awa, ben = phones(), phones(dark=True)
    awa.open()
    awa.shoot("new-device")
    awa.register("awa", "Awa Mboyo")
    ben.register("ben", "Ben Ilunga")
    awa.press("Write")
    awa.shoot("write")
    awa.fill(to="ben", subject="Le marché", text="Samedi?")
    awa.press("Send")
    assert "has been delivered" in awa.page.inner_text(".note")
    ben.open("/inbox")
    assert ben.subjects() == ["unread: Le marché"]
    ben.shoot("inbox")
    ben.page.click(".letters a")
    assert ben.page.inner_text(".text") == "Samedi?"
    ben.shoot("letter")
    ben.press("Reply")
    ben.page.locator("[name=text]").press_sequentially("Oui.")
    ben.press("Send")
    awa.open("/inbox")
    assert awa.subjects() == ["unread: Re: Le marché"]


def test_a_letter_to_the_world_waits_in_the_outbox(phones: Phones, webmail: Webmail) -> None:
    awa = phones()
    awa.register("awa")
    awa.write("marie@example.org", "Merci", "Pour les photos.")
    awa.press("Send")
    assert awa.page.url.endswith("/outbox?note=waiting")
    assert awa.subjects() == ["Merci"]
    awa.shoot("outbox")
    assert [one.recipients for one in outgoing.waiting(webmail.store, 10_000)] == [
        ("marie@example.org",)
    ]


def test_a_photo_goes_up_and_comes_down_again(phones: Phones, tmp_path: Path) -> None:
    photo = tmp_path / "mariage été.jpg"
    photo.write_bytes(b"\xff\xd8" + bytes(range(256)) * 1000)
    awa = phones()
    awa.register("awa")
    awa.write("awa", "Photo", "Voici.")
    awa.page.set_input_files("[name=files]", photo)
    awa.press("Keep as draft")
    assert "mariage été.jpg" in awa.page.inner_text(".attachments")
    awa.press("Send")
    awa.open("/inbox")
    awa.page.click(".letters a")
    awa.shoot("letter")
    with awa.page.expect_download() as download:
        awa.press("mariage été.jpg")
    assert download.value.suggested_filename == "mariage été.jpg"
    assert Path(download.value.path()).read_bytes() == photo.read_bytes()


def test_a_picture_is_shown_when_asked_for(phones: Phones, tmp_path: Path) -> None:
    photo = tmp_path / "école.png"
    Image.radial_gradient("L").resize((800, 600)).save(photo)
    awa = phones()
    awa.register("awa")
    awa.write(
        "awa", "Photo", "*Voici* la maison:\n- la _cour_\n- la porte\n> Comment va la maison?"
    )
    awa.page.set_input_files("[name=files]", photo)
    awa.press("Send")
    awa.open("/inbox")
    awa.page.click(".letters a")
    assert awa.page.locator("img").count() == 0
    awa.press("Show the pictures")
    box = awa.page.locator("img").bounding_box()
    assert box is not None
    assert 100 < box["width"] <= 360
    awa.shoot("pictures")
    assert awa.page.inner_text(".text b") == "Voici"


def test_a_video_that_is_too_large_leaves_the_text(phones: Phones, tmp_path: Path) -> None:
    video = tmp_path / "video.mp4"
    video.write_bytes(bytes(40_000_000))
    awa = phones()
    awa.register("awa")
    awa.write("awa", "Film", "Regarde!")
    awa.page.set_input_files("[name=files]", video)
    awa.press("Send")
    assert "The files are too large" in awa.page.inner_text(".problem")
    assert awa.page.input_value("[name=text]") == "Regarde!"
    awa.shoot("too-large")
    awa.press("Send")
    awa.open("/inbox")
    assert awa.subjects() == ["unread: Film"]


def test_a_form_from_elsewhere_is_not_taken(phones: Phones, webmail: Webmail) -> None:
    awa = phones(javascript=True)
    awa.register("awa")
    awa.page.set_content(
        f"<form method=post action='{webmail.url}/write'><input name=to value=awa>"
        "<input name=send value=1><button>Win a phone</button></form>"
    )
    awa.press("Win a phone")
    awa.page.wait_for_url("**/write")
    awa.open("/inbox")
    assert awa.subjects() == []


def test_a_session_that_ended_costs_no_words(phones: Phones, webmail: Webmail) -> None:
    awa = phones()
    awa.register("awa")
    awa.write("awa", "Longue lettre", "Chère Awa,\n\nvoici une longue histoire.")
    with webmail.store.transaction() as connection:
        connection.execute("DELETE FROM session")
    awa.press("Send")
    awa.shoot("log-in-again")
    awa.fill(name="awa", password=PASSWORD)
    awa.press("Log in")
    assert awa.page.input_value("[name=text]") == "Chère Awa,\n\nvoici une longue histoire."
    awa.press("Send")
    assert awa.page.url.endswith("/sent?note=delivered")


HOSTILE = "<script>document.title='owned'</script><img src=//evil.example/x onerror=alert(1)>"


def test_a_hostile_letter_does_nothing_even_with_javascript(
    phones: Phones, webmail: Webmail
) -> None:
    awa = phones(javascript=True)
    awa.register("awa")
    asked: list[str] = []
    alerts: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        alerts.append(dialog.message)
        dialog.dismiss()

    awa.page.on("request", lambda request: asked.append(request.url))
    awa.page.on("dialog", dismiss)
    letter = Message(
        message_id="1@evil.example",
        date=datetime(2026, 3, 1, tzinfo=UTC),
        sender=Mailbox("x@evil.example", f'"{HOSTILE}'),
        to=(Mailbox(f"awa@{DOMAIN}"),),
        cc=(),
        subject=f'"></title>{HOSTILE}',
        text=f"</div></textarea>{HOSTILE}",
        html=HOSTILE,
        attachments=(Attachment(f"{HOSTILE}.html", "text/html", "0" * 64, 5),),
    )
    apply_down(webmail.store, bundle_down(1, Mail((f"awa@{DOMAIN}",), letter)))
    awa.open("/inbox")
    awa.shoot("inbox")
    awa.page.click(".letters a")
    assert HOSTILE in awa.page.inner_text(".text")
    awa.shoot("letter")
    awa.press("Reply")
    awa.shoot("reply")
    assert alerts == []
    assert awa.page.title() != "owned"
    assert [url for url in asked if not url.startswith((webmail.url, "data:"))] == []


def test_a_deleted_letter_comes_back_and_a_lost_one_is_found(phones: Phones) -> None:
    awa = phones()
    awa.register("awa")
    awa.write("awa", "Réunion", "Les parents viennent jeudi.")
    awa.press("Send")
    awa.open("/inbox")
    awa.page.click(".letters a")
    awa.press("Delete")
    assert awa.subjects() == []
    awa.shoot("undo")
    awa.press("Undo")
    assert awa.subjects() == ["Réunion"]
    awa.open("/search")
    awa.fill(q="reunion parents")
    awa.press("Search")
    assert awa.page.locator("mark").all_inner_texts()[:1] == ["parents"]
    awa.shoot("found")


def test_a_letter_is_taken_back_from_the_outbox(phones: Phones) -> None:
    awa = phones()
    awa.register("awa")
    awa.write("marie@example.org", "Trop vite", "Attends.")
    awa.press("Send")
    awa.page.click(".letters a")
    awa.shoot("waiting")
    awa.press("Take it back")
    assert awa.page.input_value("[name=to]") == "marie@example.org"
    awa.open("/outbox")
    assert awa.subjects() == []


def test_a_newsletter_is_left_and_its_writer_blocked(phones: Phones, webmail: Webmail) -> None:
    awa = phones()
    awa.register("awa")
    message = Message(
        message_id="1@shop.example.net",
        date=datetime.now(UTC).replace(microsecond=0),
        sender=Mailbox("offers-of-the-day@newsletter.shop.example.net", "Shop"),
        to=(Mailbox(f"awa@{DOMAIN}"),),
        cc=(),
        subject="Offers",
        text="Buy now.",
        can_unsubscribe=True,
    )
    apply_down(webmail.store, bundle_down(1, Mail((f"awa@{DOMAIN}",), message, ticket="news")))
    awa.open("/inbox")
    awa.page.click(".letters a")
    for summary in ("Unsubscribe", "Block"):
        awa.page.click(f"summary:has-text('{summary}')")
    awa.shoot("newsletter", whole=True)
    assert awa.page.evaluate("document.documentElement.scrollWidth") <= 360
    awa.press("Unsubscribe")
    assert "You are to be unsubscribed" in awa.page.inner_text("main")
    awa.press("Do not unsubscribe")
    awa.page.click("summary:has-text('Unsubscribe')")
    awa.press("Unsubscribe")
    awa.shoot("unsubscribed", whole=True)
    awa.page.click("summary:has-text('Block')")
    awa.page.click("button[value='newsletter.shop.example.net']")
    assert "do not come any more" in awa.page.inner_text(".note")
    awa.open("/account/unwanted")
    assert "newsletter.shop.example.net" in awa.page.inner_text("main")
