# SPDX-License-Identifier: Apache-2.0
"""Sending, listing and reading letters."""

import dataclasses
from datetime import UTC, datetime

import pytest

from mokanda_firmware.bus.states import CourierState
from mokanda_firmware.bus.statuses import CourierStatus
from mokanda_firmware.mailbox.costs import budget, tariff
from mokanda_firmware.mailbox.letters import entries
from mokanda_firmware.mailbox.people import sessions
from mokanda_firmware.mailbox.store.database import StoreFull
from mokanda_firmware.mailbox.store.settings import set_setting
from mokanda_firmware.mailbox.sync import outgoing
from mokanda_firmware.mailbox.sync.down import apply_down
from mokanda_firmware.mailbox.sync.state import sync_state
from mokanda_firmware.webmail.languages import choose
from mokanda_firmware.webmail.wording.reasons import explain
from mokanda_wire.bundle import ContentRequest, Denial, Event, Grant, Item, Mail, Stub
from mokanda_wire.compose import compose
from mokanda_wire.message import Attachment, Mailbox, Message, digest_of
from tests.unit.mailbox.letters import bundle_down
from tests.unit.webmail.served_village import DOMAIN, Phone, Village

WORLD = "marie@example.org"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def bring(village: Village, *items: Item, contents: dict[str, bytes] | None = None) -> None:
    """Apply a bundle from the relay."""
    sequence = sync_state(village.store).down_applied + 1
    apply_down(village.store, bundle_down(sequence, *items, contents=contents))


def from_world(**changes: object) -> Mail:
    """A mail to Awa from outside."""
    fields: dict[str, object] = {
        "message_id": "1@example.org",
        "date": NOON,
        "sender": Mailbox(WORLD, "Marie Okito"),
        "to": (Mailbox(f"awa@{DOMAIN}"),),
        "cc": (),
        "subject": "Photos",
        "text": "Voici.",
        **changes,
    }
    return Mail((f"awa@{DOMAIN}",), Message(**fields))  # type: ignore[arg-type]


def test_a_letter_to_a_villager_is_there_at_once(village: Village) -> None:
    awa, ben = village.villager("awa", "Awa Mboyo"), village.villager("ben")
    assert awa.write("ben", "Le marché", "Samedi?").location == "/sent?note=delivered"
    assert ben.letters() == ["Le marché"]
    letter = ben.open_first()
    assert letter.html.select_one(".text").get_text() == "Samedi?"
    assert "Awa Mboyo" in letter.text


def test_a_letter_to_the_world_waits_in_the_outbox(village: Village) -> None:
    awa = village.villager("awa")
    assert awa.write(WORLD, "Merci").location == "/outbox?note=waiting"
    assert awa.letters("outbox") == ["Merci"]
    assert [one.recipients for one in outgoing.waiting(village.store, 10_000)] == [(WORLD,)]


def test_the_outbox_says_when_its_letters_leave(village: Village) -> None:
    awa = village.villager("awa")
    awa.write(WORLD)
    assert "They leave with the next mail run." in awa.get("/outbox").text
    CourierStatus(CourierState.IDLE, next_sync=datetime(2026, 3, 2, 2, 10, tzinfo=UTC)).publish()
    assert "2 Mar 2026" in awa.get("/outbox").text


def test_one_letter_to_villagers_and_the_world(village: Village) -> None:
    awa, ben = village.villager("awa"), village.villager("ben")
    awa.write(f"Ben <ben@{DOMAIN}>, {WORLD}", "Tous")
    assert ben.letters() == ["Tous"]
    assert awa.letters("outbox") == ["Tous"]
    assert [one.recipients for one in outgoing.waiting(village.store, 10_000)] == [(WORLD,)]


def test_a_hidden_recipient_is_seen_by_the_writer_alone(village: Village) -> None:
    awa, ben, chantal = (village.villager(name) for name in ("awa", "ben", "chantal"))
    awa.write("ben", bcc="chantal", text="Seen by two.")
    assert "chantal" not in ben.open_first().text
    assert chantal.letters() == ["Mbote"]
    assert "chantal" in awa.open_first("sent").text
    with village.store.reading() as connection:
        assert "chantal" not in str(connection.execute("SELECT recipients FROM message").fetchall())


