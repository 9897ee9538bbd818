# SPDX-License-Identifier: Apache-2.0
"""What mail programs write into a text where the page beside it has a picture."""

import pytest

from mokanda_relay.mime.parse import parse
from mokanda_relay.mime.picture_marks import without_picture_marks
from mokanda_wire.message import Attachment

PHOTO = Attachment("Marché.jpg", "image/jpeg", "0" * 64, 9, "image001.png@01D9")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Mbote\n\n[cid:image002.png@01D9]\n\nJean", "Mbote\n\nJean"),
        ("Mbote [cid:image001.png@01D9] Jean", "Mbote [Marché.jpg] Jean"),
        ("[image: marché.jpg]\n[image:\nimage.png]\nMbote", "[Marché.jpg]\nMbote"),
        (
            "[https://x.example/logo.png?x=1]<https://x.example/> Mbote",
            "<https://x.example/> Mbote",
        ),
        ("> <image001.png>\n> Mbote <Marché.jpg>", "> Mbote [Marché.jpg]"),
        ("[A sign\n\nDescription automatically generated] Mbote", " Mbote"),
        ("(Embedded image moved to file: pic1.gif)Mbote", "Mbote"),
        ("[note: voir] <jean@x.png> [1] <https://x.example/a.png>",) * 2,
    ],
)
def test_a_mark_becomes_the_name_of_its_picture_or_nothing(text: str, read: str) -> None:
    assert without_picture_marks(text, (PHOTO,)) == read


def test_a_mail_of_marks_alone_keeps_them() -> None:
    assert parse(b"X-Mailer: x\n\n[image: Prix du sel]\n")[0].text == "[image: Prix du sel]"
