# SPDX-License-Identifier: Apache-2.0
"""Writing a letter: what was written is never lost, whatever goes wrong."""

import re
from pathlib import Path

import pytest
from webtest import TestResponse

from mokanda_firmware.bus.states import SetupState
from mokanda_firmware.bus.statuses import SetupStatus
from mokanda_firmware.mailbox.costs import tariff
from mokanda_firmware.mailbox.letters import drafts
from mokanda_firmware.mailbox.store import database as store_module
from mokanda_firmware.mailbox.store.database import Store, StoreFull
from mokanda_firmware.mailbox.store.settings import set_setting
from mokanda_firmware.mailbox.sync import outgoing
from mokanda_firmware.webmail.recipients import (
    MAX_READ,
    BadRecipient,
    TooManyRecipients,
    parse,
    written,
)
from mokanda_wire.message import Mailbox
from tests.unit.webmail.served_village import DOMAIN, PASSWORD, Village

LIST = ("list.txt", b"salt", "text/plain")
PHOTO = ("photo.jpg", b"\xff\xd8photo", "image/jpeg")
LARGE = ("video.mp4", b"v" * 150_000, "video/mp4")


@pytest.mark.parametrize(
    ("to", "sentence"),
    [
        ("", "Whom is this letter for?"),
        ("nobody", "Nobody in the village has this name: nobody"),
        ("marie@", "“marie@” is not an address"),
        ("Marie Okito <marie>, <x@y@z>", "“x@y@z” is not an address"),
        (", ".join(f"a{n}@example.org" for n in range(51)), "one letter goes to 50 at most"),
    ],
)
def test_a_letter_that_cannot_be_sent_says_why_and_keeps_everything(
    village: Village, to: str, sentence: str
) -> None:
    awa = village.villager("awa")
    page = awa.write(to, "Mbote", "Long & dear\n\n words", files=(PHOTO,), status=422)
    assert sentence in page.html.select_one(".problem").get_text()
    form = page.forms[0]
    assert (form["to"].value, form["subject"].value) == (to, "Mbote")
    assert form["text"].value == "Long & dear\n\n words"
    assert "photo.jpg" in page.text
    awa.send(form, to="awa")
    assert "photo.jpg" in awa.open_first().text


@pytest.mark.parametrize(
    "typed", [f"{'awa ' * MAX_READ} x@y@z", ", ".join(f"a{n}@é{n}.org" for n in range(1000))]
)
def test_of_recipients_without_end_only_the_first_are_looked_at(
    village: Village, typed: str
) -> None:
    with pytest.raises(TooManyRecipients):
        parse(typed, DOMAIN)
    awa = village.villager("awa")
    page = awa.write(typed, status=422)
    assert "one letter goes to 50 at most" in page.html.select_one(".problem").get_text()
    assert page.forms[0]["to"].value == typed
    page = awa.post("/people/group", 422, name="choir", members=typed[:5000])
    assert "A group has 50 people at most." in page.text


def test_a_letter_without_subject_or_text_may_be_sent(village: Village) -> None:
    awa = village.villager("awa")
    awa.write("awa", "", "")
    assert awa.letters() == ["(no subject)"]


def test_before_the_village_has_a_domain_only_villagers_get_letters(village: Village) -> None:
    SetupStatus(SetupState.NO_CLAIM).publish()
    awa = village.villager("awa")
    assert "no connection to the world yet" in awa.write("a@example.org", status=422).text
    awa.write("awa", "Ici")
    assert awa.letters() == ["Ici"]
    SetupStatus(SetupState.CLAIMED, domain=DOMAIN).publish()
    form = awa.open_first().click("Reply", index=0).forms[0]
    awa.send(form)
    assert awa.letters() == ["Re: Ici"]
    assert awa.letters("sent") == ["Re: Ici", "Ici"]


