# SPDX-License-Identifier: Apache-2.0
"""Photos of letters to the world: made smaller, when their writer says so."""

from __future__ import annotations

import io
import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps, ImageStat
from webtest import TestResponse

from mokanda_firmware.mailbox.costs import tariff
from mokanda_firmware.mailbox.store.settings import set_setting
from mokanda_firmware.mailbox.sync import outgoing
from mokanda_firmware.webmail import pictures
from mokanda_firmware.webmail import smaller as programs
from mokanda_firmware.webmail.heads import Photo, read_head
from mokanda_firmware.webmail.pictures import picture_type
from mokanda_firmware.webmail.smaller import smaller
from mokanda_wire.limits import MAX_PHOTO
from mokanda_wire.message import digest_of
from tests.photos import SVG, bomb, opened, photo
from tests.syncing_village import tidy
from tests.unit.webmail.served_village import Phone, Village

WORLD = "marie@example.org"
PHOTO = photo(320, 240)
FRAME = b"\xff\xc0\0\x0b\x08\0\x10\0\x20\x01\x01\x11\0"  # 32 pixels by 16


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "photo"


@pytest.mark.parametrize("size", [(320, 240), (1600, 1200), (2400, 200)])
def test_a_photo_fits_the_way(path: Path, size: tuple[int, int]) -> None:
    path.write_bytes(photo(*size))
    small = smaller(path)
    assert 0 < len(small) <= MAX_PHOTO
    picture = opened(small)
    assert picture.format == "JPEG"
    assert max(picture.size) <= 1024


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_stands_upright_however_the_camera_was_held(path: Path, orientation: int) -> None:
    data = photo(640, 480, orientation=orientation)
    path.write_bytes(data)
    upright = ImageOps.exif_transpose(opened(data)).convert("L")
    small = opened(smaller(path))
    assert not small.getexif()
    again = small.convert("L").resize(upright.size)
    for x in (40, upright.width - 40):
        for y in (40, upright.height - 40):
            box = (x - 20, y - 20, x + 20, y + 20)
            means = [ImageStat.Stat(picture.crop(box)).mean[0] for picture in (again, upright)]
            assert means[0] == pytest.approx(means[1], abs=25)


