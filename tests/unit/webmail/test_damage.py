# SPDX-License-Identifier: Apache-2.0
"""Damaged rows of the mail store: what is around them is shown, and of them what can be read."""

import logging

import pytest

from mokanda_firmware import paths
from mokanda_firmware.bus.states import StoreState
from mokanda_firmware.bus.statuses import StoreStatus
from mokanda_firmware.mailbox.people import contacts
from mokanda_firmware.mailbox.store import damage
from mokanda_firmware.webmail.store_watch import StoreWatch
from mokanda_wire.message import Mailbox
from tests.statuses import published
from tests.unit.webmail.served_village import Village


def damage_rows(village: Village, table: str, column: str, value: str, where: str = "true") -> None:
    """Put something else into a column: SQL, as `x'ff'` for a byte that is no text."""
    with village.store.transaction() as connection:
        connection.execute(f"UPDATE {table} SET {column} = {value} WHERE {where}")


def test_a_draft_that_is_damaged_leaves_the_others_on_the_page_and_can_be_deleted(
    village: Village,
) -> None:
    awa = village.villager("awa")
    for subject in ("Mbila", "Masolo", "Nkanda"):
        awa.write("ben", subject, button="save")
    damage_rows(village, "draft", "fields", "replace(fields, '{', '[')", "id = 2")
    page = awa.get("/drafts")
    assert awa.letters("drafts") == [
        "Nkanda",
        "This draft is damaged. What can still be read of it stands in its text.",
        "Mbila",
    ]
    opened = awa.get("/write?draft=2")
    assert "This draft is damaged." in opened.text
    assert "Masolo" in opened.forms[0]["text"].value
    page.forms[1].submit(status=303)
    assert awa.letters("drafts") == ["Nkanda", "Mbila"]


def test_text_that_is_none_is_read_as_far_as_it_goes(village: Village) -> None:
    awa, ben = village.villager("awa"), village.villager("ben")
    ben.write("awa", "Mbila")
    ben.write("awa", "Masolo")
    awa.write("ben", "Nkanda", button="save")
    damage_rows(village, "message", "subject", "CAST('Mb' || x'ff' || 'la' AS TEXT)", "id = 1")
    damage_rows(village, "body", "text", "CAST(text || x'ff' AS TEXT)")
    damage_rows(village, "draft", "fields", "replace(fields, 'Nkanda', CAST(x'ff' AS TEXT))")
    assert awa.letters() == ["Masolo", "Mb\ufffdla"]
    assert "Ndenge nini?\ufffd" in awa.get("/mail/1").text
    assert awa.letters("drafts") == ["\ufffd"]
    assert damage.is_noted()


def test_a_letter_that_is_damaged_can_be_deleted_for_good(village: Village) -> None:
    awa = village.villager("awa")
    awa.write("awa", "Mbila")
    damage_rows(village, "message", "subject", "CAST('Mb' || x'ff' || 'la' AS TEXT)")
    damage_rows(village, "message", "recipients", "'{\"to\": '")
    for entry in (1, 2):
        awa.post("/move", 303, entry=str(entry), do="trash")
        awa.post("/move", 303, entry=str(entry), do="delete")
    assert village.rows("message") == []


@pytest.mark.parametrize("folder", ["inbox", "sent", "archive", "trash"])
def test_a_letter_whose_recipients_are_damaged_leaves_the_others_in_its_folder(
    village: Village, folder: str
) -> None:
    awa = village.villager("awa")
    for subject in ("Mbila", "Masolo"):
        awa.write("awa", subject)
    damage_rows(village, "entry", "folder", f"'{folder}'")
    damage_rows(village, "message", "recipients", "'{\"to\": '", "id = 1")
    damage_rows(village, "message", "reference_ids", "'['", "id = 1")
    assert {line.split()[-1] for line in awa.letters(folder)} == {"Mbila", "Masolo"}
    assert "Ndenge nini?" in awa.get("/mail/1").text
    assert damage.is_noted()


