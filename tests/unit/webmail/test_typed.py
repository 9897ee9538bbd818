# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF001 - characters that look like others are what this is about
"""Addresses as phones type and paste them: what is meant is taken, a likely typo asked about."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mokanda_firmware.webmail import recipients
from mokanda_firmware.webmail.near_misses import meant
from mokanda_firmware.webmail.recipients import BadRecipient, TooManyRecipients
from mokanda_wire.message import Mailbox
from tests.unit.webmail.served_village import DOMAIN, Village

CHOIR = {"ma famille": (Mailbox("jo@x.example", "Jo"), Mailbox(f"ben@{DOMAIN}"))}


def parse(text: str) -> list[str]:
    """Return what is read, villagers by their bare names."""
    return [one.address.removesuffix(f"@{DOMAIN}") for one in recipients.parse(text, DOMAIN, CHOIR)]


@pytest.mark.parametrize(
    ("typed", "addresses"),
    [
        ("bako\u200b", ["bako"]),
        ("\u200ebako\u200f", ["bako"]),
        ("\u2068bako\u2069", ["bako"]),
        ("ba\u00adko\ufeff", ["bako"]),
        ("mama\u2011coco", ["mama-coco"]),
        ("mama\u2010coco", ["mama-coco"]),
        ("mama–coco", ["mama-coco"]),
        ("jo@x.example.", ["jo@x.example"]),
        ("jo@x.example,", ["jo@x.example"]),
        ("(jo@x.example)", ["jo@x.example"]),
        ("mailto:jo@x.example", ["jo@x.example"]),
        ("<MAILTO:jo%2Btag@x.example?subject=a%20b>", ["jo+tag@x.example"]),
        ("jo＠x.example", ["jo@x.example"]),
        ("ｊｏ＠ｘ．ｅｘａｍｐｌｅ", ["jo@x.example"]),
        ("jo@x。example", ["jo@x.example"]),
        ("bako، mama-coco", ["bako", "mama-coco"]),
        ("bako、mama-coco；jo", ["bako", "mama-coco", "jo"]),
        ("bako @boende.example.org", ["bako"]),
        ("jo @ x.example ben", ["jo@x.example", "ben"]),
        ("“jo@x.example”", ["jo@x.example"]),
        ("‘jo@x.example’", ["jo@x.example"]),
        ("<jo@x.example>", ["jo@x.example"]),
        ("“Mboyo, Jo” <jo@x.example>", ["jo@x.example"]),
        ("Jean “Jo” Mboyo <mailto:jo@x.example>.", ["jo@x.example"]),
        ("jo\u00a0ben", ["jo", "ben"]),
        ("jo+films@x.example, bako+films", ["jo+films@x.example", "bako+films"]),
        ("o’neil@x.example", ["o'neil@x.example"]),
        ("Ma  Famille, bako", ["jo@x.example", "ben", "bako"]),
    ],
)
def test_what_means_an_address_is_taken(typed: str, addresses: list[str]) -> None:
    assert parse(typed) == addresses


@pytest.mark.parametrize(
    ("typed", "character"),
    [
        ("é", "é"),
        ("éloïse@x.example", "é"),
        ("jo@exa_mple.org", "_"),
        ("jo/@x/y.org", "/"),
        ("Jo <a b@x.example>", "U+0020"),
        ("jx\u0301@x.example", "\u25cc\u0301"),
        ("ж@x.example", "ж"),
        ("١@x.example", "١"),
    ],
)
def test_an_error_shows_the_character_that_cannot_be_there(
    village: Village, typed: str, character: str
) -> None:
    page = village.villager("awa").write(typed, status=422)
    assert f"there is “{character}” in it" in page.html.select_one(".problem").get_text()


def test_who_keeps_a_name_with_quotes_is_answered_all_the_same() -> None:
    jo = Mailbox("jo@x.example", "Jean “Jo”، Mboyo <chef>")
    assert recipients.parse(recipients.written([jo], DOMAIN), DOMAIN)[0].address == jo.address


def test_a_name_is_typed_as_loosely_to_log_in(village: Village) -> None:
    village.villager("mama-coco")
    phone = village.phone()
    assert phone.log_in("\u200eMama\u2011Coco ").location == "/inbox"


@given(st.text(max_size=200))
def test_whatever_is_typed_is_read_or_refused(text: str) -> None:
    try:
        found = recipients.parse(text, DOMAIN)
    except (BadRecipient, TooManyRecipients):
        return
    again = recipients.parse(recipients.written(found, DOMAIN), DOMAIN)
    assert [one.address for one in again] == [one.address for one in found]


@pytest.mark.parametrize(
    ("domain", "common"),
    [
        ("gmial.com", "gmail.com"),
        ("gmail.con", "gmail.com"),
        ("gmail.co", "gmail.com"),
        ("gmali.con", "gmail.com"),
        ("gmail", "gmail.com"),
        ("hotmial.com", "hotmail.com"),
        ("yaho.com", "yahoo.com"),
        ("orange.f", "orange.fr"),
        ("outlok.fr", "outlook.fr"),
    ],
)
def test_a_near_miss_of_a_common_domain_is_found(domain: str, common: str) -> None:
    assert meant(domain) == common


@pytest.mark.parametrize(
    "domain",
    [
        *("gmail.com", "ymail.com", "mail.com", "yahoo.de", "yahoo.co.uk", "orange.cd"),
        *("orange.cm", "hotmail.it", "gmx.net", "mail.ru", "x.example", "g" * 100_000),
    ],
)
def test_a_domain_of_its_own_is_none(domain: str) -> None:
    assert meant(domain) == ""


class TestALikelyTypo:
    def test_is_asked_about_once(self, village: Village) -> None:
        awa = village.villager("awa")
        page = awa.write("jo@gmial.com, marie@example.org", status=422)
        problem = page.html.select_one(".problem").get_text()
        assert "Did you mean jo@gmail.com? If jo@gmial.com is right" in problem
        assert page.forms[0]["text"].value == "Ndenge nini?"
        assert awa.send(page.forms[0]).location.startswith("/outbox")
        assert awa.write("jo@gmial.com").location.startswith("/outbox")  # she knows it now

    def test_can_be_mended(self, village: Village) -> None:
        awa = village.villager("awa")
        page = awa.write("jo@gmial.com", status=422)
        awa.send(page.forms[0], to="jo@gmail.com")
        assert "jo@gmail.com" in str(village.rows("message")[0]["recipients"])
        assert len(village.rows("message")) == 1

    def test_another_one_is_asked_about_too(self, village: Village) -> None:
        awa = village.villager("awa")
        page = awa.write("jo@gmial.com", status=422)
        page = awa.send(page.forms[0], to="jo@gmial.com, jo@yaho.fr", status=422)
        assert "If jo@yaho.fr is right" in page.html.select_one(".problem").get_text()
        awa.send(page.forms[0])

    def test_that_is_no_address_says_what_was_meant(self, village: Village) -> None:
        page = village.villager("awa").write("jo@orange.f", status=422)
        assert "Did you mean jo@orange.fr?" in page.html.select_one(".problem").get_text()


@pytest.mark.parametrize(
    "typed", ["jo@x.example (ben)", "Ben <jo@x.example", "jo@x.example (ben the younger)"]
)
def test_a_name_beside_an_address_is_no_villager(village: Village, typed: str) -> None:
    awa, ben = village.villager("awa"), village.villager("ben")
    awa.write(typed)
    assert ben.letters() == []
    assert "jo@x.example" in str(village.rows("message")[0]["recipients"])


def test_a_group_of_several_words_is_written_to(village: Village) -> None:
    awa = village.villager("awa")
    awa.post("/people/group", 303, name=" Ma  Famille ", members="jo@x.example\nben@x.example")
    awa.write("ma famille")
    assert "jo@x.example" in str(village.rows("message")[0]["recipients"])