def test_a_draft_is_kept_with_its_files_and_sent_later(village: Village) -> None:
    awa = village.villager("awa")
    answer = awa.write("", "Plus tard", "à finir", button="save", files=(PHOTO,))
    page = awa.get(answer.location)
    assert "Your draft is kept." in page.text
    awa.send(page.forms[0], to="awa")
    assert awa.letters() == ["Plus tard"]
    assert "photo.jpg" in awa.open_first().text
    assert village.rows("draft") == village.rows("draft_attachment") == []


def test_drafts_without_a_subject_are_told_apart_by_their_words(village: Village) -> None:
    awa = village.villager("awa")
    awa.write("", subject="", text="About\nthe goat", button="save")
    awa.write("", subject="", text="", button="save")
    lines = awa.get("/drafts").html.select(".letters .subject")
    assert [line.get_text() for line in lines] == ["(no subject)", "About the goat"]


def test_a_file_can_be_taken_away_again(village: Village) -> None:
    awa = village.villager("awa")
    other = ("liste.pdf", b"%PDF", "application/pdf")
    page = awa.get(awa.write("awa", button="save", files=(PHOTO, other)).location)
    form = page.forms[0]
    form["remove"] = ["0"]
    awa.send(form)
    letter = awa.open_first().text
    assert "liste.pdf" in letter
    assert "photo.jpg" not in letter


def test_a_draft_is_its_writers_alone(village: Village) -> None:
    awa, ben = village.villager("awa"), village.villager("ben")
    location = awa.write("", "secret", button="save").location
    assert "no such draft" in ben.get(location, status=404).text
    number = re.search("[0-9]+", location)
    assert number is not None
    form = ben.get("/write").forms[0]
    form["draft"].force_value(number[0])
    ben.send(form, "save", subject="mine")
    assert "secret" in awa.get(location).text


def test_files_that_are_too_large_are_named_so_and_the_text_stays(village: Village) -> None:
    awa = village.villager("awa")
    page = awa.write("awa", "Film", "Regarde!", files=(LARGE,), status=413)
    assert "may have 100 KB together" in page.text
    assert page.forms[0]["text"].value == "Regarde!"
    awa.send(page.forms[0])
    assert awa.letters() == ["Film"]


def test_the_form_says_what_its_files_take_and_what_is_left_today(village: Village) -> None:
    awa = village.villager("awa")
    set_setting(village.store, "budget", {"village": 500_000, "villager": 200_000})
    set_setting(village.store, tariff.SETTING, tariff.to_json(tariff.Tariff("USD", 600_000)))
    files = (("a.bin", b"a" * 30_000, "a/b"), ("b.bin", b"b" * 50_000, "a/b"))
    page = awa.get(awa.write("awa", button="save", files=files).location)
    assert (
        page.html.select_one("#total").get_text().strip() == "Its files together: 80 KB, 0.048 USD"
    )
    assert "200 KB of the data for today are left" in page.text
    set_setting(village.store, "budget", {})
    assert "of the data for today" not in awa.get("/write").text


def test_a_photo_comes_straight_from_the_camera(village: Village) -> None:
    camera = village.villager("awa").get("/write").html.select_one("#camera")
    assert (camera["name"], camera["accept"], camera["capture"]) == (
        "files",
        "image/*",
        "environment",
    )


def test_files_of_several_forms_are_counted_together(village: Village) -> None:
    awa = village.villager("awa")
    half = ("a.bin", b"a" * 60_000, "application/octet-stream")
    page = awa.get(awa.write("awa", button="save", files=(half,)).location)
    again = awa.send(page.forms[0], files=(half,), status=413)
    assert "may have 100 KB together" in again.text
    assert len(again.html.select(".attachments li")) == 1


def test_a_form_that_a_phone_sends_twice_is_one_letter(village: Village) -> None:
    awa, ben = village.villager("awa"), village.villager("ben")
    form = awa.get("/write").forms[0]
    awa.send(form, to="ben", subject="Une fois")
    awa.send(form, to="ben", subject="Une fois")
    assert ben.letters() == ["Une fois"]
    assert len(village.rows("entry")) == 2


