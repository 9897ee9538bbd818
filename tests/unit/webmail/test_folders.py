# SPDX-License-Identifier: Apache-2.0
"""Deleting, archiving, finding, drafts, answers to all, and taking back."""

from urllib.parse import urlencode

import pytest
from webtest import Form

from mokanda_firmware.mailbox.people import contacts
from mokanda_firmware.mailbox.sync import outgoing
from mokanda_wire.message import Mailbox
from tests.unit.webmail.served_village import DOMAIN, Phone, Village
from tests.unit.webmail.test_letters import WORLD, bring, from_world

PHOTO = ("photo.jpg", b"\xff\xd8photo", "image/jpeg")


def test_a_deleted_letter_is_back_after_undo(village: Village) -> None:
    awa = village.villager("awa")
    bring(village, from_world())
    page = awa.press(awa.open_first(), "trash").follow()
    assert "in the trash now" in page.text
    assert awa.letters() == []
    assert awa.letters("trash") == ["Photos"]
    assert "back where it was" in awa.press(page, "back").follow().text
    assert awa.letters() == ["Photos"]


def test_several_conversations_are_archived_at_once(village: Village) -> None:
    awa = village.villager("awa")
    bring(village, *(from_world(message_id=f"{n}@x.org", subject=f"n{n}") for n in range(3)))
    bring(village, from_world(message_id="9@x.org", subject="Re: n0", references=("0@x.org",)))
    page = awa.get("/inbox").click("Choose several")
    boxes = page.html.select("input[name=entry]")
    assert len(boxes) == 3
    answer = awa.press(page, "archive", entry=[boxes[0]["value"], boxes[1]["value"]])
    assert answer.location.startswith("/inbox?undo=")
    assert awa.letters() == ["n1"]
    assert awa.letters("archive") == ["Re: n0", "n2"]


def test_the_trash_is_emptied_for_good(village: Village) -> None:
    awa = village.villager("awa")
    bring(village, from_world())
    awa.press(awa.open_first(), "trash")
    awa.press(awa.get("/trash"), "empty", sure=True)
    assert awa.letters("trash") == []
    assert village.rows("message") == []


def test_nobody_deletes_the_letter_of_another(village: Village) -> None:
    awa, ben = village.villager("awa"), village.villager("ben")
    bring(village, from_world())
    ben.post("/move", entry="1", do="trash", whole="1")
    ben.post("/move", entry="1", do="delete")
    assert awa.letters() == ["Photos"]


@pytest.mark.parametrize("fields", [{}, {"do": "x"}, {"do": "trash", "entry": "x' OR 1"}])
def test_a_move_that_is_none_does_nothing(village: Village, fields: dict[str, str]) -> None:
    awa = village.villager("awa")
    bring(village, from_world())
    awa.post("/move", status=303, **fields)
    assert awa.letters() == ["Photos"]


def test_a_page_shows_no_more_of_an_undo_than_numbers(village: Village) -> None:
    awa = village.villager("awa")
    page = awa.get('/inbox?note=moved-trash&undo=1-<b>2"')
    assert [box["value"] for box in page.html.select("input[name=entry]")] == ["1", "2"]
    assert not page.html.select("b")


def test_a_draft_is_found_again_and_can_be_deleted(village: Village) -> None:
    awa = village.villager("awa")
    awa.write("ben", "À finir", button="save")
    assert awa.letters("drafts") == ["À finir"]
    page = awa.get("/drafts")
    assert page.click("À finir").forms[0]["subject"].value == "À finir"
    form = next(one for one in page.forms.values() if one.action.startswith("/drafts/"))
    form.submit()
    assert awa.letters("drafts") == []


def test_nobody_deletes_the_draft_of_another(village: Village) -> None:
    awa, ben = village.villager("awa"), village.villager("ben")
    awa.write("", "À finir", button="save")
    ben.post(f"/drafts/{village.rows('draft')[0]['id']}/delete")
    assert awa.letters("drafts") == ["À finir"]


def test_an_answer_to_all_goes_to_everybody_else(village: Village) -> None:
    awa = village.villager("awa")
    bring(
        village,
        from_world(
            to=(Mailbox(f"awa@{DOMAIN}"), Mailbox(f"ben@{DOMAIN}")), cc=(Mailbox("p@example.net"),)
        ),
    )
    form = awa.open_first().click("Reply to all").forms[0]
    assert form["to"].value == f"Marie Okito <{WORLD}>"
    assert form["cc"].value == "ben, p@example.net"


def test_a_letter_is_passed_on_with_the_files_chosen(village: Village) -> None:
    awa, ben = village.villager("awa"), village.villager("ben")
    awa.write("awa", "Fête", "Venez!", files=(PHOTO, ("liste.pdf", b"%PDF", "application/pdf")))
    form = awa.open_first().click("Forward").forms[0]
    assert form["subject"].value == "Fwd: Fête"
    assert "Venez!" in form["text"].value
    assert form.get("forward", 0).checked
    form.get("forward", 1).checked = False
    awa.send(form, to="ben")
    letter = ben.open_first()
    assert "photo.jpg" in letter.text
    assert "liste.pdf" not in letter.text
    assert [row["message"] for row in village.rows("attachment")].count(2) == 1


