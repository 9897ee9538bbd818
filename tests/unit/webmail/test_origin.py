# SPDX-License-Identifier: Apache-2.0
"""Who wrote it: what came through the relay is never shown as a neighbour's."""

import dataclasses

import pytest

from mokanda_firmware.webmail.wording import origin
from mokanda_wire.bundle import Stub
from mokanda_wire.message import Mailbox
from tests.unit.webmail.served_village import DOMAIN, Village
from tests.unit.webmail.test_letters import bring, from_world

OUTSIDE = "This letter came from outside the village"
FORGED = "somebody else may have written this letter"
AWA = f"awa@{DOMAIN}"


def test_the_address_of_who_wrote_from_outside_is_always_there(village: Village) -> None:
    awa = village.villager("awa")
    bring(village, from_world())
    assert "marie@example.org" in awa.get("/inbox").text
    page = awa.open_first()
    assert "marie@example.org" in page.text
    assert OUTSIDE not in page.text
    assert FORGED not in page.text
    assert "Answers go to" not in page.text


def test_the_world_may_use_an_address_of_the_village_and_is_not_taken_for_it(
    village: Village,
) -> None:
    awa = village.villager("awa")
    village.villager("ben", "Ben Itimi")
    thief = (Mailbox("thief@evil.example"),)
    bring(village, from_world(sender=Mailbox(f"Ben@{DOMAIN}", "Ben Itimi"), reply_to=thief))
    assert "from outside" in awa.get("/inbox").text
    assert f"Ben@{DOMAIN}" in awa.get("/inbox").text
    assert awa.get("/inbox").html.select_one(".face").get_text() == "!"
    page = awa.open_first()
    assert f"Ben@{DOMAIN}" in page.text
    assert OUTSIDE in page.text
    people = page.html.select_one(".people").get_text(" ", strip=True)
    assert "Answers go to thief@evil.example" in people


def test_without_a_name_such_an_address_is_not_shortened_to_a_villagers(village: Village) -> None:
    awa = village.villager("awa")
    bring(village, from_world(sender=Mailbox(f"keeper@{DOMAIN}")))
    assert awa.get("/inbox").html.select_one(".who").get_text().strip() == f"keeper@{DOMAIN}"
    assert f"keeper@{DOMAIN}" in awa.open_first().html.select_one(".people").get_text()


@pytest.mark.parametrize(
    "name",
    [
        "Ben N\u2019Sele",
        "BEN N'SELE",
        "ben  nsele",
        "ben",
        "Someone",
        f"ben@{DOMAIN}",
        f"ben\uff20{DOMAIN}",
    ],
)
def test_a_villagers_name_is_known_again_outside(village: Village, name: str) -> None:
    awa = village.villager("awa")
    village.villager("ben", "Ben N'Sele")
    bring(village, from_world(sender=Mailbox("b@evil.example", name)))
    assert (OUTSIDE in awa.open_first().text) == (name != "Someone")


def test_a_neighbours_letter_is_shown_as_one(village: Village) -> None:
    awa, ben = village.villager("awa"), village.villager("ben", "Ben Itimi")
    ben.write("awa", "Mbote")
    assert "from outside" not in awa.get("/inbox").text
    page = awa.open_first()
    assert OUTSIDE not in page.text
    assert f"ben@{DOMAIN}" not in page.html.select_one(".people").get_text()


def test_so_is_one_whose_writer_has_deleted_it(village: Village) -> None:
    awa, ben = village.villager("awa"), village.villager("ben", "Ben Itimi")
    ben.write("awa", "Mbote")
    ben.press(ben.open_first("sent"), "trash")
    ben.press(ben.open_first("trash"), "delete")
    assert village.rows("entry")[0]["origin"] == "received"
    assert "from outside" not in awa.get("/inbox").text


def test_what_waits_at_the_relay_is_from_outside_too(village: Village) -> None:
    awa = village.villager("awa")
    mail = from_world(sender=Mailbox(f"ben@{DOMAIN}", "Ben"), text="", to=())
    bring(village, Stub(mail.recipients, mail.message, 5000, "ticket"))
    assert "from outside" in awa.get("/inbox").text
    assert OUTSIDE in awa.open_first().text


@pytest.mark.parametrize(
    ("sender", "proof", "warned"),
    [
        (AWA, "failed", True),
        (AWA, "", False),
        ("support@gmail.com", "failed", True),
        ("vaccins@drc.who.int", "failed", True),
        ("support@gmail.com", "passed", False),
        ("me@gmail.com.evil.example", "failed", False),
        ("jean@example.org", "failed", False),
    ],
)
def test_a_letter_that_is_not_from_where_it_says_is_shown_with_a_warning(
    village: Village, sender: str, proof: str, warned: bool
) -> None:
    awa = village.villager("awa")
    bring(village, from_world(sender=Mailbox(sender, "A name"), proof=proof))
    assert (FORGED in awa.open_first().text) == warned


def test_so_is_one_of_which_only_the_stub_is_here(village: Village) -> None:
    awa = village.villager("awa")
    mail = from_world(sender=Mailbox("support@gmail.com"), proof="failed", text="", to=())
    bring(village, Stub(mail.recipients, mail.message, 5000, "ticket"))
    page = awa.open_first()
    assert "Fetch the letter" in page.text
    assert FORGED in page.text


@pytest.mark.parametrize("field", ["sender", "reply_to"])
def test_an_address_that_only_looks_like_a_trusted_one_is_shown_with_a_warning(
    village: Village, field: str
) -> None:
    awa = village.villager("awa")
    box = Mailbox("marie@" + "gm\u0430il.com".encode("idna").decode(), "Marie")
    people = {"sender": box} if field == "sender" else {"reply_to": (box,)}
    bring(village, from_world(proof="passed", **people))
    page = awa.open_first()
    assert "marie@xn--gmil-63d.com is no address of gmail.com" in page.text
    assert "xn--gmil-63d.com" in page.html.select_one(".people").get_text()


def test_a_name_of_letters_of_several_scripts_is_shown_with_a_hint(village: Village) -> None:
    awa = village.villager("awa")
    village.villager("ben", "Ben Itimi")
    bring(village, from_world(sender=Mailbox("b@evil.example", "B\u0435n Itim\u0456")))
    assert "from outside" in awa.get("/inbox").text
    page = awa.open_first()
    assert OUTSIDE in page.text
    assert "mixes letters of several scripts" in page.text


def test_others_of_a_conversation_are_told_apart_too(village: Village) -> None:
    awa, ben = village.villager("awa"), village.villager("ben", "Ben")
    first = from_world(sender=Mailbox("b@evil.example", "Ben")).message
    bring(village, from_world(sender=Mailbox("b@evil.example", "Ben")))
    second = first._replace(message_id="2@x", in_reply_to=first.message_id, text="2")
    bring(village, dataclasses.replace(from_world(), message=second))
    thread = awa.open_first().html.select_one(".thread").get_text()
    assert thread.count("b@evil.example") == 2
    assert ben.letters() == []


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("awa@example.org", "awa@example.org"),
        ("marie.mboyo.okito.lokuli@example.org", "marie.mboyo.o…@example.org"),
        ("info@a-very-long-name-of-a-domain.example.org", "in…@…-a-domain.example.org"),
        ("no address", "no address"),
    ],
)
def test_a_list_has_room_for_so_much_of_an_address(address: str, shown: str) -> None:
    assert origin.short(address) == shown