def test_a_form_with_files_that_a_phone_sends_twice_is_one_letter(village: Village) -> None:
    awa, ben = village.villager("awa"), village.villager("ben")
    form = awa.get(awa.write("ben", button="save", files=(LIST,)).location).forms[0]
    for _ in range(2):
        assert awa.send(form).location == "/sent?note=delivered"
    assert ben.letters() == ["Mbote"]
    assert "list.txt" in ben.open_first().text


def test_a_draft_that_is_thrown_away_elsewhere_does_not_go_without_its_files(
    village: Village,
) -> None:
    awa = village.villager("awa")
    form = awa.get(awa.write("awa", button="save", files=(LIST,)).location).forms[0]
    awa.post(f"/drafts/{form['draft'].value}/delete", status=303)
    page = awa.send(form, text="My words", status=409)
    assert "The files of this letter were changed" in page.html.select_one(".problem").get_text()
    assert page.forms[0]["text"].value == "My words"
    assert awa.letters() == []
    awa.send(page.forms[0])
    assert awa.letters() == ["Mbote"]


def test_a_file_is_not_removed_in_the_place_of_one_that_was_removed_elsewhere(
    village: Village,
) -> None:
    awa = village.villager("awa")
    other = ("other.txt", b"other", "text/plain")
    draft = awa.write("awa", button="save", files=(LIST, other)).location
    one, another = (awa.get(draft).forms[0] for _ in range(2))
    for form in (one, another):
        form["remove"] = ["0"]
    awa.send(one, "save")
    page = awa.send(another, "save", files=(("third.txt", b"3", "text/plain"),), status=409)
    names = [line.get_text() for line in page.html.select(".attachments li")]
    assert ["other.txt" in names[0], "third.txt" in names[1]] == [True, True]


@pytest.mark.parametrize("to", ["ben@", "jo@gmial.com"])
def test_a_form_whose_answer_is_lost_brings_its_files_once(village: Village, to: str) -> None:
    awa = village.villager("awa")
    form = awa.get("/write").forms[0]
    for _ in range(2):
        page = awa.send(form, to=to, files=(LIST,), status=422)
    assert len(page.html.select(".attachments li")) == 1
    assert len(village.rows("draft")) == 1


def test_a_page_that_is_left_and_opened_again_keeps_one_draft(village: Village) -> None:
    awa = village.villager("awa")
    for _ in range(2):  # as the page's script does, of which the second page knows no draft
        fields = {"once": "0123456789abcdef", "to": "awa", "text": "Mbote"}
        awa.post("/write/keep", status=200, **fields)
    assert len(village.rows("draft")) == 1


def test_a_form_sent_again_with_other_words_is_another_letter(village: Village) -> None:
    awa, ben = village.villager("awa"), village.villager("ben")
    form = awa.get("/write").forms[0]
    awa.send(form, to="ben", text="first")
    awa.send(form, to="ben", text="second")
    assert len(ben.letters()) == 2


def test_the_same_words_written_twice_are_two_letters(village: Village) -> None:
    awa, ben = village.villager("awa"), village.villager("ben")
    awa.write("ben", "Mbote", "Mbote")
    awa.write("ben", "Mbote", "Mbote")
    assert len(ben.letters()) == 2