def test_files_to_pass_on_survive_a_form_that_is_given_back(village: Village) -> None:
    awa = village.villager("awa")
    awa.write("awa", "Fête", files=(PHOTO,))
    page = awa.send(awa.open_first().click("Forward").forms[0], to="nobody", status=422)
    awa.send(page.forms[0], to="awa")
    assert "photo.jpg" in awa.open_first().text


def test_nobody_passes_on_the_files_of_another(village: Village) -> None:
    awa, ben = village.villager("awa"), village.villager("ben")
    awa.write("awa", "Secret", files=(PHOTO,))
    ben.post("/write", send="1", to="ben", forwards="1", forward="0", status=404)
    assert ben.letters() == []


def test_a_letter_that_waits_is_taken_back_as_a_draft(village: Village) -> None:
    awa = village.villager("awa")
    awa.write(WORLD, "Trop vite", "Attends", files=(PHOTO,), bcc="hidden@example.org")
    letter = awa.open_first("outbox")
    form = next(one for one in letter.forms.values() if one.action.endswith("/take-back"))
    page = form.submit().follow()
    again = page.forms[0]
    assert (again["to"].value, again["bcc"].value) == (WORLD, "hidden@example.org")
    assert "photo.jpg" in page.text
    assert outgoing.waiting(village.store, 10_000) == []
    assert "on its way already" in form.submit(status=409).text
    awa.send(again)
    assert len(outgoing.waiting(village.store, 10_000)) == 1


def test_an_answer_that_is_taken_back_is_one_still(village: Village) -> None:
    awa = village.villager("awa")
    awa.post("/account/aliases", status=303, alias="mama")
    bring(village, from_world(to=(Mailbox(f"mama@{DOMAIN}"),)))
    awa.send(awa.open_first().click("Reply", index=0).forms[0])
    letter = awa.open_first("outbox").request.path
    again = awa.post(f"{letter}/take-back", status=303).follow()
    assert f"This letter goes out as mama@{DOMAIN}." in again.text
    awa.send(again.forms[0])
    waiting = outgoing.waiting(village.store, 10_000)[0].message
    assert (waiting.sender.address, waiting.in_reply_to) == (f"mama@{DOMAIN}", "1@example.org")


def test_people_are_chosen_without_typing(village: Village) -> None:
    awa, ben = village.villager("awa"), village.villager("ben", "Ben Ilunga")
    form = awa.get("/write").forms[0]
    form.get("also", 0).checked = True
    awa.send(form, subject="Choisi")
    assert ben.letters() == ["Choisi"]


def test_letters_are_searched(village: Village) -> None:
    awa = village.villager("awa")
    bring(village, from_world(text="La <b>réunion</b> est jeudi."))
    page = awa.get("/search?q=reunion")
    assert page.html.select_one("mark").get_text() == "réunion"
    assert not page.html.select(".found b")
    assert "Photos" in page.click("Photos").text
    assert "Nothing was found." in awa.get("/search?q=rien").text
    assert "Photos" in awa.get("/search?people=marie&since=2020-01-01&until=2099-01-01").text
    assert "Nothing was found." in awa.get("/search?q=photos&until=2020-01-01").text
    assert "Photos" in awa.get("/search?since=2020-01-01&until=2099-01-01").text
    assert "Nothing was found." in awa.get("/search?until=2020-01-01").text
    awa.get("/search?q=%FF%00&since=x&until=9999-12-31")


@pytest.mark.parametrize("typed", ["bolɛ́ngɛ", "bolɛngɛ", "BOLƐ́", "“na bolɛ́ngɛ”"])
def test_a_word_with_accents_that_stand_by_themselves_is_found(
    village: Village, typed: str
) -> None:
    awa = village.villager("awa")
    bring(village, from_world(text="Sango na bolɛ́ngɛ"))
    assert "Photos" in awa.get("/search?" + urlencode({"q": typed})).text


def test_a_day_that_is_typed_by_hand_is_read_or_explained(village: Village) -> None:
    awa = village.villager("awa")
    bring(village, from_world())
    assert "Photos" in awa.get("/search?since=01/01/2020&until=1.1.2099").text
    page = awa.get("/search?since=monday")
    assert "A day looks like this: 2026-11-29" in page.html.select_one(".problem").get_text()
    assert "Nothing was found." not in page.text


