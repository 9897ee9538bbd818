# SPDX-License-Identifier: Apache-2.0
"""Whom an answer goes to, from whom it is, and what it is called."""

import pytest
from webtest import TestResponse

from mokanda_firmware.mailbox.people import aliases, vacation
from mokanda_firmware.mailbox.people.vacation import AutoReply
from mokanda_firmware.mailbox.store import subjects
from mokanda_firmware.mailbox.sync import outgoing
from mokanda_wire.message import Mailbox
from tests.unit.webmail.served_village import DOMAIN, Phone, Village
from tests.unit.webmail.test_letters import WORLD, bring, from_world

LIST = "liste@lists.example.org"
NO_ANSWER = "This letter cannot be answered"


def here(name: str) -> Mailbox:
    return Mailbox(f"{name}@{DOMAIN}")


def world(number: int) -> tuple[Mailbox, ...]:
    return tuple(Mailbox(f"p{each}@example.org") for each in range(number))


def reply(phone: Phone, way: str = "reply") -> TestResponse:
    """Press Reply or Reply to all on the newest letter."""
    return phone.open_first().click(href=f"/{way}$")


def people(page: TestResponse) -> tuple[str, str]:
    form = page.forms[0]
    return form["to"].value, form["cc"].value


def can_answer_all(page: TestResponse) -> bool:
    return page.html.select_one('a[href$="/reply-all"]') is not None


def test_reply_to_all_goes_to_the_writer_and_all_the_others(village: Village) -> None:
    awa = village.villager("awa")
    village.villager("ben")
    bring(village, from_world(to=(here("awa"), here("ben")), cc=(Mailbox("ada@example.org"),)))
    assert people(reply(awa, "reply-all")) == (f"Marie Okito <{WORLD}>", "ben, ada@example.org")


def test_it_does_not_go_to_oneself_by_whatever_name(village: Village) -> None:
    awa = village.villager("awa")
    aliases.add(village.store, 1, "infirmiere")
    to = (
        *(here("infirmiere"), Mailbox("AWA@Boende.Example.ORG"), here("awa+sante")),
        Mailbox("ada@example.org"),
    )
    bring(village, from_world(to=to))
    assert people(reply(awa, "reply-all"))[1] == "ada@example.org"


def test_with_nobody_else_there_is_no_reply_to_all(village: Village) -> None:
    awa = village.villager("awa")
    aliases.add(village.store, 1, "infirmiere")
    bring(village, from_world(to=(here("infirmiere"), here("awa"))))
    assert not can_answer_all(awa.open_first())


def test_an_answer_to_all_reaches_a_list_that_is_the_only_one_written_to(village: Village) -> None:
    awa = village.villager("awa")
    bring(village, from_world(to=(Mailbox(LIST),), list_post=LIST, automatic=True))
    assert people(reply(awa, "reply-all")) == (f"Marie Okito <{WORLD}>", LIST)


def test_also_one_that_is_not_among_the_people(village: Village) -> None:
    awa = village.villager("awa")
    bring(village, from_world(to=(), list_post=LIST, automatic=True))
    assert people(reply(awa)) == (f"Marie Okito <{WORLD}>", "")
    assert people(reply(awa, "reply-all"))[1] == LIST


def test_where_answers_go_to_the_list_itself_it_is_there_once(village: Village) -> None:
    awa = village.villager("awa")
    both = (Mailbox(WORLD), Mailbox(LIST))
    bring(village, from_world(to=(Mailbox(LIST.title()),), reply_to=both, list_post=LIST))
    assert people(reply(awa)) == (f"{WORLD}, {LIST}", "")
    assert not can_answer_all(awa.open_first())


@pytest.mark.parametrize("sender", ["unknown@unknown.invalid", "no address", "a b@example.org"])
def test_who_cannot_be_read_is_not_answered(village: Village, sender: str) -> None:
    awa = village.villager("awa")
    bring(village, from_world(sender=Mailbox(sender, "Somebody"), cc=world(1)))
    page = awa.open_first()
    assert NO_ANSWER in page.text
    assert "/reply" not in page.text
    assert NO_ANSWER in awa.get(f"{page.request.path}/reply", status=409).text


def test_where_answers_cannot_go_they_go_to_the_writer(village: Village) -> None:
    awa = village.villager("awa")
    bring(village, from_world(reply_to=(Mailbox("x@unknown.invalid"),)))
    assert people(reply(awa))[0] == f"Marie Okito <{WORLD}>"


def test_more_people_than_a_letter_goes_to_are_told_before_a_word_is_written(
    village: Village,
) -> None:
    awa = village.villager("awa")
    bring(village, from_world(cc=world(60)))
    page = reply(awa, "reply-all")
    assert "This letter went to 60 other people" in page.text
    assert people(page) == (f"Marie Okito <{WORLD}>", "")


