# SPDX-License-Identifier: Apache-2.0
"""Long letters, shown in parts, and what a relay has noted of a letter."""

import re
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from mokanda_firmware.webmail.pages.letters.parts import PART, of_file, of_text
from mokanda_wire.message import CUT, DISPLAYED, UNREAD, Attachment, digest_of
from tests.unit.webmail.served_village import Phone, Village
from tests.unit.webmail.test_letters import bring, from_world

LINE = "Ya lelo ekozala malamu, é.\n"
LONG = "".join(f"{number} {LINE}" for number in range(5000))
WHOLE = Attachment(
    "letter.txt", "text/plain", digest_of(LONG.encode()), len(LONG.encode()),
    original=digest_of(LONG.encode()), original_size=len(LONG.encode()),
)  # fmt: skip


@given(st.text(st.sampled_from("aé\n€"), min_size=1, max_size=50), st.integers(1, 4))
def test_the_parts_of_a_text_are_the_text(seed: str, times: int) -> None:
    text = (seed * (times * PART // len(seed) + 1))[: times * PART + 7]
    at: int | None = 0
    parts = []
    while at is not None:
        part = of_text(text, at)
        assert len(part.text) <= PART
        parts.append(part.text)
        at = part.following
    assert "".join(parts) == text


@given(st.text(st.sampled_from("aé\n€😀"), min_size=1, max_size=50))
def test_the_parts_of_a_file_are_the_file(seed: str) -> None:
    text = (seed * (3 * PART // len(seed.encode()) + 1)) + "end"
    at: int | None = 0
    parts = []
    with tempfile.NamedTemporaryFile() as file:
        file.write(text.encode())
        file.flush()
        while at is not None:
            part = of_file(Path(file.name), at)
            parts.append(part.text)
            at = part.following
    assert "".join(parts) == text


def test_there_is_nothing_behind_the_end_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("Mbote")
    assert of_file(tmp_path / "letter", 10**15 - 1).text == ""


def read_on(phone: Phone) -> str:
    """All that a letter's pages show."""
    page = phone.open_first()
    shown = []
    while True:
        assert len(page.text) < 3 * PART
        shown += [text.get_text() for text in page.html.select("div.text")]
        following = next((a for a in page.html.select("a") if a.text == "Read on"), None)
        if following is None:
            return "".join(shown)
        page = phone.get(str(following["href"]))
        assert "From the beginning" in page.text


def test_a_long_letter_is_read_part_by_part(village: Village) -> None:
    awa = village.villager("awa")
    bring(village, from_world(text=LONG))
    assert read_on(awa) == LONG


def test_a_part_is_printed_alone(village: Village) -> None:
    awa = village.villager("awa")
    bring(village, from_world(text=LONG))
    second = awa.open_first().click("Read on")
    printed = second.click("For printing")
    assert not re.search(r"\b999 Ya lelo", printed.text)
    assert "Ya lelo" in printed.text
    assert len(printed.text) < 2 * PART


def test_a_place_that_is_none_shows_the_beginning(village: Village) -> None:
    awa = village.villager("awa")
    bring(village, from_world(text="Mbote"))
    path = awa.open_first().request.path
    assert "Mbote" in awa.get(f"{path}?from=x").text
    assert "From the beginning" in awa.get(f"{path}?from=999999999999999").text


def test_a_letter_that_was_cut_says_so_and_offers_the_rest(village: Village) -> None:
    awa = village.villager("awa")
    bring(village, from_world(text="0 Ya\n[… 5 KB: letter.txt]", attachments=(WHOLE,), note=CUT))
    page = awa.open_first()
    assert "Only the beginning of this letter is here" in page.text
    assert "letter.txt]" not in page.text
    form = next(one for one in page.forms.values() if one.action.endswith("/fetch"))
    assert "asked for" in form.submit().follow().text
    reply = awa.open_first().click("Reply", index=0).forms[0]["text"].value
    assert "letter.txt" not in reply


def test_once_the_rest_is_here_the_letter_is_whole(village: Village) -> None:
    awa = village.villager("awa")
    bring(village, from_world(text="0 Ya\n[… 5 KB: letter.txt]", attachments=(WHOLE,), note=CUT))
    with village.store.incoming_attachment() as incoming:
        incoming.write(LONG.encode())
        incoming.keep()
    assert read_on(awa) == LONG


def test_a_letter_that_was_not_read_says_so_in_its_readers_language(village: Village) -> None:
    awa = village.villager("awa")
    whole = Attachment("message.eml", "message/rfc822", WHOLE.digest, 5, "", WHOLE.digest, 5)
    bring(village, from_world(text="[not read]", attachments=(whole,), note=UNREAD))
    page = awa.open_first()
    assert "could not read this letter" in page.text
    assert "[not read]" not in page.text
    assert "pas pu lire cette lettre" in awa.speak(page, "fr").text


def test_a_receipt_speaks_its_readers_language(village: Village) -> None:
    awa = village.villager("awa")
    bring(village, from_world(text="\n[Your letter was opened.]", note=DISPLAYED))
    page = awa.open_first()
    assert "Your letter was opened." in page.text
    assert "[Your letter" not in page.text
    assert "Votre lettre a été ouverte." in awa.speak(page, "fr").text


def test_a_stranger_who_writes_such_a_line_writes_words(village: Village) -> None:
    awa = village.villager("awa")
    bring(village, from_world(text="Mbote\n[… 5 KB: letter.txt]"))
    page = awa.open_first()
    assert "[… 5 KB: letter.txt]" in page.text
    assert "Only the beginning" not in page.text
