# SPDX-License-Identifier: Apache-2.0
"""A letter that is being written survives what happens around it, on a phone with JavaScript."""

from pathlib import Path

import pytest

from tests.browser.conftest import PASSWORD, Phone, Phones, Webmail

pytestmark = pytest.mark.browser
WORDS = "Chère Marie,\n\nvoici une longue histoire."


def type_in(phone: Phone, words: str = WORDS) -> None:
    phone.page.locator("[name=text]").press_sequentially(words)


def wait_for(phone: Phone, text: str) -> None:
    phone.page.locator("#kept", has_text=text).wait_for()


def drafts(webmail: Webmail) -> list[str]:
    with webmail.store.reading() as connection:
        return [row["fields"] for row in connection.execute("SELECT fields FROM draft")]


def test_what_is_typed_becomes_a_draft_by_itself(phones: Phones, webmail: Webmail) -> None:
    awa = phones(javascript=True)
    awa.register("awa")
    awa.open("/write")
    awa.fill(to="awa", subject="Histoire")
    type_in(awa)
    wait_for(awa, "Kept as a draft.")
    awa.shoot("kept")
    awa.open("/drafts")
    awa.page.click(".letters a")
    assert awa.page.input_value("[name=text]") == WORDS
    awa.press("Send")
    awa.page.wait_for_url("**/sent?note=delivered")
    assert drafts(webmail) == []


def test_a_letter_waits_for_the_wifi_and_then_leaves(phones: Phones) -> None:
    awa = phones(javascript=True)
    awa.register("awa")
    awa.open("/write")
    awa.fill(to="awa", subject="Histoire")
    awa.page.context.set_offline(True)
    type_in(awa)
    wait_for(awa, "kept on this phone")
    awa.press("Send")
    awa.shoot("away")
    assert awa.page.input_value("[name=text]") == WORDS
    awa.page.context.set_offline(False)
    awa.press("Send")
    awa.page.wait_for_url("**/sent?note=delivered")
    assert awa.subjects() == ["Histoire"]
    awa.open("/write")
    assert awa.page.input_value("[name=text]") == ""


def test_a_page_closed_without_wifi_loses_nothing(phones: Phones) -> None:
    awa = phones(javascript=True)
    awa.register("awa")
    awa.open("/write")
    awa.page.context.set_offline(True)
    awa.fill(to="awa", subject="Histoire")
    type_in(awa)
    wait_for(awa, "kept on this phone")
    awa.page.context.set_offline(False)
    awa.open("/inbox")
    awa.open("/write")
    wait_for(awa, "Here is the letter")
    assert awa.page.input_value("[name=text]") == WORDS
    assert awa.page.input_value("[name=subject]") == "Histoire"


def test_a_session_that_ends_meanwhile_costs_nothing(phones: Phones, webmail: Webmail) -> None:
    awa = phones(javascript=True)
    awa.register("awa")
    awa.open("/write")
    awa.fill(to="awa", subject="Histoire")
    with webmail.store.transaction() as connection:
        connection.execute("DELETE FROM session")
    type_in(awa)
    wait_for(awa, "You were logged out.")
    awa.press("Send")
    awa.fill(name="awa", password=PASSWORD)
    awa.press("Log in")
    assert awa.page.input_value("[name=text]") == WORDS
    awa.press("Send")
    awa.page.wait_for_url("**/sent?note=delivered")
    assert drafts(webmail) == []


def test_keeping_as_a_draft_sends_nothing(phones: Phones) -> None:
    awa = phones(javascript=True)
    awa.register("awa")
    awa.open("/write")
    awa.fill(to="awa", subject="Histoire", text="Pas encore")
    awa.press("Keep as draft")
    awa.page.wait_for_url("**/write?draft=*")
    awa.open("/inbox")
    assert awa.subjects() == []


def test_the_files_that_are_chosen_are_added_up_before_they_travel(
    phones: Phones, tmp_path: Path
) -> None:
    awa = phones(javascript=True)
    awa.register("awa")
    awa.open("/write")
    for name, size in (("a.bin", 30_000), ("b.bin", 50_000), ("photo.jpg", 1_200_000)):
        (tmp_path / name).write_bytes(bytes(size))
    total = awa.page.locator("#total")
    awa.page.set_input_files("#files", [tmp_path / "a.bin", tmp_path / "b.bin"])
    total.filter(has_text="Its files together: 80 KB").wait_for()
    awa.page.set_input_files("#camera", tmp_path / "photo.jpg")
    total.filter(has_text="Its files together: 1.3 MB").wait_for()
    awa.page.set_input_files("#camera", [])
    awa.fill(to="awa", subject="Photos")
    awa.press("Keep as draft")
    awa.page.wait_for_url("**/write?draft=*")
    total.filter(has_text="Its files together: 80 KB").wait_for()
    awa.shoot("total")
