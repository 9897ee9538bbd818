# SPDX-License-Identifier: Apache-2.0
"""Signature, absence, other names, groups, cards of a phone, and the noticeboard."""

import time
from datetime import UTC, datetime

import pytest

from mokanda_firmware.mailbox.people import aliases, vcards
from mokanda_firmware.mailbox.store import clock
from mokanda_firmware.mailbox.sync import outgoing
from mokanda_firmware.webmail.pages.people import contacts
from mokanda_wire.bundle import Mail
from mokanda_wire.message import Mailbox
from tests.unit.webmail.served_village import DOMAIN, Village
from tests.unit.webmail.test_letters import WORLD, bring, from_world

CARDS = (
    "BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Okito;=C3=89lise=\r\n"
    "=20Marie;;;\r\nEMAIL;HOME:elise@example.org\r\nTEL:+243\r\nEND:VCARD\r\n"
    "BEGIN:VCARD\nVERSION:3.0\nFN:Jean\\, dit Papa\nitem1.EMAIL;type=INTERNET:jean@exam\n ple.org\n"
    "EMAIL:not an address\nPHOTO;ENCODING=b:AAAA\nEND:VCARD\n"
)


def answers(village: Village) -> list[tuple[str, ...]]:
    """Who outside the village gets an answer, and what."""
    waiting = outgoing.waiting(village.store, 10**6)
    return [(*one.recipients, one.message.text) for one in waiting]


class TestSignature:
    """It stands below what one begins, and goes where it is taken away."""

    def test_every_letter_begins_with_it(self, village: Village) -> None:
        awa = village.villager("awa")
        awa.post("/account/signature", status=303, signature="Awa\nBoende\n")
        assert awa.get("/write").forms[0]["text"].value == "\n\n-- \nAwa\nBoende"
        bring(village, from_world(text="Ça va?"))
        form = awa.open_first().click("Reply", index=0).forms[0]
        assert form["text"].value == ("\n\nMarie Okito wrote:\n> Ça va?\n\n-- \nAwa\nBoende")
        awa.post("/account/signature", status=303, signature="")
        assert awa.get("/write").forms[0]["text"].value == ""


