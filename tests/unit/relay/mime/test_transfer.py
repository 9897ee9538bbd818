# SPDX-License-Identifier: Apache-2.0
from email import message_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mokanda_relay.mime.transfer import content_of


@pytest.mark.parametrize(
    ("encoding", "data", "content"),
    [
        ("base64", b"bWFyY2jDqQ==", "marché".encode()),
        ('"base64"', b"bWFyY2jDqQ==", "marché".encode()),
        ("base 64 (as it were)", b"bWFyY2jDqQ==", "marché".encode()),
        ("Quoted Printable", b"march=C3=A9", "marché".encode()),
        ("Base64;", b"bWFyY2jDqQ==", "marché".encode()),
        ("base64", b"bWJv\n dGU=\n", b"mbote"),
        ("base64", b"bWJvdGUx\nbWJvdDI=\nbWJvdGUz", b"mbote1mbot2mbote3"),
        ("base64", b"bWJvdDI=\n_______\nThe list: https://x.example", b"mbot2"),
        ("base64", b"bWJvdGU", b"mbote"),
        ("base64", b"bWJv\n dGU\n-- \nlist of the village", b"mbote"),
        ("base64", b"Not encoded, whatever they say.", b"Not encoded, whatever they say."),
        ("quoted-printable", b"march=C3=A9 =\ndu soir", "marché du soir".encode()),
        ("quoted-printable", b"a=zz", b"a=zz"),
        ("x-uuencode", b"begin 644 x\n#86)C\n`\nend\n", b"abc"),
        ("8bit", "é".encode(), "é".encode()),
        ("x-unknown", b"abc", b"abc"),
    ],
)
def test_what_is_encoded_is_decoded(encoding: str, data: bytes, content: bytes) -> None:
    raw = f"Content-Transfer-Encoding: {encoding}\n\n".encode() + data
    part = message_from_bytes(raw)
    assert content_of(part) == content
    assert content_of(part) == content  # the part is as it was


@given(st.binary(max_size=100))
def test_nothing_is_too_broken(data: bytes) -> None:
    content_of(message_from_bytes(b"Content-Transfer-Encoding: base64\n\n" + data))
