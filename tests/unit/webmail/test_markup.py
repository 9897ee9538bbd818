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
        (
            "Il faut:\n- du sel\n- du *riz*\nMerci",
            'Il faut:<ul dir="auto"><li>du sel</li><li>du <b>riz</b></li></ul>Merci',
        ),
        (
            "Oui.\n> Samedi?\n> > Quand?",
            'Oui.<blockquote dir="auto">Samedi?<blockquote dir="auto">Quand?</blockquote>'
            "</blockquote>",
        ),
        (
            "- a\n  - b\n    - c\n  - d\n- e",
            '<ul dir="auto"><li>a<ul dir="auto"><li>b<ul dir="auto"><li>c</li></ul></li><li>d</li>'
            "</ul></li><li>e</li></ul>",
        ),
        ("4. deux\n  - un\n- trois", '4. deux\n  - un<ul dir="auto"><li>trois</li></ul>'),
        ("~5 000~ 4 000 FC, ~/a, 5~6", "<s>5 000</s> 4 000 FC, ~/a, 5~6"),
        ("Un\n---\nDeux\n______________", "Un<hr>Deux<hr>"),
        ("Voici \ufffc.", "Voici ."),
        (
            "https://x.example/\u202egpj.exe",
            '<a dir="ltr" href="https://x.example/" target="_blank" rel="noreferrer noopener">'
            "https://x.example/</a>\u202egpj.exe",
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


@given(
    st.lists(
        st.sampled_from(
            [
                *"*_~>- \n<>&\"'a@.é/=+0123?:",
                "https://",
                "www.",
                "mailto:",
                "a@b.cd",
                "  - ",
                "+243810",
            ]
        ),
        max_size=60,
    ).map("".join)
)
def test_only_tags_of_our_own_come_of_a_text(text: str) -> None:
    page = BeautifulSoup(to_html(text, "Plus"), "html.parser")
    ours = {"a", "b", "blockquote", "details", "hr", "i", "li", "s", "summary", "ul"}
    assert {tag.name for tag in page.find_all(True)} <= ours
    for tag in page.find_all(True):
        assert set(tag.attrs) <= ({"dir", "href", "rel", "target"} if tag.name == "a" else {"dir"})
        if tag.name == "a":
            assert str(tag["href"]).startswith(("https://", "http://", "/write?", "tel:"))


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
        "+1 " * 50_000,
        "0810 000 000 " * 10_000,
        "mailto:" * 10_000,
        "  - x\n" * 20_000,
    ],
)
def test_no_text_takes_long(text: str) -> None:
    assert len(to_html(text)) >= 50_000


@pytest.mark.parametrize(
    ("text", "shown", "leads_to"),
    [
        ("Ici: https://example.org/a_b?c=1.", "https://example.org/a_b?c=1", None),
        ("Prix <https://example.org/x>", "https://example.org/x", None),
        ("(https://fr.example.org/Boende_(ville))", "https://fr.example.org/Boende_(ville)", None),
        ("https://example.org/_a_?b=*c*d", "https://example.org/_a_?b=*c*d", None),
        ("www.example.org/prix, oui", "www.example.org/prix", "https://www.example.org/prix"),
        ("www.https://x", "www.https://x", "https://www.https://x"),
        ("awa@Example.ORG", "awa@Example.ORG", "/write?to=awa%40Example.ORG"),
        (
            "Marie <mailto:marie@example.org?subject=Prix%20du%20sel&body=Mbote&bcc=x@y.zz>",
            "marie@example.org",
            "/write?to=marie%40example.org&subject=Prix+du+sel&text=Mbote",
        ),
        ("+243 81 000 0000", "+243 81 000 0000", "tel:+243810000000"),
        ("+243 (0)81 000 0000", "+243 (0)81 000 0000", "tel:+243810000000"),
        ("Appelez 0810 000 000, merci", "0810 000 000", "tel:0810000000"),
        ("00243-81-000-0000.", "00243-81-000-0000", "tel:00243810000000"),
        ("06 12 20 26 30", "06 12 20 26 30", "tel:0612202630"),
        ("Le 01.12.2026 ou 01 12 2026", None, None),
        ("08.30 - 09.30, 08.30-09.30", None, None),
        ("12 500 000 FC, 0850000000 FC, 0999999999 $", None, None),
        ("Compte 00012345678901234567, FR7630006000011234567890189", None, None),
        ("1234567890, 0123, +1, 2026-11-29 10:00", None, None),
        ("javascript:alert(1) data:text/html,x http://", None, None),
    ],
)
def test_what_a_text_refers_to_is_a_link(
    text: str, shown: str | None, leads_to: str | None
) -> None:
    links = BeautifulSoup(to_html(text), "html.parser").find_all("a")
    assert [(link.text, link["href"]) for link in links] == (
        [(shown, leads_to or shown)] if shown else []
    )
    for link in links:
        assert ("noreferrer" in str(link.get("rel"))) == str(link["href"]).startswith("http")


def test_a_long_quotation_is_folded() -> None:
    text = "Oui.\n" + "> ligne\n" * 9 + "Non."
    page = BeautifulSoup(to_html(text, "Citation"), "html.parser")
    assert [one.text for one in page.select("details summary")] == ["Citation"]
    assert [one.text.count("ligne") for one in page.select("details blockquote")] == [9]
    assert page.get_text().endswith("Non.")
    assert "<details>" not in to_html(text)  # on paper
    assert "<details>" not in to_html("> ligne\n" * 8, "Citation")