class TestAbsence:
    """Whoever writes is told once a week; machines never are."""

    def away(self, village: Village, until: str = "") -> None:
        awa = village.villager("awa")
        note = awa.post("/account/absence", status=303, absence="Je suis à Kin.", until=until)
        assert "once a week" in note.follow().text

    def test_a_last_day_that_cannot_be_read_does_not_make_it_endless(
        self, village: Village
    ) -> None:
        awa = village.villager("awa")
        fields = {"absence": "Je suis à Kin.", "until": "30.02.2026"}
        page = awa.post("/account/absence", status=422, **fields)
        assert "A day looks like this" in page.html.select_one(".problem").get_text()
        assert "Je suis à Kin." in page.text
        assert village.rows("account")[0]["absence"] == ""
        awa.post("/account/absence", status=303, absence="Kin", until="28/02/2030")
        assert 'value="2030-02-28"' in awa.get("/account/habits").text

    def test_who_writes_is_told_once(self, village: Village) -> None:
        self.away(village)
        bring(village, from_world(), from_world(message_id="2@example.org"))
        assert answers(village) == [(WORLD, "Je suis à Kin.")]
        answer = outgoing.waiting(village.store, 10**6)[0].message
        assert (answer.subject, answer.in_reply_to) == ("Re: Photos", "1@example.org")
        assert answer.automatic

    def test_a_week_later_it_is_told_again(
        self, village: Village, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.away(village)
        bring(village, from_world())
        monkeypatch.setattr(clock, "now", lambda: int(time.time()) + 8 * 24 * 3600)
        bring(village, from_world(message_id="2@example.org"))
        assert len(answers(village)) == 2

    def test_a_mail_that_comes_again_is_not_answered_again(self, village: Village) -> None:
        self.away(village)
        bring(village, from_world())
        with village.store.transaction() as connection:
            connection.execute("DELETE FROM absence_reply")
        bring(village, from_world())
        assert len(answers(village)) == 1

    def test_it_ends_by_itself(self, village: Village) -> None:
        self.away(village, until="2020-01-01")
        bring(village, from_world())
        assert answers(village) == []

    @pytest.mark.parametrize(
        "changes",
        [
            {"automatic": True},
            {"sender": Mailbox("MAILER-DAEMON@example.org")},
            {"sender": Mailbox("no-reply@example.org")},
            {"sender": Mailbox("news-bounces@example.org")},
            {"sender": Mailbox("bounce+awa=boende@example.org")},
            {"sender": Mailbox("unknown@unknown.invalid")},
            {"sender": Mailbox(f"awa@{DOMAIN}")},
            {"to": (Mailbox("list@example.org"),)},
            {"to": ()},
        ],
    )
    def test_what_no_person_wrote_to_one_gets_no_answer(
        self, village: Village, changes: dict[str, object]
    ) -> None:
        self.away(village)
        bring(village, from_world(**changes))
        assert answers(village) == []
        assert [row["origin"] for row in village.rows("entry")] == ["received"]

    def test_a_neighbour_is_told_at_once(self, village: Village) -> None:
        self.away(village)
        ben = village.villager("ben")
        ben.write("awa")
        assert ben.letters() == ["Re: Mbote"]
        assert answers(village) == []

    def test_two_who_are_away_do_not_write_for_ever(self, village: Village) -> None:
        self.away(village)
        ben = village.villager("ben")
        ben.post("/account/absence", status=303, absence="Moi aussi.")
        ben.write("awa")
        assert ben.letters() == ["Re: Mbote"]
        assert len(village.rows("message")) == 2


class TestOtherNames:
    """Letters to an alias come to its owner."""

    def test_letters_to_both_names_arrive(self, village: Village) -> None:
        awa, ben = village.villager("awa"), village.villager("ben")
        awa.post("/account/aliases", status=303, alias="Mama.Awa")
        ben.write("mama.awa", "Mbote")
        message = from_world(to=(Mailbox(f"mama.awa@{DOMAIN}"),), subject="Photos").message
        bring(village, Mail((f"mama.awa@{DOMAIN}",), message))
        assert awa.letters() == ["Photos", "Mbote"]
        assert aliases.all_names(village.store) == ["awa", "ben", "mama.awa"]

    def test_a_name_belongs_to_one(self, village: Village) -> None:
        awa, ben = village.villager("awa"), village.villager("ben")
        awa.post("/account/aliases", status=409, alias="ben")
        awa.post("/account/aliases", status=303, alias="mama")
        assert (
            "has this name already" in ben.post("/account/aliases", status=409, alias="mama").text
        )
        form = village.phone().get("/register").forms[0]
        form["name"], form["display_name"] = "mama", "Mama"
        form["password"] = form["again"] = "elombe-2026"
        form.submit(status=409)
        ben.post("/account/aliases/remove", status=303, alias="mama")
        assert [row["name"] for row in village.rows("alias")] == ["mama"]
        awa.post("/account/aliases/remove", status=303, alias="mama")
        ben.post("/account/aliases", status=303, alias="mama")

    def test_nobody_takes_all_names(self, village: Village) -> None:
        awa = village.villager("awa")
        for number in range(5):
            awa.post("/account/aliases", status=303, alias=f"awa{number}")
        page = awa.post("/account/aliases", status=422, alias="awa5")
        assert "You have 5 other names already" in page.text
        awa.post("/account/aliases", status=422, alias="É")


class TestGroups:
    """A name that stands for several people."""

    def test_a_letter_to_a_group_goes_to_all_of_it(self, village: Village) -> None:
        awa, ben, chantal = (village.villager(name) for name in ("awa", "ben", "chantal"))
        awa.post("/people/group", status=303, name="École", members=f"ben\nMarie <{WORLD}>")
        assert "École".lower() in awa.get("/write").text
        awa.write("école, chantal", "Réunion")
        assert ben.letters() == chantal.letters() == ["Réunion"]
        assert [one.recipients for one in outgoing.waiting(village.store, 10**6)] == [(WORLD,)]

    def test_a_group_is_its_owners(self, village: Village) -> None:
        awa, ben = village.villager("awa"), village.villager("ben")
        awa.post("/people/group", status=303, name="ecole", members="ben")
        assert "Nobody in the village" in ben.write("ecole", status=422).text

    def test_a_group_is_changed_and_dissolved(self, village: Village) -> None:
        awa = village.villager("awa")
        awa.post("/people/group", status=303, name="ecole", members="awa")
        form = awa.get("/people/group?name=ecole").forms[0]
        assert form["members"].value == "awa"
        form["members"] = WORLD
        form.submit()
        assert WORLD in awa.get("/people").text
        awa.get("/people/group?name=ecole").forms[0].submit("dissolve")
        assert village.rows("people_group") == []

    def test_a_group_that_is_renamed_is_still_one(self, village: Village) -> None:
        awa = village.villager("awa")
        awa.post("/people/group", status=303, name="ecole", members="awa")
        form = awa.get("/people/group?name=ecole").forms[0]
        form["name"] = "école de Boende"
        form.submit(status=303)
        assert [row["name"] for row in village.rows("people_group")] == ["école de boende"]

    def test_a_new_group_does_not_take_the_place_of_another(self, village: Village) -> None:
        awa = village.villager("awa")
        awa.post("/people/group", status=303, name="ecole", members="awa")
        page = awa.post("/people/group", status=409, name="ecole", members=WORLD)
        assert "Somebody has this name already" in page.html.select_one(".problem").get_text()
        assert WORLD not in awa.get("/people").text

    @pytest.mark.parametrize("name", ["Bolɛ́ngɛ", "e\u0301cole", "d'Élombé", "مجموعة", "हिन्दी"])
    def test_its_name_is_of_any_language(self, village: Village, name: str) -> None:
        awa = village.villager("awa")
        awa.post("/people/group", status=303, name=name, members="awa")
        awa.write(f"“{name}”", "Sango")
        assert awa.letters() == ["Sango"]

    def test_it_has_no_villagers_name(self, village: Village) -> None:
        awa, _ = village.villager("awa"), village.villager("ben")
        page = awa.post("/people/group", status=409, name="Ben", members="awa")
        assert "Somebody has this name already" in page.html.select_one(".problem").get_text()

    def test_an_answer_to_who_is_called_as_it_goes_to_them_alone(self, village: Village) -> None:
        awa, ben = village.villager("awa"), village.villager("ben")
        awa.post("/people/group", status=303, name="chantal", members="ben")
        chantal = village.villager("chantal")  # who has come later
        chantal.write("awa", "For you alone")
        letter = awa.open_first()
        awa.send(awa.get(f"{letter.request.path}/reply").forms[0])
        form = awa.get("/write").forms[0]
        form.set("also", value=True, index=1)  # behind the group
        awa.send(form, subject="And again")
        assert chantal.letters() == ["And again", "Re: For you alone"]
        assert ben.letters() == []

    def test_it_has_no_members_whom_nobody_here_is(self, village: Village) -> None:
        page = village.villager("awa").post(
            "/people/group", status=422, name="ecole", members=f"{WORLD}\nnobody"
        )
        assert "this name: nobody" in page.html.select_one(".problem").get_text()

    @pytest.mark.parametrize(
        ("name", "members"), [("two, words", "awa"), ("", "awa"), ("ecole", "é@"), ("a@b", "awa")]
    )
    def test_what_is_no_group_says_why(self, village: Village, name: str, members: str) -> None:
        page = village.villager("awa").post("/people/group", status=422, name=name, members=members)
        assert page.html.select_one(".problem")
        assert page.forms[0]["members"].value == members


class TestCards:
    """A phone's contacts come in, and go back."""

    def test_the_people_of_a_phone_are_read(self) -> None:
        assert vcards.read(CARDS.encode()) == [
            Mailbox("elise@example.org", "Élise Marie Okito"),
            Mailbox("jean@example.org", "Jean, dit Papa"),
        ]

    @pytest.mark.parametrize(
        ("cards", "people"),
        [
            (  # a name in its parts alone
                b"BEGIN:VCARD\nN:;Papa Joe;;;\nFN:\nEMAIL:joe@example.org\nEND:VCARD\n",
                [("joe@example.org", "Papa Joe")],
            ),
            (
                b"BEGIN:VCARD\nN:Mboyo\\; fils;Jean\\, Paul;x\nEMAIL:jp@example.org\nEND:VCARD",
                [("jp@example.org", "Jean, Paul Mboyo; fils")],
            ),
            (  # Nokia: quoted-printable that goes on in the next line
                b"BEGIN:VCARD\r\nVERSION:2.1\r\n"
                b"N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=C3=89tienne=20=4D=62=6F=\r\n=79=6F;;;;\r\n"
                b"FN;charset=utf-8;encoding=quoted-printable:=C3=89tienne=20=4D=62=6F=\r\n=79=6F\r\n"
                b"EMAIL;PREF;INTERNET:etienne@example.org\r\nEND:VCARD\r\n",
                [("etienne@example.org", "Étienne Mboyo")],
            ),
            (  # a card in a card
                b"BEGIN:VCARD\nFN:Le chef\nEMAIL:chef@example.org\nAGENT:\n"
                b"BEGIN:VCARD\nFN:Secr\xe9taire\nEMAIL:sec@example.org\nEND:VCARD\nEMAIL:chef2@example.org\nEND:VCARD\n",
                [
                    ("sec@example.org", "Secrétaire"),
                    ("chef@example.org", "Le chef"),
                    ("chef2@example.org", "Le chef"),
                ],
            ),
            (  # charsets as they are said, a line in each
                b"BEGIN:VCARD\nFN;CHARSET=windows-1251:\xc8\xe2\xe0\xed\nEMAIL:i@example.org\nEND:VCARD\n"
                b"BEGIN:VCARD\nFN;CHARSET=punycode:\xc3\xa9va\nEMAIL:e@example.org\nEND:VCARD\n",
                [("i@example.org", "Иван"), ("e@example.org", "éva")],
            ),
            (  # a group's prefix, a quoted parameter, folded lines, what nobody sees
                b'BEGIN:VCARD\nitem1.EMAIL;X="a:b":\xe2\x80\x8ejo@exam\n ple.org\n'
                b"FN:\xe2\x80\xaeJo\\nB\nEND:VCARD",
                [("jo@example.org", "Jo B")],
            ),
            (  # version 2.1: a blank that a line begins with is of the value
                b"BEGIN:VCARD\nVERSION:2.1\nFN;QUOTED-PRINTABLE:Jean=\n Paul\n"
                b"EMAIL:jp@example.org\nEND:VCARD\n"
                b"BEGIN:VCARD\nVERSION:2.1\nFN:Mama\n Coco\nEMAIL:c@example.org\nEND:VCARD\n",
                [("jp@example.org", "Jean Paul"), ("c@example.org", "Mama Coco")],
            ),
            (  # names in base64
                b"BEGIN:VCARD\nVERSION:2.1\nFN;ENCODING=BASE64:w4l0aWVubmU=\n\n"
                b"EMAIL:e@example.org\nEND:VCARD\n"
                b"BEGIN:VCARD\nFN;ENCODING=b;CHARSET=UTF-8:RXZh\nEMAIL:v@example.org\nEND:VCARD\n",
                [("e@example.org", "Étienne"), ("v@example.org", "Eva")],
            ),
            (  # addresses as people type them
                b"BEGIN:VCARD\nFN:Jo\nEMAIL:mailto:a@example.org\nEMAIL:Jo B <b@example.org>\n"
                b"EMAIL:c@example.org\\, d@example.org\n"
                b"EMAIL:e\xef\xbc\xa0example.org\nEND:VCARD\n",
                [(f"{name}@example.org", "Jo") for name in "abcde"],
            ),
            (  # a file that was cut off
                b"BEGIN:VCARD\nFN:Jo\nEMAIL:jo@example.org\nTEL:+2438",
                [("jo@example.org", "Jo")],
            ),
        ],
    )
    def test_cards_of_all_kinds_are_read(self, cards: bytes, people: list[tuple[str, str]]) -> None:
        assert [(one.address, one.name) for one in vcards.read(cards)] == people

    @pytest.mark.parametrize("charset", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
    def test_cards_are_read_in_every_encoding_of_unicode(self, charset: str) -> None:
        assert vcards.read(CARDS.encode(charset)) == vcards.read(CARDS.encode())

    def test_several_people_have_several_addresses(self) -> None:
        one = "BEGIN:VCARD\nFN:P{0}\nEMAIL:p{0}@a.example\nEMAIL:p{0}@b.example\nEND:VCARD\n"
        cards = "".join(one.format(number) for number in range(6000))
        assert len(vcards.read(cards.encode())) == 5000

    def test_what_is_written_is_read_again(self) -> None:
        people = [Mailbox("a@example.org", "A; B, \\C"), Mailbox("b@example.org", "b@example.org")]
        assert vcards.read(vcards.write(people)) == people

    @pytest.mark.parametrize("data", [b"", b"\xff\xfe\x00", b"BEGIN:VCARD\n" * 9999, b":" * 99_999])
    def test_what_is_no_card_is_nobody(self, data: bytes) -> None:
        assert vcards.read(data) == []

    def test_of_a_file_that_is_too_large_none_is_taken_in(
        self, village: Village, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(contacts, "_MAX_CARDS", len(CARDS.encode()) - 1)
        awa = village.villager("awa")
        files = (("contacts.vcf", CARDS.encode(), "text/x-vcard"),)
        page = awa.send(awa.get("/people").forms[0], "x", files, 413)
        assert "without pictures" in page.html.select_one(".problem").get_text()
        assert village.rows("contact") == []

    def test_they_come_among_ones_contacts_and_go_back(self, village: Village) -> None:
        awa = village.villager("awa")
        form = awa.get("/people").forms[0]
        files = (("contacts.vcf", CARDS.encode(), "text/x-vcard"),)
        assert "are here now" in awa.send(form, "x", files).follow().text
        answer = awa.get("/people/cards.vcf")
        assert answer.content_type == "text/vcard"
        assert len(vcards.read(answer.body)) == 2
        assert "no cards" in awa.send(form, "x", (("a.vcf", b"x", "text/vcard"),), 422).text


class TestNews:
    """The keeper and the helpers write, everybody reads."""

    def put_up(self, village: Village, title: str = "Marché") -> None:
        keeper = village.phone()
        keeper.log_in("awa")
        keeper.post("/news", status=303, title=title, text="*Samedi* <script>alert(1)</script>")

    def test_everybody_reads_what_the_keeper_puts_up(self, village: Village) -> None:
        village.villager("awa", "Awa Mboyo")
        self.put_up(village)
        page = village.phone().get("/").click("News of the village")
        assert page.html.select_one("h2").get_text() == "Marché"
        assert str(page.html.select_one(".text b")) == "<b>Samedi</b>"
        assert not page.html.select("script")

    def test_a_title_is_seen_by_everybody(self, village: Village) -> None:
        keeper = village.villager("awa")
        assert "has a title" in keeper.post("/news", 422, title="\u200b", text="x").text
        keeper.post("/news", 303, title="\u202eMarket", text="x")
        assert village.rows("notice")[0]["title"] == "Market"

    def test_a_notice_sent_twice_hangs_once(self, village: Village) -> None:
        village.villager("awa")
        self.put_up(village)
        self.put_up(village)
        assert len(village.rows("notice")) == 1

    def test_villagers_only_read(self, village: Village) -> None:
        village.villager("awa")
        ben = village.villager("ben")
        assert [form.action for form in ben.get("/news").forms.values()] == ["/logout", "/language"]
        ben.post("/news", status=403, title="x", text="y")
        self.put_up(village)
        ben.post("/news/1/delete", status=403)
        assert len(village.rows("notice")) == 1

    def test_a_helper_takes_down_only_what_is_his(self, village: Village) -> None:
        keeper, ben = village.villager("awa"), village.villager("ben")
        keeper.post("/villagers/2/role", status=303, role="helper")
        self.put_up(village)
        ben.post("/news", status=303, title="École", text="Lundi")
        ben.post("/news/1/delete", status=404)
        ben.post("/news/2/delete", status=303)
        keeper.post("/news/1/delete", status=303)
        assert village.rows("notice") == []

    def test_old_notices_are_on_further_pages(self, village: Village) -> None:
        village.villager("awa")
        for number in range(12):
            self.put_up(village, f"n{number}")
        page = village.phone().get("/news")
        assert len(page.html.select("h2")) == 10
        assert [one.get_text() for one in page.click("Older").html.select("h2")] == ["n1", "n0"]

    def test_a_notice_without_words_is_none(self, village: Village) -> None:
        page = village.villager("awa").post("/news", status=422, title="Marché", text=" ")
        assert "has a title and a text" in page.text
        assert page.forms[0]["title"].value == "Marché"


def test_the_day_of_return_is_shown_again(village: Village) -> None:
    awa = village.villager("awa")
    awa.post("/account/absence", status=303, absence="Kin", until="2030-05-01")
    page = awa.get("/account/habits")
    assert page.html.select_one("[name=until]")["value"] == "2030-05-01"
    until = village.rows("account")[0]["absent_until"]
    assert datetime.fromtimestamp(until, UTC).isoformat() == "2030-05-02T00:00:00+00:00"