def test_a_locked_store_loses_no_letter_and_claims_none_sent(
    village: Village, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    awa = village.villager("awa")
    form = awa.get("/write").forms[0]
    monkeypatch.setattr(store_module, "BUSY_SECONDS", 0.05)
    village.store.close()
    other = Store(village.store.path, tmp_path / "attachments")
    with other.transaction():
        page = awa.send(form, to="marie@example.org", text="Important", status=503)
    assert "The device is busy" in page.text
    assert page.forms[0]["text"].value == "Important"
    assert outgoing.waiting(village.store, 10_000) == []
    awa.send(page.forms[0])
    assert len(outgoing.waiting(village.store, 10_000)) == 1


def test_a_full_database_gives_the_text_back(village: Village) -> None:
    awa = village.villager("awa")
    form = awa.get("/write").forms[0]
    with village.store.reading() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
    text = "précieux " * 10_000
    page = awa.send(form, to="awa", text=text, status=507)
    assert "The device has no room left" in page.text
    assert page.forms[0]["text"].value == text
    assert awa.letters() == []


def test_a_disk_without_room_for_files_gives_the_text_back(
    village: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    awa = village.villager("awa")
    monkeypatch.setattr(village.store.attachments, "reserve", 1 << 60)
    page = awa.write("awa", "Photos", "Regarde", files=(PHOTO,), status=507)
    assert "no room for these files" in page.text
    assert page.forms[0]["text"].value == "Regarde"


def test_a_letter_survives_the_end_of_its_session(village: Village) -> None:
    awa = village.villager("awa")
    form = awa.get("/write").forms[0]
    with village.store.transaction() as connection:
        connection.execute("DELETE FROM session")
    page = awa.send(form, to="ben", subject="Gardé", text="<b>dear</b> words", status=403)
    assert "what you wrote is kept" in page.text
    log_in = page.forms[0]
    log_in["name"], log_in["password"] = "awa", "mistyped"
    log_in = log_in.submit(status=403).forms[0]
    log_in["password"] = "elombe-2026"
    again = log_in.submit().follow().forms[0]
    assert (again["to"].value, again["subject"].value) == ("ben", "Gardé")
    assert again["text"].value == "<b>dear</b> words"


def test_the_files_of_a_draft_survive_the_end_of_its_session(village: Village) -> None:
    awa = village.villager("awa")
    form = awa.get(awa.write("ben", "Photos", button="save", files=(PHOTO,)).location).forms[0]
    with village.store.transaction() as connection:
        connection.execute("DELETE FROM session")
    log_in = awa.send(form, text="With more words", status=403).forms[0]
    log_in["name"], log_in["password"] = "awa", PASSWORD
    again = log_in.submit().follow()
    assert "photo.jpg" in again.html.select_one(".attachments").get_text()
    assert again.forms[0]["text"].value == "With more words"
    assert len(village.rows("draft")) == 1


def test_people_who_were_ticked_survive_the_end_of_a_session(village: Village) -> None:
    awa, _ = village.villager("awa"), village.villager("ben")
    form = awa.get("/write").forms[0]
    form.set("also", value=True, index=0)
    awa.post("/logout", status=303)
    log_in = awa.send(form, to="marie@example.org", status=403).forms[0]
    log_in["name"], log_in["password"] = "awa", PASSWORD
    again = log_in.submit().follow().forms[0]
    assert again["to"].value == f"marie@example.org, ben@{DOMAIN}"


def test_files_that_come_after_the_end_of_a_session_are_missed_in_words(village: Village) -> None:
    awa = village.villager("awa")
    form = awa.get("/write").forms[0]
    awa.post("/logout", status=303)
    page = awa.send(form, to="awa", files=(PHOTO,), status=403)
    assert "The new files have not come." in problem(page)
    assert "The new files" not in problem(awa.send(form, to="awa", status=403))


def test_the_end_of_a_session_promises_to_keep_letters_alone(village: Village) -> None:
    awa = village.villager("awa")
    fields = {"csrf": awa.token(), "name": "choir", "members": "awa"}
    awa.post("/logout", status=303)
    page = awa.app.post("/people/group", fields, status=403)
    assert problem(page) == "You were logged out. Please log in again."
    assert page.forms[0]["name"].value == ""


def test_a_letter_does_not_go_out_in_anothers_name_unasked(village: Village) -> None:
    phone = village.villager("awa")
    village.villager("ben", "Ben Okito")
    form = phone.get("/write").forms[0]
    phone.post("/logout", status=303)  # on another page
    phone.log_in("ben", status=303)
    page = phone.send(form, to="awa", text="From Awa", status=403)
    assert "Now Ben Okito is logged in on this phone" in problem(page)
    assert village.rows("message") == []


def test_nobody_comes_by_the_files_of_anothers_draft_by_logging_in(village: Village) -> None:
    village.villager("awa").write("ben", "Photos", button="save", files=(PHOTO,))
    village.villager("ben")
    phone = village.phone()
    fields = {"csrf": phone.token("/"), "name": "ben", "password": PASSWORD}
    answer = phone.app.post("/login", {**fields, "kept-draft": "1", "kept-text": "x"})
    assert not answer.follow().html.select(".attachments li")
    assert len(village.rows("draft")) == 2


def test_a_form_with_a_wrong_token_is_not_sent_but_given_back(village: Village) -> None:
    awa = village.villager("awa")
    form = awa.get("/write").forms[0]
    form["csrf"].force_value("0" * 32)
    page = awa.send(form, to="awa", text="Words", files=(PHOTO,), status=403)
    assert "This page was too old" in page.text
    assert "The new files have not come." in page.text
    assert page.forms[0]["text"].value == "Words"
    assert awa.letters() == []
    assert village.rows("draft") == []
    assert list((village.store.path.parent / "attachments").rglob("*")) == []
    awa.send(page.forms[0])
    assert len(awa.letters()) == 1


def test_a_file_without_a_word_is_kept_until_it_is_said_whom_it_is_for(village: Village) -> None:
    awa = village.villager("awa")
    page = awa.write("", "", "", files=(PHOTO,), status=422)
    awa.send(page.forms[0], to="awa")
    assert "photo.jpg" in awa.open_first().text


def test_a_letter_passed_on_with_a_wrong_token_still_has_its_files(village: Village) -> None:
    awa = village.villager("awa")
    awa.write("awa", "Photos", files=(PHOTO,))
    form = awa.open_first().click("Forward").forms[0]
    form["csrf"].force_value("0" * 32)
    page = awa.send(form, to="awa", status=403)
    awa.send(page.forms[0])
    assert awa.letters()[0] == "Fwd: Photos"
    assert "photo.jpg" in awa.open_first().text


def test_the_text_of_a_letter_passed_on_survives_what_it_passes_on(village: Village) -> None:
    awa = village.villager("awa")
    awa.write("awa", "Photos", files=(PHOTO,))
    form = awa.open_first().click("Forward").forms[0]
    with village.store.transaction() as connection:
        connection.execute("DELETE FROM entry")
    page = awa.send(form, to="awa", text="Regarde", status=404)
    assert "There is no such letter" in page.html.select_one(".problem").get_text()
    assert page.forms[0]["text"].value == "Regarde"
    awa.send(page.forms[0])
    assert awa.letters() == ["Fwd: Photos"]


def test_text_longer_than_a_book_is_refused_in_bounded_memory(village: Village) -> None:
    awa = village.villager("awa")
    page = awa.write("awa", text="x" * 1_100_000, status=413)
    assert "too long" in page.text


def test_characters_that_are_no_text_are_replaced(village: Village) -> None:
    awa = village.villager("awa")
    token = awa.token()
    body = f"csrf={token}&send=1&to=awa&subject=a%00b%ED%A0%80&text=%FF%1B".encode()
    awa.app.post("/write", body, content_type="application/x-www-form-urlencoded", status=303)
    letter = awa.open_first()
    assert "\x00" not in letter.text
    assert "\ufffd" in letter.text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--x",
        b"--x\r\n\r\n",
        b"--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--",
        b"\0",
    ],
)
def test_a_form_that_is_none_is_refused(village: Village, body: bytes) -> None:
    awa = village.villager("awa")
    content_type = "multipart/form-data; boundary=x"
    awa.app.post("/write", body, content_type=content_type, status=403)
    assert village.rows("entry") == []