@pytest.mark.parametrize(
    "content",
    [photo(640, 480)[:30_000], b"\xff\xd8" + os.urandom(30_000), SVG * 500, bomb(2000), b""],
    ids=["cut", "broken", "svg", "png", "empty"],
)
def test_what_cannot_be_made_smaller_stays_as_it_is(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert smaller(path) == b""


def test_the_head_of_a_photo_is_not_looked_for_without_end(path: Path) -> None:
    path.write_bytes(b"\xff\xd8" + b"\xff\xe0\0\2" * 2_000_000 + FRAME)
    started = time.process_time()
    assert smaller(path) == b""
    assert picture_type(path) == ""
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    ("form", "options"),
    [
        *(("JPEG", {}), ("PNG", {}), ("GIF", {})),
        *(("WEBP", {}), ("WEBP", {"lossless": True}), ("WEBP", {"exif": b"Exif\0\0"})),
    ],
)
def test_a_page_shows_a_picture_that_has_no_more_pixels_than_a_phone_can_hold(
    path: Path, form: str, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("RGB", (300, 200)).save(path, form, **options)
    monkeypatch.setattr(pictures, "MAX_PIXELS", 300 * 200)
    assert picture_type(path) == f"image/{form.lower()}"
    monkeypatch.setattr(pictures, "MAX_PIXELS", 300 * 200 - 1)
    assert picture_type(path) == ""


def test_a_picture_of_too_many_pixels_is_sent_as_a_file_and_never_shown(village: Village) -> None:
    awa = village.villager("awa")
    sky = bomb(9_000)
    awa.write(f"{WORLD}, awa", files=(("sky.png", sky, "image/png"),))
    assert [row["size"] for row in village.rows("attachment")] == [len(sky)]
    letter = awa.open_first()
    assert "Show the pictures" not in letter.text
    assert letter.click("For printing").html.select("img") == []
    awa.get(f"{letter.request.path}/picture/0", status=404)
    assert awa.get(f"{letter.request.path}/file/0").body == sky


def test_a_device_without_the_programs_makes_nothing_smaller(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    path.write_bytes(PHOTO)
    assert smaller(path) == b""


def test_a_program_that_takes_too_much_is_given_up(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "_MEMORY", 1 << 20)
    path.write_bytes(photo(1600, 1200))
    assert smaller(path) == b""


def test_the_head_of_a_photo_is_read_in_both_orders_of_bytes() -> None:
    head = read_head(io.BytesIO(photo(32, 16, orientation=6)))
    assert head == Photo("jpeg", 32, 16, 6)
    little = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x08\0\0\0"
    jpeg = b"\xff\xd8\xff\xe1" + (len(little) + 2).to_bytes(2, "big") + little
    assert read_head(io.BytesIO(jpeg + FRAME)) == Photo("jpeg", 32, 16, 8)


@given(st.binary(max_size=200))
def test_any_head_is_read_or_passed_over(data: bytes) -> None:
    photo = read_head(io.BytesIO(b"\xff\xd8\xff\xe1" + data))
    assert photo is None or photo.width >= 0
    exif = b"Exif\0\0II*\0\x08\0\0\0" + data
    head = b"\xff\xd8\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    assert read_head(io.BytesIO(head + FRAME)) is not None


def write(awa: Phone, to: str = WORLD, content: bytes = PHOTO) -> TestResponse:
    return awa.write(to, files=(("lake.jpg", content, "image/jpeg"),))


def asked(awa: Phone) -> TestResponse:
    """Send a letter with a photo; return the form that asks how large it goes."""
    answer = write(awa)
    assert "note=photos" in answer.location
    return answer.follow()


def sent_digest(village: Village) -> str:
    (mail,) = outgoing.waiting(village.store, 1_000_000)
    return mail.message.attachments[0].digest


def test_a_large_photo_is_not_sent_before_its_writer_was_asked(village: Village) -> None:
    page = asked(village.villager("awa"))
    assert outgoing.waiting(village.store, 1_000_000) == []
    form = next(form for form in page.forms.values() if form.action == "/write")
    assert form["photo-0"].value == "small"
    assert "made smaller: " in page.text
    assert f"as it is: {len(PHOTO) / 1000:.0f} KB" in page.text


def test_a_photo_whose_question_is_lost_on_the_way_is_asked_about_again(village: Village) -> None:
    awa = village.villager("awa")
    form = awa.get("/write").forms[0]
    files = (("lake.jpg", PHOTO, "image/jpeg"),)
    for _ in range(2):
        page = awa.send(form, to=WORLD, files=files).follow()
    assert "made smaller: " in page.text
    assert len(village.rows("draft_attachment")) == 1


def test_what_each_size_of_a_photo_costs_is_shown(village: Village) -> None:
    set_setting(village.store, tariff.SETTING, tariff.to_json(tariff.Tariff("USD", 600_000)))
    page = asked(village.villager("awa"))
    assert "as it is: 34 KB, 0.020 USD" in page.text


@pytest.mark.parametrize("choice", ["small", "whole"])
def test_the_photo_goes_as_its_writer_chose(village: Village, choice: str) -> None:
    awa = village.villager("awa")
    form = next(form for form in asked(awa).forms.values() if form.action == "/write")
    form["photo-0"] = choice
    assert awa.send(form).location == "/outbox?note=waiting"
    digest = sent_digest(village)
    assert (digest == digest_of(PHOTO)) == (choice == "whole")
    assert village.store.attachments.path(digest).stat().st_size <= max(MAX_PHOTO, len(PHOTO))


def test_the_answer_for_one_letter_is_none_for_the_next(village: Village) -> None:
    awa = village.villager("awa")
    form = next(form for form in asked(awa).forms.values() if form.action == "/write")
    form["photo-0"] = "whole"
    awa.send(form)
    form = next(form for form in asked(awa).forms.values() if form.action == "/write")
    assert form["photo-0"].value == "small"


def test_large_files_do_not_leave_before_their_size_was_shown(village: Village) -> None:
    awa = village.villager("awa")
    page = awa.write(WORLD, files=(("a.pdf", bytes(80_000), "application/pdf"),)).follow()
    assert outgoing.waiting(village.store, 1_000_000) == []
    assert "Its files are large" in page.text
    assert "Its files together: 80 KB" in page.text
    form = next(form for form in page.forms.values() if form.action == "/write")
    assert awa.send(form).location == "/outbox?note=waiting"


def test_a_large_file_that_the_relay_holds_goes_at_once(village: Village) -> None:
    awa = village.villager("awa")
    content = bytes(80_000)
    with village.store.transaction() as connection:
        connection.execute("INSERT INTO at_relay VALUES (?, 0)", (digest_of(content),))
    files = (("a.pdf", content, "application/pdf"),)
    assert awa.write(WORLD, files=files).location == "/outbox?note=waiting"
    assert "It takes about 1 KB" in awa.get("/outbox").click("Mbote").text


def test_the_choice_can_be_undone_while_the_letter_waits(village: Village) -> None:
    awa = village.villager("awa")
    form = next(form for form in asked(awa).forms.values() if form.action == "/write")
    awa.send(form)
    tidy(village.store)
    number = village.rows("entry")[0]["id"]
    page = awa.post(f"/mail/{number}/take-back", 303).follow()
    form = next(form for form in page.forms.values() if form.action == "/write")
    form["photo-0"] = "whole"
    awa.send(form)
    assert sent_digest(village) == digest_of(PHOTO)


def test_the_larger_photo_goes_with_its_letter(village: Village) -> None:
    awa = village.villager("awa")
    form = next(form for form in asked(awa).forms.values() if form.action == "/write")
    awa.send(form)
    with village.store.transaction() as connection:
        connection.execute("UPDATE outgoing SET state = 'sent'")
    path = village.store.attachments.path(digest_of(PHOTO))
    tidy(village.store)
    assert not path.exists()
    assert village.rows("smaller_photo") == []


def test_a_photo_for_the_village_alone_goes_as_it_is(village: Village) -> None:
    awa = village.villager("awa")
    assert write(awa, "awa").location == "/sent?note=delivered"
    assert awa.get("/mail/1/file/0").body == PHOTO


def test_a_photo_that_the_relay_holds_goes_as_it_is(village: Village) -> None:
    awa = village.villager("awa")
    with village.store.transaction() as connection:
        connection.execute("INSERT INTO at_relay VALUES (?, 0)", (digest_of(PHOTO),))
    assert write(awa).location == "/outbox?note=waiting"


def test_a_photo_that_cannot_be_made_smaller_goes_as_it_is(village: Village) -> None:
    awa = village.villager("awa")
    assert write(awa, content=PHOTO[:30_000]).location == "/outbox?note=waiting"