def test_an_unread_letter_is_read_once_opened(village: Village) -> None:
    awa, ben = village.villager("awa"), village.villager("ben")
    awa.write("ben")
    assert len(ben.get("/inbox").html.select(".letters .unread")) == 1
    ben.open_first()
    assert ben.get("/inbox").html.select(".letters .unread") == []
    assert ben.get("/inbox").html.select(".count") == []


def test_nobody_opens_the_letter_of_another(village: Village) -> None:
    awa, ben = village.villager("awa"), village.villager("ben")
    bring(village, from_world())
    number = village.rows("entry")[0]["id"]
    assert "Photos" in awa.get(f"/mail/{number}").text
    assert "There is no such letter" in ben.get(f"/mail/{number}", status=404).text
    ben.get(f"/mail/{number}/reply", status=404)
    assert village.rows("entry")[0]["unread"] == 0


def test_folders_are_paged_to_both_sides(village: Village) -> None:
    awa = village.villager("awa")
    bring(village, *(from_world(message_id=f"{n}@x.org", subject=f"n{n}") for n in range(45)))
    first = awa.get("/inbox")
    assert awa.letters()[0] == "n44"
    second = first.click("Older")
    third = second.click("Older")
    assert [line.get_text() for line in third.html.select(".letters .who")] != []
    assert "Older" not in third.text
    again = third.click("Newer").html.select(".letters .subject")
    assert [one.get_text() for one in again] == [f"unread: n{n}" for n in range(24, 4, -1)]
    assert "Newer" not in second.click("Newer").text


@pytest.mark.parametrize("edge", ["before=x", "after=-1", "before=9999999999999999999", "after="])
def test_a_page_that_is_none_shows_the_first_one(village: Village, edge: str) -> None:
    awa = village.villager("awa")
    bring(village, from_world())
    assert "Photos" in awa.get(f"/inbox?{edge}").text


def test_a_reply_quotes_no_more_than_the_beginning_of_a_long_letter(village: Village) -> None:
    awa = village.villager("awa")
    bring(village, from_world(text="Mbote na yo\n" * 3000))
    text = awa.open_first().click("Reply", index=0).forms[0]["text"].value
    assert 4000 < len(text) < 6000
    assert text.endswith("> […]")


def test_a_reply_goes_to_who_wrote_and_continues_the_conversation(village: Village) -> None:
    awa = village.villager("awa")
    bring(village, from_world(references=("0@example.org",), text="Ça va?\n> Mbote\n-- \nMarie"))
    form = awa.open_first().click("Reply", index=0).forms[0]
    assert form["to"].value == f"Marie Okito <{WORLD}>"
    assert form["subject"].value == "Re: Photos"
    assert form["text"].value == "\n\nMarie Okito wrote:\n> Ça va?"
    awa.send(form, text="Malamu.")
    answer = outgoing.waiting(village.store, 10_000)[0].message
    assert answer.in_reply_to == "1@example.org"
    assert answer.references == ("0@example.org", "1@example.org")
    assert answer.to == (Mailbox(WORLD, "Marie Okito"),)
    assert {row["thread"] for row in village.rows("message")} == {"0@example.org"}


def test_a_reply_goes_where_the_writer_wants_it(village: Village) -> None:
    awa = village.villager("awa")
    bring(village, from_world(reply_to=(Mailbox("list@example.org"),), subject="RE: Photos"))
    form = awa.open_first().click("Reply", index=0).forms[0]
    assert (form["to"].value, form["subject"].value) == ("list@example.org", "Re: Photos")


