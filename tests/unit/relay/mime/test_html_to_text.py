# SPDX-License-Identifier: Apache-2.0
"""HTML mail as a village reads it."""

import pytest

from mokanda_relay.mime.html_to_text import html_to_text
from mokanda_relay.mime.parse import parse


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Mbote <b>mingi</b>!</p><p>À <em>samedi</em></p>", "Mbote *mingi*!\n\nÀ _samedi_"),
        ("<h1>Marché</h1>Samedi", "*Marché*\n\nSamedi"),
        ("<b> <br>a<br>b</b>", "a\nb"),
        ("un<b>believ</b>able", "unbelievable"),
        ("<ul><li>sel<li>riz</ul>", "- sel\n- riz"),
        ("Oui.<blockquote>Samedi?<blockquote>Quand?</blockquote></blockquote>Moi",
         "Oui.\n> Samedi?\n>> Quand?\nMoi"),
        ("<pre>  a\n    b</pre>", "  a\n    b"),
        ("<title>t</title><style>p{}</style><script>x()</script><p>words", "words"),
        ("<html><head><title>t</title><body>no end of the head", "no end of the head"),
        ("<title>never closed <p>words", "never closed words"),
        ("<!--><p>words-->", "words-->"),
        ('<a href="javascript:alert(1)">here</a>', "here"),
        ('<a href="https://example.org/x">here</a>', "here <https://example.org/x>"),
        ('<img src="https://example.org/p.png"><img src="cid:a">', "[<https://example.org/p.png>]"),
        ('<img alt="Une école" src="https://example.org/p.png">', "Une école"),
        ("&lt;script&gt;", "<script>"),
        ("<div>" * 30_000 + "deep", "deep"),
    ],
)  # fmt: skip
def test_the_words_of_a_page_are_read(html: str, text: str) -> None:
    assert html_to_text(html) == text


def test_a_text_that_only_excuses_itself_gives_way_to_the_page() -> None:
    page = "<p>Le marché est samedi.</p>" * 100
    raw = (
        "Content-Type: multipart/alternative; boundary=x\n\n--x\nContent-Type: text/plain\n\n"
        "Your program cannot show this mail.\n--x\nContent-Type: text/html; charset=utf-8\n\n"
        f"{page}\n--x--"
    )
    message, _ = parse(raw.encode())
    assert message.text.startswith("Le marché est samedi.")


def test_links_that_say_where_they_lead_are_not_repeated() -> None:
    assert html_to_text('<a href="https://example.org/">example.org</a>') == "example.org"
    assert html_to_text('<a href="javascript:x()">here</a>') == "here"