def test_so_are_those_who_are_only_counted(village: Village) -> None:
    awa = village.villager("awa")
    bring(village, from_world(cc=world(10), others=990))
    page = reply(awa, "reply-all")
    assert "This letter went to 1000 other people" in page.text
    assert people(page)[1] == ""


def test_forty_nine_are_not_too_many(village: Village) -> None:
    awa = village.villager("awa")
    bring(village, from_world(cc=world(49)))
    page = reply(awa, "reply-all")
    assert "other people" not in page.text
    assert len(people(page)[1].split(", ")) == 49


def sent_as(village: Village) -> list[str]:
    return [one.message.sender.address for one in outgoing.waiting(village.store, 100_000)]


def test_what_was_written_to_an_alias_is_answered_as_it(village: Village) -> None:
    awa = village.villager("awa")
    aliases.add(village.store, 1, "infirmiere")
    bring(village, from_world(to=(here("Infirmiere"),)))
    page = reply(awa)
    assert f"This letter goes out as infirmiere@{DOMAIN}." in page.text
    awa.send(page.forms[0])
    assert sent_as(village) == [f"infirmiere@{DOMAIN}"]
    assert people(awa.open_first("outbox").click(href="/reply$"))[0] == f"Marie Okito <{WORLD}>"


@pytest.mark.parametrize("to", [("infirmiere", "awa"), ("ben",), ()])
def test_everything_else_goes_out_under_the_first_name(
    village: Village, to: tuple[str, ...]
) -> None:
    awa = village.villager("awa")
    aliases.add(village.store, 1, "infirmiere")
    bring(village, from_world(to=tuple(map(here, to))))
    page = reply(awa)
    assert "goes out as" not in page.text
    awa.send(page.forms[0])
    assert sent_as(village) == [f"awa@{DOMAIN}"]


def test_an_alias_that_was_taken_away_meanwhile_writes_no_more(village: Village) -> None:
    awa = village.villager("awa")
    aliases.add(village.store, 1, "infirmiere")
    bring(village, from_world(to=(here("infirmiere"),)))
    page = reply(awa)
    aliases.remove(village.store, 1, "infirmiere")
    awa.send(page.forms[0])
    assert sent_as(village) == [f"awa@{DOMAIN}"]


@pytest.mark.parametrize(
    "mark",
    [
        *("Re: ", "RE:", "re :", "Re\u00a0: ", "Re[2]: ", "Re (3): ", "RE\uff1a", "Rép : ", "AW: "),
        *("Antw: ", "SV:", "TR: ", "TR : ", "Fwd: ", "FW:", "WG: ", "ENC: ", "Re: AW: TR : "),
        *("\u0631\u062f: ", "\u56de\u590d\uff1a"),
    ],
)
def test_a_mark_of_any_language_is_known_again(village: Village, mark: str) -> None:
    awa = village.villager("awa")
    bring(village, from_world(subject=f"{mark}La récolte"))
    assert reply(awa).forms[0]["subject"].value == "Re: La récolte"
    assert reply(awa, "forward").forms[0]["subject"].value == "Fwd: La récolte"


@pytest.mark.parametrize("subject", ["", "Records: old", "Regards", "Avis: réunion", "re", "TRI:"])
def test_other_words_stay(subject: str) -> None:
    assert subjects.bare(subject) == subject


ABSENT = AutoReply("Je voyage.")


@pytest.mark.parametrize(
    ("to", "sender", "answered"),
    [
        (f"awa@{DOMAIN}", WORLD, True),
        (f"AWA+x@{DOMAIN.upper()}", WORLD, True),
        ("awa@gmail.com", WORLD, False),
        (f"awa@{DOMAIN}", "unknown@unknown.invalid", False),
        (f"awa@{DOMAIN}", "x@elsewhere.invalid", False),
    ],
)
def test_a_note_of_absence_speaks_for_the_village_alone(
    village: Village, to: str, sender: str, answered: bool
) -> None:
    village.villager("awa")
    vacation.set_auto_reply(village.store, 1, ABSENT)
    bring(village, from_world(to=(Mailbox(to),), sender=Mailbox(sender), subject="RE : Photos"))
    sent = outgoing.waiting(village.store, 100_000)
    assert [one.message.sender.address for one in sent] == [f"awa@{DOMAIN}"] * answered
    assert [one.message.subject for one in sent] == ["Re: Photos"] * answered


def test_neighbours_get_one_too(village: Village) -> None:
    village.villager("awa")
    ben = village.villager("ben")
    vacation.set_auto_reply(village.store, 1, ABSENT)
    ben.write("awa", "Mbote")
    assert ben.letters() == ["Re: Mbote"]
