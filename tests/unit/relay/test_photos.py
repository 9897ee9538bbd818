# SPDX-License-Identifier: Apache-2.0
"""Photos made smaller for phones, and what strangers call photos."""

from __future__ import annotations

import io

import pytest
import sqlalchemy as sa
from PIL import Image

from mokanda_relay.operator import devices
from mokanda_relay.relay import Relay
from mokanda_relay.rendering import shrinking
from mokanda_relay.rendering.preparing import prepare_one
from mokanda_relay.rendering.reading import is_photo
from mokanda_relay.rendering.readings import MailReader
from mokanda_relay.rendering.shrinking import Format, shrink
from mokanda_relay.store import clock
from mokanda_relay.store.tables import Device, Incoming, Rendition
from mokanda_relay.transport import down_queue
from mokanda_wire.compose import compose
from mokanda_wire.message import Attachment, Mailbox, Message, digest_of
from tests.photos import SVG, bomb, opened, photo

pytest_plugins = ("tests.relay_fixtures",)

PHONE = Format(1024, 25_000, "jpeg")


@pytest.mark.parametrize("kind", ["jpeg", "webp"])
@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "HEIF"])
def test_a_photo_fits_a_phone(form: str, kind: str) -> None:
    content = photo(form=form)
    assert is_photo(content)
    small = shrink(content, Format(1024, 25_000, kind))
    picture = opened(small)
    assert picture.format == kind.upper()
    assert 0 < len(small) <= 25_000
    assert max(picture.size) <= 1024
    assert picture.size[0] / picture.size[1] == pytest.approx(4 / 3, rel=0.02)


def test_a_photo_that_was_turned_stands_upright_and_says_nothing_of_its_camera() -> None:
    small = opened(shrink(photo(orientation=6), PHONE))
    assert small.size[0] < small.size[1]
    assert not small.getexif()
    assert not {"comment", "exif", "icc_profile"} & set(small.info)
    corner = small.convert("L").getpixel((small.size[0] - 5, 5))
    assert isinstance(corner, int)
    assert corner > 240  # the upper left quarter of what the camera saw is at the upper right now


def test_what_is_transparent_becomes_white() -> None:
    picture = Image.new("RGBA", (300, 300), (0, 0, 0, 0))
    out = io.BytesIO()
    picture.save(out, "PNG")
    assert opened(shrink(out.getvalue(), PHONE)).getpixel((10, 10)) == (255, 255, 255)


def test_a_lower_limit_makes_a_smaller_picture() -> None:
    sizes = [opened(shrink(photo(), Format(1024, most, "webp"))).size for most in (60_000, 8_000)]
    assert sizes[0] > sizes[1]


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xd8\xff broken",
        b"\x89PNG\r\n\x1a\n broken",
        photo()[:300],
        photo(form="PNG")[:2000],
        bomb(),
        SVG,
        b"",
    ],
    ids=["jpeg", "png", "cut early", "cut later", "bomb", "svg", "empty"],
)
def test_what_is_no_photo_is_not_made_smaller(content: bytes) -> None:
    assert shrink(content, PHONE) == b""


def test_an_svg_is_no_photo() -> None:
    assert not is_photo(SVG)


def test_a_picture_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shrinking, "_TIMEOUT", 0.001)
    assert shrink(photo(), PHONE) == b""


def incoming(relay: Relay, content: bytes, name: str = "p.jpg", to: str = "amina") -> str:
    """Queue a mail with a file for a village; return the mail's digest."""
    file = Attachment(name, "image/jpeg", digest_of(content), len(content))
    raw = compose(
        Message(
            message_id=f"{file.digest[:8]}@example.org",
            date=clock.now().replace(microsecond=0),
            sender=Mailbox("ada@example.org"),
            to=(Mailbox(f"{to}@kitenge.example"),),
            cc=(),
            subject="A photo",
            text="Look",
            attachments=(file,),
        ),
        {file.digest: content},
    )
    digest, size = relay.originals.write_by_digest([raw])
    with relay.database.transaction() as session:
        assert down_queue.deliver(session, f"{to}@kitenge.example", digest, size) == "queued"
    return digest


def renditions(relay: Relay) -> list[Rendition]:
    with relay.database.reading() as session:
        return list(session.scalars(sa.select(Rendition)))


def test_each_photo_is_made_once_for_all_who_get_it(relay: Relay, reader: MailReader) -> None:
    devices.add(relay, "kitenge", "kitenge.example")
    content = photo()
    incoming(relay, content)
    incoming(relay, content, to="bako")
    while prepare_one(relay, reader):
        pass
    (made,) = renditions(relay)
    assert (made.source, made.kind) == (digest_of(content), "jpeg")
    data = relay.renditions.read(made.digest)
    assert len(data) == made.size <= 25_000


def test_a_broken_photo_is_looked_at_once_and_keeps_nobody_waiting(
    relay: Relay, reader: MailReader
) -> None:
    devices.add(relay, "kitenge", "kitenge.example")
    incoming(relay, b"\xff\xd8\xff" + bytes(50_000))
    incoming(relay, photo(), "q.jpg")
    while prepare_one(relay, reader):
        pass
    assert sorted(bool(made.digest) for made in renditions(relay)) == [False, True]
    with relay.database.reading() as session:
        assert all(session.scalars(sa.select(Incoming.prepared)))


def test_a_mail_whose_file_is_gone_keeps_no_other_waiting(relay: Relay, reader: MailReader) -> None:
    devices.add(relay, "kitenge", "kitenge.example")
    relay.originals.delete(incoming(relay, photo()))
    incoming(relay, photo(), "q.jpg")
    while prepare_one(relay, reader):
        pass
    assert len(renditions(relay)) == 1


def test_phones_that_take_webp_get_it(relay: Relay, reader: MailReader) -> None:
    devices.add(relay, "kitenge", "kitenge.example")
    with relay.database.transaction() as session:
        session.execute(sa.update(Device).values(report='{"webp": true}'))
    incoming(relay, photo())
    assert prepare_one(relay, reader)
    assert [made.kind for made in renditions(relay)] == ["webp"]