def test_a_bounce_is_told_to_the_writer(village: Village) -> None:
    awa = village.villager("awa")
    awa.write(WORLD, "Merci")
    [mail] = outgoing.waiting(village.store, 10_000)
    reason = "550 5.1.1 <marie@example.org>: user unknown"
    bring(village, Event(mail.message_id, WORLD, "bounced", NOON, reason))
    letter = awa.open_first("outbox")
    assert "could not be delivered" in letter.text
    assert "There is nobody with this address." in letter.text
    assert reason in letter.html.get_text()


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("550 5.1.1 The email account that you tried to reach does not exist", "nobody with"),
        ("550 No such user here", "nobody with"),
        ("5.1.2 Host unknown", "after the @"),
        ("Unrouteable address", "after the @"),
        ("554 dd This user doesn't have a yahoo.fr account (jean@yahoo.fr)", "nobody with"),
        ("552 5.2.2 The email account is over quota", "is full"),
        ("552-5.3.4 Your message exceeded Google's message size limits", "too large"),
        ("554 5.7.1 Service unavailable; blocked using zen.spamhaus.org", "does not want"),
        ("could not be sent for 4 days (SendGrid cannot be reached: timed out)", "several days"),
        ("There is no such villager.", "Nobody in that village"),
        ("550 5.2.1 mailbox disabled", "is closed"),
        ("something <b>else</b>", "did not take"),
        ("", ""),
    ],
)
def test_the_answers_of_mail_services_are_understood(reason: str, sentence: str) -> None:
    told = explain(reason, choose(["en"], ""))
    assert sentence in told
    assert bool(told) == bool(reason)


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{7*7}} % import os",
    "</textarea><script>alert(1)</script>",
    "javascript:alert(1)",
    "\u202egpj.exe",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_others_write_stays_text(village: Village, text: str) -> None:
    awa = village.villager("awa")
    attachment = Attachment(text, text, "0" * 64, 5)
    bring(
        village,
        from_world(
            sender=Mailbox(f"x{text}@example.org", text),
            to=(Mailbox(f"awa@{DOMAIN}", text),),
            reply_to=(Mailbox("x@example.org", text), Mailbox(f"x{text}@example.org", text)),
            subject=text,
            text=text,
            html=text,
            attachments=(attachment,),
        ),
    )
    harmless = awa.get("/sent").html
    letter = awa.open_first()
    for page in (awa.get("/inbox"), letter, letter.click("Reply", index=0)):
        tags = {tag.name for tag in page.html.find_all(True)}
        assert not page.html.select("script:not([src^='/keep-'])")
        assert "img" not in tags
        assert not [
            tag for tag in page.html.find_all(True) for name in tag.attrs if name[:2] == "on"
        ]
        assert not page.html.select("[href^=javascript]")
        assert len(page.html.find_all("form")) <= len(harmless.find_all("form")) + 1
    assert letter.html.select_one(".text").get_text() == text


def test_an_html_mail_shows_its_text_and_none_of_its_html(village: Village) -> None:
    awa = village.villager("awa")
    html = '<p>Voici.</p><img src="http://spy.example/pixel"><form action="/logout">'
    bring(village, from_world(html=html))
    letter = awa.open_first()
    assert letter.html.select_one(".text").get_text() == "Voici."
    assert "spy.example" not in letter.text


def test_nothing_typed_becomes_a_header(village: Village) -> None:
    awa = village.villager("awa", "Awa\r\nBcc: victim@example.org")
    awa.write(
        f'"Marie\r\nBcc: victim@example.org" <{WORLD}>',
        "Mbote\r\nBcc: victim@example.org\r\n\r\nbody",
    )
    [mail] = outgoing.waiting(village.store, 10_000)
    assert mail.recipients == (WORLD,)
    head = compose(mail.message, {}).partition(b"\r\n\r\n")[0]
    assert b"\nBcc" not in head


