# SPDX-License-Identifier: Apache-2.0
"""Every text in every language, and dates, numbers and sizes as people write them."""

from datetime import UTC, datetime
from gettext import GNUTranslations
from pathlib import Path

import pytest

from mokanda_firmware.webmail.languages import choose, languages
from scripts.languages import catalogues
from tests.unit.webmail.served_village import Village

NOON = int(datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp())
pytestmark = pytest.mark.usefixtures("compiled")


def test_every_text_is_translated_and_every_translation_used() -> None:
    assert list(catalogues.check()) == []


def test_every_language_has_a_name_of_its_own() -> None:
    names = [language.name for language in languages().values()]
    assert len({*names, *languages()}) == 2 * len(names)


def test_templates_are_searched_for_texts_too() -> None:
    texts = catalogues.source_texts()
    assert texts.get("Write a letter") is not None  # in a template
    assert texts.get("There is no such letter.") is not None  # in Python


def test_a_compiled_catalogue_does_not_tell_when_it_was_compiled() -> None:
    for path in catalogues.LOCALE.glob("*/LC_MESSAGES/mokanda.mo"):
        with path.open("rb") as file:
            told = GNUTranslations(file).info()
        assert told["pot-creation-date"] == "1970-01-01 00:00+0000"


def test_a_text_that_is_missing_unused_or_broken_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue = tmp_path / "xx" / "LC_MESSAGES" / "mokanda.po"
    catalogue.parent.mkdir(parents=True)
    catalogue.write_text(
        catalogues.HEADER.format(code="fr", plurals="nplurals=2; plural=(n > 1);")
        + 'msgid "Not in the source"\nmsgstr "Pas dans la source"\n\n'
        + 'msgid "{name} wrote:"\nmsgstr "{nom} a écrit :"\n'
    )
    catalogue.parent.parent.rename(tmp_path / "fr")
    monkeypatch.setattr(catalogues, "LOCALE", tmp_path)
    monkeypatch.setattr(catalogues, "REPOSITORY", tmp_path)
    problems = "\n".join(catalogues.check())
    assert "not translated: 'Inbox'" in problems
    assert "no longer used: 'Not in the source'" in problems
    assert "other {blanks} than the source: '{nom} a écrit :'" in problems


@pytest.mark.parametrize(
    ("preferred", "accepts", "code"),
    [
        ([], "", "en"),
        ([], "fr-CD,fr;q=0.9,en;q=0.8", "fr"),
        ([], "en;q=0.4, fr;q=0.5", "fr"),
        ([], "xx, *;q=0.1, fr;q=nonsense", "en"),
        (["fr"], "en", "fr"),
        (["", "fr"], "en", "fr"),
        (["../../etc"], "en", "en"),
    ],
)
def test_the_language_is_what_was_chosen_else_what_the_phone_speaks(
    preferred: list[str], accepts: str, code: str
) -> None:
    assert choose(preferred, accepts).code == code


@pytest.mark.parametrize(
    ("code", "now", "text"),
    [
        ("en", datetime(2026, 3, 1, 20, tzinfo=UTC), "12:00"),
        ("en", datetime(2026, 3, 2, 1, tzinfo=UTC), "1 Mar"),
        ("fr", datetime(2026, 3, 2, 1, tzinfo=UTC), "1 mars"),
        ("en", datetime(2027, 1, 1, tzinfo=UTC), "1 Mar 2026"),
    ],
)
def test_dates(code: str, now: datetime, text: str) -> None:
    assert languages()[code].date(NOON, "UTC", now) == text


def test_times_are_those_of_the_village() -> None:
    assert languages()["fr"].date_and_time(NOON, "Africa/Kinshasa") == "1 mars 2026, 13:00"
    assert "2026" in languages()["fr"].date_and_time(NOON, "Nowhere/Atall")


@pytest.mark.parametrize("zone", ["Africa/Kinshasa", "America/Lima"])
@pytest.mark.parametrize("at", [253402299000, 10**18, -(10**18)])
def test_a_time_that_nobody_lives_in_is_written_all_the_same(at: int, zone: str) -> None:
    assert languages()["fr"].date(at, zone)
    assert languages()["fr"].date_and_time(at, zone)


@pytest.mark.parametrize(
    ("size", "english", "french"),
    [
        (0, "0 KB", "0 ko"),
        (1, "1 KB", "1 ko"),
        (12_345, "12 KB", "12 ko"),
        (999_499, "999 KB", "999 ko"),
        (1_234_567, "1.2 MB", "1,2 Mo"),
        (999_499_999, "999.5 MB", "999,5 Mo"),
        (7_400_000_000, "7.4 GB", "7,4 Go"),
    ],
)
def test_sizes(size: int, english: str, french: str) -> None:
    assert languages()["en"].size(size) == english
    assert languages()["fr"].size(size) == french


def test_the_language_changes_on_every_page_and_stays(village: Village) -> None:
    phone = village.phone()
    page = phone.speak(phone.get("/register"), "fr")
    assert page.request.path == "/register"
    assert "inscrire</h1>" in page.text
    assert page.html.html["lang"] == "fr"
    assert "Se connecter" in phone.get("/").text


def test_the_language_changes_in_the_middle_of_something(village: Village) -> None:
    awa = village.villager("awa")
    draft = awa.write("awa", text="Words", button="save").location
    page = awa.speak(awa.get(draft), "fr")
    assert page.forms[0]["text"].value == "Words"
    assert page.request.query_string == "draft=1"  # and not what was done before
    assert awa.speak(awa.get("/search?q=l%27%C3%A9cole"), "ln").forms[0]["q"].value == "l'école"


def test_an_account_has_its_language_on_every_phone(village: Village) -> None:
    awa = village.villager("awa")
    awa.speak(awa.get("/inbox"), "fr")
    other = village.phone()
    other.log_in("awa")
    assert "Reçues" in other.get("/inbox").text


@pytest.mark.parametrize("language", ["xx", "../fr", "", "<b>"])
def test_a_language_that_is_none_changes_nothing(village: Village, language: str) -> None:
    awa = village.villager("awa")
    awa.post("/language", language=language, back="/inbox")
    assert "Inbox" in awa.get("/inbox").text


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example", "/\\evil.example", "/\n/evil", "", "inbox"]
)
def test_the_way_back_stays_on_the_device(village: Village, back: str) -> None:
    awa = village.villager("awa")
    assert awa.post("/language", language="fr", back=back).location == "/"
