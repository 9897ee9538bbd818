# SPDX-License-Identifier: Apache-2.0
"""PNGs of letters to the world: what was drawn stays one, of few colours; photos become JPEGs."""

from __future__ import annotations

import io
import os
import random
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageStat

from mokanda_firmware.mailbox.sync import outgoing
from mokanda_firmware.webmail import smaller as programs
from mokanda_firmware.webmail.heads import Photo, read_head
from mokanda_firmware.webmail.smaller import smaller
from mokanda_wire.limits import MAX_PHOTO
from mokanda_wire.message import digest_of
from scripts.tools.repository import REPOSITORY
from tests.photos import ORIENTATION, opened, photo, png, screenshot
from tests.unit.webmail.served_village import Village

WORLD = "marie@example.org"
PHOTO = photo(200, 150, "PNG")
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of PNG's types of colour
# The passes of an interlaced PNG: its first pixel, and from one to the next (PNG, 8.2).
WHOLE = ((0, 0, 1, 1),)
INTERLACED = (
    *((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)),
    *((0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "picture"


def head(width: int, height: int, depth: int = 8, colour: int = 2, interlaced: int = 0) -> bytes:
    return struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)


def half_noise(depth: int, colour: int, *, interlaced: bool) -> bytes:
    """A PNG with noise in its left half, and white, or a black that is transparent, right of it."""
    width, height = 320, 256
    size = CHANNELS[colour] * depth // 8
    right = bytes(size) if colour in {4, 6} else b"\xff" * size

    def pixel(x: int) -> bytes:
        if 2 * x >= width:
            return right
        noise = random.randbytes(size)
        return noise[: -depth // 8] + b"\xff" * (depth // 8) if colour in {4, 6} else noise

    lines = [
        b"\0" + b"".join(pixel(x) for x in range(left, width, across))
        for left, top, across, down in (INTERLACED if interlaced else WHOLE)
        for _ in range(top, height, down)
    ]
    palette = random.randbytes(3 * 255) + b"\xff" * 3
    return png(
        (b"IHDR", head(width, height, depth, colour, int(interlaced))),
        *([(b"PLTE", palette)] if colour == 3 else []),
        (b"IDAT", zlib.compress(b"".join(lines))),
    )


@pytest.mark.parametrize(
    ("size", "becomes"),
    [
        ((720, 1600), (720, 1600)),
        ((1080, 2400), (540, 1200)),
        ((2400, 1080), (1200, 540)),
        ((1440, 3200), (720, 1600)),
        ((1366, 768), (1366, 768)),
        ((1080, 8000), (405, 3000)),
    ],
)
def test_text_on_a_screen_stays_as_fine_as_it_can_be_read(
    path: Path, size: tuple[int, int], becomes: tuple[int, int]
) -> None:
    path.write_bytes(screenshot(*size))
    small = smaller(path)
    assert 0 < len(small) <= path.stat().st_size // 2
    picture = opened(small)
    assert picture.format == "PNG"
    assert picture.size == becomes
    whole = Image.open(path).resize(becomes, Image.Resampling.BOX)
    difference = ImageChops.difference(picture.convert("RGB"), whole)
    assert max(ImageStat.Stat(difference).rms) < 10


@pytest.mark.parametrize("size", [(640, 480), (1200, 900)])
def test_a_photo_that_was_saved_as_png_becomes_a_jpeg(path: Path, size: tuple[int, int]) -> None:
    path.write_bytes(photo(*size, "PNG"))
    small = smaller(path)
    assert 0 < len(small) <= MAX_PHOTO
    picture = opened(small)
    assert picture.format == "JPEG"
    assert max(picture.size) <= 1024


@pytest.mark.parametrize(
    ("size", "becomes"), [((1080, 2160), (540, 1080)), ((300, 3000), (300, 3000))]
)
def test_text_beside_a_photo_can_still_be_read(
    path: Path, size: tuple[int, int], becomes: tuple[int, int]
) -> None:
    path.write_bytes(photo(*size, "PNG"))
    small = smaller(path)
    assert 0 < len(small) <= path.stat().st_size // 2
    assert (opened(small).format, opened(small).size) == ("JPEG", becomes)


@pytest.mark.parametrize("change", ["grey", "dark", "pale"])
def test_a_photo_of_few_colours_is_no_drawing(path: Path, change: str) -> None:
    picture = opened(photo(640, 480))
    changed = {
        "grey": picture.convert("L"),
        "dark": picture.point(lambda value: value // 4),
        "pale": picture.point(lambda value: 192 + value // 4),
    }[change]
    changed.crop((320, 240, 640, 480)).save(path, "PNG")
    assert opened(smaller(path)).format == "JPEG"


@pytest.mark.parametrize("interlaced", [False, True], ids=["whole", "interlaced"])
@pytest.mark.parametrize(
    ("depth", "colour"),
    [(8, 0), (16, 0), (8, 2), (16, 2), (8, 3), (8, 4), (16, 4), (8, 6), (16, 6)],
)
def test_every_kind_of_png_is_read_and_lies_on_white(
    path: Path, depth: int, colour: int, interlaced: bool
) -> None:
    path.write_bytes(half_noise(depth, colour, interlaced=interlaced))
    small = opened(smaller(path)).convert("L")
    noise = ImageStat.Stat(small.crop((0, 0, small.width // 2 - 16, small.height)))
    right = ImageStat.Stat(small.crop((small.width // 2 + 16, 0, small.width, small.height)))
    assert noise.mean[0] == pytest.approx(127, abs=25)
    assert right.mean[0] > 250


def test_a_photo_stands_upright_as_its_png_says(path: Path) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    opened(photo(320, 240, "PNG")).save(path, "PNG", exif=exif)
    picture = opened(smaller(path)).convert("L")
    assert picture.height > picture.width
    corner = picture.crop(
        (picture.width // 2 + 16, 16, picture.width - 16, picture.height // 2 - 16)
    )
    assert ImageStat.Stat(corner).mean[0] > 240


@pytest.mark.parametrize("side", [4000, 50_000, 2**31 - 1])
def test_a_bomb_is_refused_by_its_head(
    path: Path, side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "_run", lambda *_, **__: pytest.fail("it was read"))
    path.write_bytes(png((b"IHDR", head(side, side)), (b"IDAT", zlib.compress(bytes(10**8), 9))))
    assert smaller(path) == b""


@pytest.mark.parametrize("place", ["pixels", "comment"])
def test_what_unpacks_without_end_is_not_unpacked(path: Path, place: str) -> None:
    bomb = zlib.compress(bytes(10**8), 9)
    rows = zlib.compress((b"\0" + os.urandom(600) + b"\xff" * 300) * 200)
    path.write_bytes(
        png((b"IHDR", head(300, 200)), (b"IDAT", bomb))
        if place == "pixels"
        else png((b"IHDR", head(300, 200)), (b"zTXt", b"Comment\0\0" + bomb), (b"IDAT", rows))
    )
    assert opened(smaller(path)).size == (300, 200)


@pytest.mark.parametrize(
    "content",
    [
        PHOTO[:40_000],
        PHOTO[:20_000] + os.urandom(20_000) + PHOTO[40_000:],
        png((b"IHDR", head(0, 0)), (b"IDAT", os.urandom(30_000))),
        png((b"IHDR", head(300, 300, 7, 5)), (b"IDAT", os.urandom(30_000))),
        PHOTO[:8] + os.urandom(30_000),
        PHOTO[:33] + bytes(30_000),
    ],
    ids=["cut", "broken", "no pixels", "no colours", "no head", "no data"],
)
def test_what_cannot_be_made_smaller_stays_as_it_is(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert smaller(path) == b""


def test_a_picture_that_moves_stays_as_it_is(path: Path) -> None:
    first, second = (opened(photo(320, 240, "PNG")) for _ in range(2))
    first.save(path, "PNG", save_all=True, append_images=[second])
    assert smaller(path) == b""


def test_a_screen_of_few_colours_has_nothing_to_lose() -> None:
    assert smaller(REPOSITORY / "docs/images/inbox.png") == b""


@given(st.binary(max_size=200))
def test_any_head_is_read_or_passed_over(data: bytes) -> None:
    start = png((b"IHDR", head(32, 16)), (b"eXIf", data))[:-12]
    read = read_head(io.BytesIO(start + png((b"IDAT", b""))[8:]))
    assert read is not None
    assert (read.form, read.width, read.height) == ("png", 32, 16)
    assert read_head(io.BytesIO(start + data)) is None or b"IDAT" in data


def test_the_head_of_a_png_tells_how_it_stands() -> None:
    exif = (b"eXIf", b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x08\0\0\0")
    content = png((b"IHDR", head(32, 16)), exif, (b"IDAT", b""))
    assert read_head(io.BytesIO(content)) == Photo("png", 32, 16, 8)


@pytest.mark.parametrize(
    ("choice", "name", "media_type"),
    [("small", "lake.jpg", "image/jpeg"), ("whole", "lake.png", "image/png")],
)
def test_a_photo_goes_under_the_name_of_its_form(
    village: Village, choice: str, name: str, media_type: str
) -> None:
    awa = village.villager("awa")
    page = awa.write(WORLD, files=(("lake.png", PHOTO, "image/png"),)).follow()
    assert f"as it is: {len(PHOTO) / 1000:.0f} KB" in page.text
    form = next(form for form in page.forms.values() if form.action == "/write")
    form["photo-0"] = choice
    assert awa.send(form).location == "/outbox?note=waiting"
    (mail,) = outgoing.waiting(village.store, 1_000_000)
    (part,) = mail.message.attachments
    assert (part.name, part.media_type) == (name, media_type)
    assert (part.digest == digest_of(PHOTO)) == (choice == "whole")


def test_a_screenshot_keeps_its_name(village: Village) -> None:
    awa = village.villager("awa")
    files = (("Capture.png", screenshot(500, 800), "image/png"),)
    page = awa.write(WORLD, files=files).follow()
    form = next(form for form in page.forms.values() if form.action == "/write")
    awa.send(form)
    (mail,) = outgoing.waiting(village.store, 1_000_000)
    (part,) = mail.message.attachments
    assert (part.name, part.media_type) == ("Capture.png", "image/png")
    assert opened(village.store.attachments.path(part.digest).read_bytes()).size == (500, 800)
