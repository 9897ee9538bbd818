# SPDX-License-Identifier: Apache-2.0
"""Texts that are encoded, or marked up, although their head says nothing of it."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mokanda_relay.mime.parse import parse
from mokanda_relay.mime.undeclared import decoded

LETTER = "L\u2019été arrive, et le prix du sel baisse encore à Boende, samedi matin au marché."


def read(text: str) -> str:
    return parse(f"Content-Type: text/plain; charset=utf-8\n\n{text}".encode())[0].text


@pytest.mark.parametrize(
    "text",
    [
        "L=E2=80=99=C3=A9t=C3=A9 arrive, et le prix du sel=20\nbaisse =\nencore =C3=A0 Boende.",
        base64.encodebytes(LETTER.encode()).decode(),
    ],
)
def test_what_is_encoded_and_does_not_say_so_is_decoded(text: str) -> None:
    assert read(text).startswith("L\u2019été arrive, et le prix du sel")


@pytest.mark.parametrize(
    "text",
    [
        "x = 5, y == 6",
        "Type =C3=A9 for é, and =C3=A8 for è, x=1",
        "=C3=A9 once",
        "a" * 70 + "\n" + "b" * 10,
        "<https://x.example/> ici",
        "<b>Mbote</b>, R&amp;D",
    ],
)
def test_words_stay_as_they_are(text: str) -> None:
    assert read(text) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<!DOCTYPE html><p>Samedi", "Samedi"),
        ("<p>Mbote <b>Awa</b></p>", "Mbote *Awa*"),
        ("<div>Mbote<br/>Awa</div>\n", "Mbote\nAwa"),
    ],
)
def test_a_page_is_known_whatever_it_is_called(text: str, words: str) -> None:
    assert read(text) == words


@pytest.mark.parametrize(
    ("plain", "page", "words"),
    [
        ("L&#39;&eacute;t&eacute; &amp; moi", "<p>L'été &amp; moi", "L'été & moi"),
        ("Write &amp; for &", "<p>Write &amp;amp; for &amp;", "Write &amp; for &"),
        ("<p>Samedi</p> au <b>marché</b> de Boende.", "<p>Samedi</p> au <b>marché</b> de Boende.",
         "Samedi\n\nau *marché* de Boende."),
    ],
)  # fmt: skip
def test_of_two_renderings_none_shows_what_only_a_page_takes(
    plain: str, page: str, words: str
) -> None:
    parts = "".join(
        f"--q\nContent-Type: text/{kind}; charset=utf-8\n\n{text}\n"
        for kind, text in (("plain", plain), ("html", page))
    )
    raw = f"Content-Type: multipart/alternative; boundary=q\n\n{parts}--q--\n"
    assert parse(raw.encode())[0].text == words


@given(st.binary(max_size=200))
def test_no_text_is_too_broken(data: bytes) -> None:
    decoded(data)
