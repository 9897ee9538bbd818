# SPDX-License-Identifier: Apache-2.0
"""The text of a letter as a page shows it."""

import re

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

from mokanda_firmware.webmail.wording.markup import to_html


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("Mbote *mingi*!", "Mbote <b>mingi</b>!"),
        ("_Samedi_, au *marché*", "<i>Samedi</i>, au <b>marché</b>"),
        ("*_tous_*", "<b><i>tous</i></b>"),
        ("2 * 3 * 4 = 24, nom_de_fichier_2", "2 * 3 * 4 = 24, nom_de_fichier_2"),
        ("* * *", "* * *"),
        ("https://example.org/_a_?b=*c*", "https://example.org/_a_?b=*c*"),
        (
            "Il faut:\n- du sel\n- du *riz*\nMerci",
            "Il faut:<ul><li>du sel</li><li>du <b>riz</b></li></ul>Merci",
        ),
        (
            "Oui.\n> Samedi?\n> > Quand?",
            "Oui.<blockquote>Samedi?<blockquote>Quand?</blockquote></blockquote>",
        ),
        ("à\nla\n\nligne", "à\nla\n\nligne"),
        ("awa@example.org.", '<a href="/write?to=awa%40example.org">awa@example.org</a>.'),
        ("<b>a & b</b>", "&lt;b&gt;a &amp; b&lt;/b&gt;"),
        ("*<script>*", "<b>&lt;script&gt;</b>"),
        ('"x"@example.org"onclick="a', "&quot;x&quot;@example.org&quot;onclick=&quot;a"),
    ],
)
def test_marks_of_plain_text_are_shown(text: str, html: str) -> None:
    assert to_html(text) == html


@given(st.text(alphabet="*_>- \n<>&\"'a@.é/=", max_size=80))
def test_only_tags_of_our_own_come_of_a_text(text: str) -> None:
    page = BeautifulSoup(to_html(text), "html.parser")
    assert {tag.name for tag in page.find_all(True)} <= {"a", "b", "blockquote", "i", "li", "ul"}
    for tag in page.find_all(True):
        assert set(tag.attrs) <= ({"href"} if tag.name == "a" else set())


@given(st.text(max_size=80))
def test_no_word_is_lost(text: str) -> None:
    seen = BeautifulSoup(to_html(text), "html.parser").get_text()
    assert re.findall(r"\w", seen.replace("_", "")) == re.findall(r"\w", text.replace("_", ""))


@pytest.mark.parametrize(
    "text",
    [
        "*" * 50_000,
        "> " * 50_000,
        "- \n" * 50_000,
        "a@" * 50_000,
        "_a " * 50_000,
        "http://" * 20_000,
    ],
)
def test_no_text_takes_long(text: str) -> None:
    assert len(to_html(text)) >= 50_000