class TestRecipients:
    """What may be typed after “To”."""

    @pytest.mark.parametrize(
        ("text", "addresses"),
        [
            ("ben", [f"ben@{DOMAIN}"]),
            ("Ben; chantal\nAWA", [f"ben@{DOMAIN}", f"chantal@{DOMAIN}", f"awa@{DOMAIN}"]),
            ("marie@Example.ORG  ben", ["marie@example.org", f"ben@{DOMAIN}"]),
            ("ben, ben@boende.example.org", [f"ben@{DOMAIN}"]),
            (" , ;", []),
        ],
    )
    def test_addresses(self, text: str, addresses: list[str]) -> None:
        assert [mailbox.address for mailbox in parse(text, DOMAIN)] == addresses

    def test_names(self) -> None:
        found = parse('"Okito, Marie" <marie@example.org>, Paul B <p@example.org>', DOMAIN)
        assert found == [
            Mailbox("marie@example.org", "Okito, Marie"),
            Mailbox("p@example.org", "Paul B"),
        ]

    @pytest.mark.parametrize(
        "mailboxes",
        [
            (Mailbox("marie@example.org", "Okito, Marie"),),
            (Mailbox("marie@example.org", 'The "Boss" <x>'), Mailbox(f"ben@{DOMAIN}")),
            (Mailbox("marie@example.org"),),
        ],
    )
    def test_what_a_reply_fills_in_is_understood(self, mailboxes: tuple[Mailbox, ...]) -> None:
        again = parse(written(mailboxes, DOMAIN), DOMAIN)
        assert [one.address for one in again] == [one.address for one in mailboxes]

    @pytest.mark.parametrize("text", ["é", "x@", "@x.org", "a b@c", "<>", "a@b@c.org"])
    def test_what_is_no_address(self, text: str) -> None:
        with pytest.raises(BadRecipient):
            parse(text, DOMAIN)