def test_the_outbox_shows_a_letter_whose_recipients_are_damaged(village: Village) -> None:
    awa = village.villager("awa")
    awa.write("ada@example.org", "Mbila")
    damage_rows(village, "message", "recipients", "'{\"to\": '")
    assert awa.letters("outbox") == ["Mbila"]


def test_people_groups_notices_and_villagers_are_listed_around_what_is_damaged(
    village: Village,
) -> None:
    awa = village.villager("awa")
    awa.write("ada@example.org")
    contacts.set_group(village.store, 1, "choir", [Mailbox("ben@example.org")])
    contacts.set_group(village.store, 1, "school", [Mailbox("ben@example.org")])
    awa.post("/news", 303, title="Zando", text="Na mposo.")
    damage_rows(village, "contact", "name", "CAST(x'ff' AS TEXT)")
    damage_rows(village, "people_group", "members", "'[['", "name = 'choir'")
    damage_rows(village, "notice", "title", "CAST(title || x'ff' AS TEXT)")
    damage_rows(village, "account", "display_name", "CAST(x'ff' AS TEXT)")
    people = awa.get("/people").text
    assert "choir" in people
    assert "ben@example.org" in people
    assert "Zando\ufffd" in awa.get("/news").text
    assert "awa" in awa.get("/villagers").text
    assert "choir" in awa.get("/write").text
    awa.post("/people/group", 303, old="choir", dissolve="1")
    assert "choir" not in awa.get("/people").text


def test_a_setting_that_is_damaged_is_as_if_it_had_never_been_set(village: Village) -> None:
    awa = village.villager("awa")
    awa.get("/device")
    with village.store.transaction() as connection:
        connection.execute("INSERT INTO setting (key, value) VALUES ('village', '\"Bo')")
    assert "Boende" in awa.get("/inbox").text  # as its claim has it
    assert damage.is_noted()


def test_damage_that_a_page_has_met_shows_until_the_store_was_mended(village: Village) -> None:
    awa = village.villager("awa")
    awa.write("ben", button="save")
    damage_rows(village, "draft", "fields", "replace(fields, '{', '[')")
    awa.get("/drafts")
    assert published(StoreStatus).state is StoreState.DAMAGED
    page = awa.get("/device").text
    assert "The letters and accounts on the card are damaged." in page
    assert "Switch the device off and on once" in page
    again = StoreWatch()  # the webmail is started anew, and its housekeeping finds nothing wrong
    again.tell(None)
    assert published(StoreStatus).state is StoreState.DAMAGED
    paths.store_damage().unlink()
    mended = StoreWatch()
    mended.tell(None)
    assert published(StoreStatus).state is StoreState.SOUND


def test_damage_in_a_page_of_the_database_shows_though_the_form_comes_back(
    village: Village,
) -> None:
    awa = village.villager("awa")
    form = awa.get("/write").forms[0]
    with village.store.reading() as connection:
        [root] = connection.execute(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'draft'"
        ).fetchone()
    village.store.close()  # what is in its log goes into its file
    with village.store.path.open("r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(b"\xff" * 4096)
    assert "Ndenge nini?" in awa.send(form, "save", status=500, text="Ndenge nini?").text
    assert published(StoreStatus).state is StoreState.DAMAGED


def test_the_log_has_nothing_of_a_draft_that_cannot_be_read(
    village: Village, caplog: pytest.LogCaptureFixture
) -> None:
    awa = village.villager("awa")
    awa.write("ben", text="Likambo ya sekele", button="save")
    damage_rows(village, "draft", "fields", "CAST(fields || x'ff' AS TEXT)")
    with caplog.at_level(logging.DEBUG):
        assert "sekele" not in awa.get("/drafts").text
    assert "text that is none" in caplog.text
    assert "sekele" not in caplog.text