class TestDownloads:
    """Attachments are only ever saved, and only by who has the letter."""

    def attach(self, village: Village, phone: Phone, name: str, media_type: str) -> str:
        phone.write("awa", files=((name, b"<script>alert(1)</script>", media_type),))
        number = next(row["id"] for row in village.rows("entry") if row["folder"] == "inbox")
        return f"/mail/{number}/file/0"

    def test_a_file_comes_back_as_it_was(self, village: Village) -> None:
        awa = village.villager("awa")
        path = self.attach(village, awa, "école.jpg", "image/jpeg")
        answer = awa.get(path)
        assert answer.body == b"<script>alert(1)</script>"
        assert answer.headers["Content-Type"] == "image/jpeg"
        assert answer.headers["Content-Disposition"] == (
            "attachment; filename=\"_cole.jpg\"; filename*=UTF-8''%C3%A9cole.jpg"
        )

    @pytest.mark.parametrize(
        "media_type",
        ["text/html", "image/svg+xml", "application/xhtml+xml", "text/javascript", "nonsense"],
    )
    def test_a_file_never_becomes_a_page(self, village: Village, media_type: str) -> None:
        awa = village.villager("awa")
        answer = awa.get(self.attach(village, awa, "page.html", media_type))
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Disposition"].startswith("attachment;")
        assert "sandbox" in answer.headers["Content-Security-Policy"]

    @pytest.mark.parametrize("media_type", ["text/x-vcard", "text/x-vCalendar", "audio/amr"])
    def test_a_phone_opens_what_phones_make(self, village: Village, media_type: str) -> None:
        awa = village.villager("awa")
        answer = awa.get(self.attach(village, awa, "of-a-phone", media_type))
        assert answer.headers["Content-Type"] == media_type.lower()

    def test_nobody_gets_the_file_of_another(self, village: Village) -> None:
        awa, ben = village.villager("awa"), village.villager("ben")
        path = self.attach(village, awa, "photo.jpg", "image/jpeg")
        assert "not on the device" in ben.get(path, status=404).text
        assert village.phone().get(path, status=303).location == "/"

    @pytest.mark.parametrize(
        "path", ["../../mail.db", "..%2f..%2fmail.db", "0/../../../mail.db", "1", "-1", "x"]
    )
    def test_no_path_leads_out_of_the_attachments(self, village: Village, path: str) -> None:
        awa = village.villager("awa")
        self.attach(village, awa, "../../../etc/passwd", "image/jpeg")
        number = village.rows("entry")[0]["id"]
        awa.get(f"/mail/{number}/file/{path}", status=404)
        assert village.rows("attachment")[0]["name"] == "passwd"

    def test_a_file_that_has_not_come_is_named_but_not_offered(self, village: Village) -> None:
        awa = village.villager("awa")
        late = Attachment("video.mp4", "video/mp4", "0" * 64, 9_000_000)
        bring(village, from_world(attachments=(late,)))
        letter = awa.open_first()
        assert "video.mp4" in letter.text
        assert letter.html.select(".attachments a") == []
        awa.get(f"/mail/{village.rows('entry')[0]['id']}/file/0", status=404)