def test_no_file_is_left_of_an_upload_that_nobody_may_make(village: Village) -> None:
    phone = village.phone()
    csrf = phone.token("/")
    phone.app.post("/write", {"csrf": csrf}, upload_files=[("files", *PHOTO)], status=403)
    folder = village.store.path.parent / "attachments"
    assert not folder.exists() or list(folder.iterdir()) == []


class TestKeeping:
    """What the script of the page asks for while somebody writes."""

    def test_it_is_one_draft_however_often_it_is_kept(self, village: Village) -> None:
        awa = village.villager("awa")
        number = awa.post("/write/keep", status=200, to="awa", text="Mbo", once="1").text
        again = awa.post("/write/keep", status=200, to="awa", text="Mbote", once="1", draft=number)
        assert again.text == number
        assert [row["fields"].count("Mbote") for row in village.rows("draft")] == [1]

    def test_the_files_of_a_draft_stay(self, village: Village) -> None:
        awa = village.villager("awa")
        awa.write("awa", button="save", files=(("a.txt", b"a", "text/plain"),))
        number = str(village.rows("draft")[0]["id"])
        awa.post("/write/keep", status=200, text="Mbote", draft=number)
        assert len(village.rows("draft_attachment")) == 1

    def test_a_letter_that_was_kept_is_no_draft_once_sent(self, village: Village) -> None:
        awa = village.villager("awa")
        form = awa.get("/write").forms[0]
        number = awa.post("/write/keep", status=200, to="awa", once=form["once"].value).text
        awa.send(form, to="awa", draft=number)
        assert village.rows("draft") == []

    def test_nobody_keeps_into_the_draft_of_another(self, village: Village) -> None:
        awa, ben = village.villager("awa"), village.villager("ben")
        number = awa.post("/write/keep", status=200, text="Mine").text
        assert ben.post("/write/keep", status=200, text="Ben's", draft=number).text != number
        assert "Mine" in awa.get(f"/write?draft={number}").text

    def test_a_full_disk_says_so(self, village: Village, monkeypatch: pytest.MonkeyPatch) -> None:
        awa = village.villager("awa")

        def full(*_: object) -> None:
            raise StoreFull("no room")

        monkeypatch.setattr(drafts, "save", full)
        awa.post("/write/keep", status=507, text="Mbote")

    def test_a_letter_that_is_passed_on_keeps_the_files_chosen_last(self, village: Village) -> None:
        awa = village.villager("awa")
        files = (("a.txt", b"a", "text/plain"), ("b.txt", b"b", "text/plain"))
        awa.write("awa", files=files)
        form = awa.open_first().click("Forward").forms[0]
        forwards = form["forwards"].value
        number = awa.post("/write/keep", status=200, forwards=forwards, forward="0").text
        assert [row["name"] for row in village.rows("draft_attachment")] == ["a.txt"]
        form.get("forward", index=0).checked = False
        awa.send(form, "save", to="awa", draft=number)
        assert [row["name"] for row in village.rows("draft_attachment")] == ["b.txt"]


