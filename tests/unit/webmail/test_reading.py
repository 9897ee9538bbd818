# SPDX-License-Identifier: Apache-2.0
"""How the page of a letter shows what the world has written."""

from datetime import UTC, datetime, timedelta

import pytest

from mokanda_firmware.mailbox.letters.moments import written_at
from mokanda_firmware.mailbox.store.settings import set_setting
from mokanda_firmware.webmail.pages.letters.parts import folded
from mokanda_wire.message import Mailbox
from tests.unit.webmail.served_village import DOMAIN, Village
from tests.unit.webmail.test_letters import bring, from_world

WRITTEN = datetime.now(UTC).replace(microsecond=0) - timedelta(days=3)
SAMEDI = "Le marché est samedi, près de l'école.\n"


def test_list_and_letter_show_the_date_of_the_writer(village: Village) -> None:
    awa = village.villager("awa")
    bring(village, from_world(date=WRITTEN))
    day = f"{WRITTEN.day} {WRITTEN:%b}"
    assert awa.get("/inbox").html.select_one(".letters .when").text == day
    people = awa.open_first().html.select_one(".people").get_text(" ", strip=True)
    assert f"Date {day} {WRITTEN.year}" in people
    assert f"Arrived {datetime.now(UTC).day} " in people


def test_a_letter_that_came_at_once_has_one_date(village: Village) -> None:
    awa = village.villager("awa")
    bring(village, from_world(date=datetime.now(UTC).replace(microsecond=0)))
    assert "Arrived" not in awa.open_first().text


@pytest.mark.parametrize(
    ("date", "shown"), [(900_000_000, 900_000_000), (0, 1_000_000_000), (1 << 40, 1_000_000_000)]
)
def test_a_date_that_cannot_be_is_a_wrong_clocks(date: int, shown: int) -> None:
    assert written_at(date, 1_000_000_000) == shown


@pytest.mark.parametrize("day", [WRITTEN, datetime.now(UTC)])
def test_search_finds_the_day_of_writing_and_of_arrival(village: Village, day: datetime) -> None:
    awa = village.villager("awa")
    bring(village, from_world(date=WRITTEN))
    asked = f"/search?since={day:%Y-%m-%d}&until={day:%Y-%m-%d}"
    assert len(awa.get(asked).html.select(".letters li")) == 1
    before = WRITTEN - timedelta(days=1)
    nothing = f"/search?since={before:%Y-%m-%d}&until={before:%Y-%m-%d}"
    assert awa.get(nothing).html.select(".letters li") == []


def test_a_day_is_one_of_the_village(village: Village) -> None:
    awa = village.villager("awa")
    set_setting(village.store, "timezone", "Africa/Lubumbashi")  # two hours ahead
    bring(village, from_world(date=datetime(2026, 3, 1, 23, tzinfo=UTC)))
    second = awa.get("/search?since=2026-03-02&until=2026-03-02").html
    assert len(second.select(".letters li")) == 1
    first = awa.get("/search?since=2026-03-01&until=2026-03-01").html
    assert first.select(".letters li") == []


def test_an_answer_below_a_long_quotation_is_seen(village: Village) -> None:
    awa = village.villager("awa")
    quoted = "".join(f"> ligne citée {number}\n" for number in range(190))
    bring(village, from_world(text=f"Awa a écrit :\n{quoted}\nOui, samedi."))
    text = awa.open_first().html.select_one(".text")
    assert "Oui, samedi." in text.get_text()
    assert "ligne citée 7" in text.details.get_text()
    assert text.details.summary.get_text() == "Show what is quoted"
    assert "Oui" not in text.details.get_text()


def test_a_long_letter_goes_on_when_it_is_asked_to(village: Village) -> None:
    awa = village.villager("awa")
    bring(village, from_world(text=SAMEDI * 300 + "Fin."))
    letter = awa.open_first().html
    assert "Fin." not in letter.select_one(".text").get_text()
    assert "Fin." in letter.select_one("details.rest").get_text()
    replies = letter.find_all("a", string="Reply")
    assert len(replies) == 2  # above and below
    assert replies[0].sourceline < letter.select_one(".text").sourceline


def test_a_short_letter_is_answered_below(village: Village) -> None:
    awa = village.villager("awa")
    bring(village, from_world(text=SAMEDI))
    letter = awa.open_first().html
    assert len(letter.find_all("a", string="Reply")) == 1
    assert letter.select_one("details.rest") is None


@pytest.mark.parametrize("text", [SAMEDI * 300, "> x\n" * 5000 + SAMEDI * 9, "x" * 20_000, ""])
def test_a_text_is_divided_without_loss(text: str) -> None:
    beginning, rest = folded(text)
    assert beginning + rest == text
    assert bool(rest) == (text == SAMEDI * 300)


def test_many_recipients_are_folded(village: Village) -> None:
    awa = village.villager("awa")
    others = tuple(Mailbox(f"n{number}@example.org", f"Nom {number}") for number in range(20))
    bring(village, from_world(to=(Mailbox(f"awa@{DOMAIN}", "Awa"), *others)))
    people = awa.open_first().html.select_one(".people")
    assert people.details.summary.get_text() == "and 18 more"
    assert [one.get_text() for one in people.details.find_all("bdi")][-1] == "Nom 19"
    assert "Nom 1" in people.get_text()


def test_a_link_of_mail_fills_our_form_in(village: Village) -> None:
    awa = village.villager("awa")
    bring(village, from_world(text="<mailto:mairie@example.org?subject=Prix&body=Mbote%0Aawa>"))
    link = awa.open_first().html.select_one(".text a")
    form = awa.get(link["href"]).html
    assert form.select_one("[name=to]")["value"] == "mairie@example.org"
    assert form.select_one("[name=subject]")["value"] == "Prix"
    assert form.select_one("[name=text]").get_text().strip() == "Mbote\nawa"


def test_words_run_in_the_direction_of_their_script(village: Village) -> None:
    awa = village.villager("awa")
    bring(village, from_world(subject="سوق يوم السبت", text="السلام عليكم"))
    inbox = awa.get("/inbox").html
    assert inbox.select_one(".letters .subject")["dir"] == "auto"
    assert inbox.select_one(".letters .who")["dir"] == "auto"
    letter = awa.open_first().html
    assert letter.h1["dir"] == letter.select_one(".text")["dir"] == "auto"
    assert letter.select_one(".people bdi")