def test_a_full_disk_keeps_nobody_from_reading(
    village: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    awa, ben = village.villager("awa"), village.villager("ben")
    awa.write("ben", "Lisible")

    def full(*_: object) -> None:
        raise StoreFull("no room")

    monkeypatch.setattr(entries, "mark_read", full)
    assert "Lisible" in ben.open_first().text


class TestPictures:
    """Pictures of a letter are shown when they are asked for, and nothing else ever is."""

    GIF = b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"

    def test_the_pictures_that_came_are_shown_on_demand(self, village: Village) -> None:
        awa = village.villager("awa")
        awa.write("awa", files=(("a.gif", self.GIF, "image/gif"), ("b.txt", b"b", "text/plain")))
        letter = awa.open_first()
        assert letter.html.select("img") == []
        shown = letter.click("Show the pictures").html.select("img")
        assert [one["alt"] for one in shown] == ["a.gif"]
        picture = awa.get(str(shown[0]["src"]))
        assert (picture.body, picture.content_type) == (self.GIF, "image/gif")
        assert picture.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in picture.headers["Content-Security-Policy"]

    def test_a_letter_is_printed_with_its_pictures_and_nothing_around_it(
        self, village: Village
    ) -> None:
        awa = village.villager("awa")
        awa.write("awa", "Menu", "*Poisson*", files=(("a.gif", self.GIF, "image/gif"),))
        page = awa.open_first().click("For printing")
        assert page.html.select_one("b").get_text() == "Poisson"
        assert [one["alt"] for one in page.html.select("img")] == ["a.gif"]
        assert page.html.select("form, nav, header") == []
        assert page.click("Back").request.path.startswith("/mail/")

    @pytest.mark.parametrize("content", [b"<svg onload=alert(1)>", b"<script>", b"BM", b""])
    def test_what_only_says_that_it_is_a_picture_is_none(
        self, village: Village, content: bytes
    ) -> None:
        awa = village.villager("awa")
        awa.write("awa", files=(("a.gif", content, "image/gif"),))
        letter = awa.open_first()
        assert "Show the pictures" not in letter.text
        awa.get(f"{letter.request.path}/picture/0", status=404)

    def test_nobody_sees_the_picture_of_another(self, village: Village) -> None:
        awa, ben = village.villager("awa"), village.villager("ben")
        awa.write("awa", files=(("a.gif", self.GIF, "image/gif"),))
        ben.get(f"{awa.open_first().request.path}/picture/0", status=404)


SMALL = b"\xff\xd8 a smaller photo"
PHOTO = Attachment("p.png", "image/png", digest_of(SMALL), len(SMALL), "", "ab" * 32, 1_200_000)


class TestWhatTheRelayKeptBack:
    def test_a_smaller_photo_can_be_had_as_it_was(self, village: Village) -> None:
        awa = village.villager("awa")
        bring(village, from_world(attachments=(PHOTO,)), contents={PHOTO.digest: SMALL})
        page = awa.open_first()
        assert "made smaller for the way" in page.text
        assert "1.2 MB" in page.html.select_one(".fetch").get_text()
        given = awa.get("/mail/1/file/0")
        assert (given.body, given.content_type) == (SMALL, "image/jpeg")
        assert 'filename="p.jpg"' in given.headers["Content-Disposition"]
        form = next(one for one in page.forms.values() if one.action == "/mail/1/fetch")
        page = form.submit().follow()
        assert "Asked for" in page.text
        assert outgoing.unsent_requests(village.store) == [ContentRequest("file", "ab" * 32, "awa")]

    def test_what_fetching_costs_is_said_where_the_tariff_is_known(self, village: Village) -> None:
        awa = village.villager("awa")
        bring(village, from_world(attachments=(PHOTO,)), contents={PHOTO.digest: SMALL})
        price = 500 * tariff.PRICE_UNIT
        set_setting(village.store, tariff.SETTING, tariff.to_json(tariff.Tariff("CDF", price)))
        form = awa.open_first().html.select_one(".fetch")
        assert form is not None
        assert "600" in form.get_text()  # for 1.2 MB at 500 a MB

    @pytest.mark.parametrize("limit", ["village", "villager"])
    def test_what_no_day_has_room_for_is_said_to_its_reader_and_to_the_keeper(
        self, village: Village, limit: str
    ) -> None:
        awa = village.villager("awa")  # the keeper, too
        bring(village, from_world(attachments=(PHOTO,)), contents={PHOTO.digest: SMALL})
        set_setting(village.store, budget.SETTING, {limit: 500_000})
        assert "larger than the data for a whole day" in awa.open_first().text
        page = awa.post("/mail/1/fetch", file="0").follow()
        assert "The keeper can send it all the same. 1.2 MB / 500 KB" in " ".join(
            page.html.get_text().split()
        )
        CourierStatus(CourierState.IDLE).publish()
        assert "takes about 1.2 MB" in awa.get("/device").text

    def test_a_request_that_waits_can_be_withdrawn(self, village: Village) -> None:
        awa = village.villager("awa")
        bring(village, from_world(attachments=(PHOTO,)), contents={PHOTO.digest: SMALL})
        page = awa.post("/mail/1/fetch", file="0").follow()
        form = next(one for one in page.forms.values() if one.action == "/mail/1/fetch")
        assert "no longer asked for" in form.submit("not").follow().text
        assert outgoing.unsent_requests(village.store) == []
        assert "asked for already" in awa.post("/mail/1/fetch", 409, **{"file": "0", "not": "1"})

    def test_a_letter_that_waits_at_the_relay_can_be_fetched(self, village: Village) -> None:
        awa = village.villager("awa")
        head = from_world(text="").message
        bring(village, Stub((f"awa@{DOMAIN}",), head, 48_000, "stub1"))
        assert awa.letters() == ["Photos"]
        assert "48 KB still at the relay" in awa.get("/inbox").text
        assert "48 KB still at the relay" in awa.get("/search?q=photos").text
        page = awa.open_first()
        assert "waits at the relay" in page.text
        assert "48 KB" in page.text
        assert "waits at the relay" in page.click("Forward", index=0).text  # and has no words yet
        awa.post("/mail/1/fetch", 303, what="mail")
        assert outgoing.unsent_requests(village.store) == [ContentRequest("mail", "stub1", "awa")]
        bring(village, Mail((f"awa@{DOMAIN}",), from_world().message, "stub1"))
        assert "still at the relay" not in awa.get("/inbox").text
        assert "Voici." in awa.open_first().text

    def test_a_list_says_how_much_of_a_letter_is_not_here(self, village: Village) -> None:
        awa = village.villager("awa")
        content = b"v" * 70_000
        digest = digest_of(content)
        film = Attachment("film.mp4", "video/mp4", digest, 0, original=digest, original_size=70_000)
        bring(village, from_world(attachments=(film,)))
        assert "70 KB still at the relay" in awa.get("/inbox").text
        with village.store.incoming_attachment() as incoming:
            incoming.write(content)
            incoming.keep()
        assert "still at the relay" not in awa.get("/inbox").text

    def test_the_mail_as_it_was_can_be_fetched_and_saved(self, village: Village) -> None:
        awa = village.villager("awa")
        bring(village, dataclasses.replace(from_world(), ticket="mail1"))
        awa.post("/mail/1/fetch", 303, what="original")
        assert outgoing.unsent_requests(village.store) == [
            ContentRequest("original", "mail1", "awa")
        ]
        raw = b"Subject: Photos\r\n\r\nVoici."
        bring(village, Grant(digest_of(raw), len(raw), "mail1"), contents={digest_of(raw): raw})
        given = awa.open_first().click("as it came")
        assert given.body == raw
        assert 'filename="Photos.eml"' in given.headers["Content-Disposition"]
        assert "sandbox" in given.headers["Content-Security-Policy"]

    def test_what_the_relay_cannot_give_is_said(self, village: Village) -> None:
        awa = village.villager("awa")
        bring(village, from_world(attachments=(PHOTO,)), contents={PHOTO.digest: SMALL})
        awa.post("/mail/1/fetch", 303, file="0")
        bring(village, Denial("file", "ab" * 32, "gone"))
        assert "no longer has it" in awa.open_first().text

    @pytest.mark.parametrize("path", ["fetch", "original", "file/0"])
    def test_nobody_fetches_what_is_in_anothers_letter(self, village: Village, path: str) -> None:
        village.villager("awa")
        ben = village.villager("ben")
        bring(village, from_world(attachments=(PHOTO,)), contents={PHOTO.digest: SMALL})
        if path == "fetch":
            ben.post("/mail/1/fetch", 404, file="0")
        else:
            ben.get(f"/mail/1/{path}", 404)
        assert outgoing.unsent_requests(village.store) == []


@pytest.mark.parametrize(
    ("accepts", "taken"),
    [
        (["text/html,image/webp,*/*"], True),
        (["text/html,*/*"], False),
        (["text/html,image/webp", "text/html,*/*"], False),
        (["text/html,image/webp", "image/png"], True),
    ],
)
def test_webp_is_taken_when_every_phone_says_so(
    village: Village, accepts: list[str], taken: bool
) -> None:
    assert not sessions.phones_take_webp(village.store)
    phone = village.villager("awa")
    for accept in accepts:
        phone.app.get("/inbox", headers={"Accept": accept})
    assert sessions.phones_take_webp(village.store) is taken