@pytest.mark.parametrize(
    ("typed", "is_found"),
    [
        ('"réunion est"', True),
        ("“reunion est jeudi” photos", True),
        ("«\u00a0La\u00a0réunion\u00a0»", True),
        ('"est réunion"', False),
        ('"reunion es"', False),
        ('"réunion est', True),
        ('"" reun', True),
        ('"-"', False),
    ],
)
def test_what_stands_in_quotes_is_found_as_it_stands(
    village: Village, typed: str, *, is_found: bool
) -> None:
    awa = village.villager("awa")
    bring(village, from_world(text="La réunion est jeudi."))
    assert ("Photos" in awa.get("/search?" + urlencode({"q": typed})).text) == is_found


def test_a_letter_is_marked_as_unread(village: Village) -> None:
    awa = village.villager("awa")
    bring(village, from_world())
    page = awa.open_first()
    assert not awa.get("/inbox").html.select(".unread")
    assert awa.press(page, "unread").location == "/inbox"
    assert awa.get("/inbox").html.select(".unread")


def test_the_trash_is_emptied_by_who_is_sure(village: Village) -> None:
    awa = village.villager("awa")
    bring(village, from_world())
    awa.post("/move", 303, entry="1", do="trash")
    awa.post("/move", 422, do="empty")
    assert awa.letters("trash") == ["Photos"]


def test_a_letter_with_a_star_is_found_by_it(village: Village) -> None:
    awa, ben = village.villager("awa"), village.villager("ben")
    bring(village, from_world(), from_world(message_id="2@example.org", subject="Marché"))
    assert "Nothing was found." in awa.get("/search?starred=1").text
    page = awa.press(awa.get("/mail/1"), "star").follow()
    assert page.request.path == "/mail/1"
    assert "★" in awa.get("/inbox").text
    assert "Photos" in awa.get("/search?starred=1").text
    assert "Marché" not in awa.get("/search?starred=1").text
    assert "Nothing was found." in awa.get("/search?starred=1&q=rien").text
    ben.post("/move", 303, entry="1", do="unstar")
    assert "★" in awa.get("/inbox").text
    awa.press(page, "unstar")
    assert "★" not in awa.get("/inbox").text


def test_a_letter_of_another_is_not_marked(village: Village) -> None:
    awa, ben = village.villager("awa"), village.villager("ben")
    bring(village, from_world())
    awa.open_first()
    ben.post("/move", entry="1", do="unread")
    assert not awa.get("/inbox").html.select(".unread")


class TestContacts:
    def person(self, phone: Phone, address: str) -> Form:
        page = phone.get(f"/people/person?{urlencode({'address': address})}")
        return next(one for one in page.forms.values() if one.action == "/people/person")

    def test_are_named_and_keep_that_name(self, village: Village) -> None:
        awa = village.villager("awa")
        awa.write(f"Marie <{WORLD}>")
        form = self.person(awa, WORLD)
        form["name"] = "Tante Marie"
        assert form.submit().location == "/people?note=saved"
        awa.write(f"Mme Okito <{WORLD}>")
        assert "Tante Marie" in awa.get("/people").text

    def test_get_another_address(self, village: Village) -> None:
        awa = village.villager("awa")
        awa.write(f"Marie <{WORLD}>, x@y.example")
        form = self.person(awa, WORLD)
        form["address"] = "marie@new.example"
        form.submit()
        form = self.person(awa, "x@y.example")
        form["address"] = "MAILTO:marie@new.example"  # she was there twice
        form["name"] = "Marie Okito"
        form.submit()
        assert [(one["address"], one["letters"]) for one in village.rows("contact")] == [
            ("marie@new.example", 2)
        ]
        form["address"] = "éé@new.example"
        form["old"] = "marie@new.example"
        assert "there is “é” in it" in form.submit(status=422).text
        form["address"] = "a@x.example, b@x.example"
        assert "Please write one address." in form.submit(status=422).text
        form["old"] = "nobody@x.example"
        form.submit(status=404)

    def test_are_shown_by_pages_and_searched(self, village: Village) -> None:
        awa = village.villager("awa")
        people = [
            Mailbox(f"c{number:03}@x.example", f"Élodie {number:03}") for number in range(913)
        ]
        contacts.add(village.store, 1, people)
        page = awa.get("/people")
        assert len(page.html.select(".change")) == 40
        assert len(page.body) < 25_000
        page = page.click("More", href="page=1")
        assert "Élodie 040" in page.text
        assert "Élodie 000" in page.click("Back").text
        assert len(awa.get("/people?page=999999").html.select(".change")) == 913 % 40
        found = awa.get("/people?q=elodie+912").html.select(".change")
        assert [one["href"] for one in found] == ["/people/person?address=c912%40x.example"]
        assert "Nothing was found." in awa.get("/people?q=zoe").text


def test_people_one_has_written_to_are_kept_and_can_be_forgotten(village: Village) -> None:
    awa = village.villager("awa")
    awa.write(f"Marie <{WORLD}>")
    page = awa.get("/people").click("Change")
    form = next(one for one in page.forms.values() if one.action == "/people/forget")
    assert "is forgotten" in form.submit().follow().text
    assert WORLD not in awa.get("/people").text