def problem(page: TestResponse) -> str:
    return str(page.html.select_one(".problem").get_text())


def test_a_subject_that_is_too_long_leaves_the_text(village: Village) -> None:
    awa = village.villager("awa")
    answer = awa.write(
        "ben", subject="x" * 1_000_000, text="Mbote mingi", status=413, files=(PHOTO,)
    )
    assert answer.forms[0]["text"].value == "Mbote mingi"
    assert len(answer.forms[0]["subject"].value) == 32_000
    assert "may have 1.0 MB together, each field but the text 32 KB" in problem(answer)


def test_of_a_text_that_is_too_long_its_beginning_stays(village: Village) -> None:
    awa = village.villager("awa")
    answer = awa.write("ben", text="Mbote" * 210_000, status=413, files=(PHOTO,))
    assert len(answer.forms[0]["text"].value) > 900_000
    assert "Of what is longer only the beginning has come." in problem(answer)


@pytest.mark.parametrize("number", [101, 300, 3000])
def test_of_too_many_files_the_text_stays_and_how_many_are_taken_is_said(
    village: Village, number: int
) -> None:
    awa = village.villager("awa")
    answer = awa.write(
        "ben", text="Mbote mingi", status=413, files=(("a.txt", b"a", "a/b"),) * number
    )
    assert "These are too many files: one letter takes 100 at most." in problem(answer)
    assert answer.forms[0]["text"].value == "Mbote mingi"
    assert answer.forms[0]["to"].value == "ben"
    assert village.rows("draft_attachment") == []


def test_files_of_several_forms_are_not_too_many_together(village: Village) -> None:
    awa = village.villager("awa")
    files = (("a.txt", b"a", "a/b"),) * 60
    form = awa.write("awa", button="save", files=files).follow().forms[0]
    answer = awa.send(form, files=files, status=413)
    assert "one letter takes 100 at most" in problem(answer)
    awa.send(answer.forms[0], files=files[:40])
    assert len(village.rows("attachment")) == 100


def test_a_file_whose_name_is_too_long_is_named_so_and_the_text_stays(village: Village) -> None:
    awa = village.villager("awa")
    answer = awa.write(
        "ben", text="Mbote mingi", status=413, files=(PHOTO, ("x" * 10_000, b"x", "text/plain"))
    )
    assert "The name of a file is too long." in problem(answer)
    assert answer.forms[0]["text"].value == "Mbote mingi"


def test_fields_without_end_are_no_form(village: Village) -> None:
    awa = village.villager("awa")
    fields = [("csrf", awa.token()), ("text", "Mbote mingi"), *[("also", "ben")] * 3000]
    for answer in (
        awa.app.post("/write", fields, status=400),
        awa.app.post("/write", fields, upload_files=[("files", *PHOTO)], status=400),
    ):
        assert "What came from your phone cannot be read." in problem(answer)
        assert answer.forms[0]["text"].value == "Mbote mingi"


def test_a_page_that_takes_files_says_which_limit_they_have_passed(village: Village) -> None:
    awa = village.villager("awa")
    answer = awa.app.post(
        "/people/cards", {"csrf": awa.token()}, upload_files=[("files", *LARGE)], status=413
    )
    assert "The files are too large" in problem(answer)
