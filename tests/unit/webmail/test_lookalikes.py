# SPDX-License-Identifier: Apache-2.0
"""Names and domains that look like others, and are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mokanda_firmware.webmail.wording.lookalikes import imitated, key, mixes_scripts

KNOWN = {"gmail.com", "paypal.com", "who.int", "rawbank.com", "boende.example.org"}


def at(domain: str) -> str:
    """Somebody's address in a domain, as it is encoded."""
    return "ada@" + domain.encode("idna").decode()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ben Itimi", "BEN  itimi"),
        ("André", "Andre"),
        ("Papa", "\u0420\u0430\u0440\u0430"),  # all of it Cyrillic
        ("Anna", "\u0391nna"),  # Greek
        ("Moke", "\uff2doke"),  # of full width
        ("Mama Ilo", "Marna llo"),
        ("Ilo", "1l0"),
    ],
)
def test_names_that_look_alike_have_the_same_key(one: str, other: str) -> None:
    assert key(one) == key(other)


@pytest.mark.parametrize(("one", "other"), [("Awa", "Ewa"), ("Kir Ngoma", "Kim Goma"), ("O", "Q")])
def test_others_have_not(one: str, other: str) -> None:
    assert key(one) != key(other)


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        (at("gm\u0430il.com"), "gmail.com"),
        (at("MAIL.p\u0430y\u0440al.com").upper(), "paypal.com"),
        ("a@grnail.com", "gmail.com"),
        ("a@paypa1.com", "paypal.com"),
        ("a@ravvbank.com", "rawbank.com"),
        ("a@vvh0.int", "who.int"),
        ("a@b0ende.example.org", "boende.example.org"),
        ("a@gm\u0430il.com", "gmail.com"),
    ],
)
def test_a_domain_that_looks_like_a_known_one_is_told(address: str, domain: str) -> None:
    assert imitated(address, KNOWN) == domain


@pytest.mark.parametrize(
    "address",
    [
        *(
            "a@gmail.com",
            "a@drc.who.int",
            "a@example.org",
            "a@mail.com",
            "a@xn--",
            "a@xn--zzzzzzz.com",
        ),
        *("", "a", "a@", "@gmail.com", at("caf\u00e9.example")),
    ],
)
def test_others_are_not(address: str) -> None:
    assert imitated(address, KNOWN) == ""


@pytest.mark.parametrize(
    "text",
    [
        "B\u0435n Itimi",
        "Support g\u03bfogle",
        at("ex\u0430mple.org"),
        "\u0430da@example.org",
    ],
)
def test_a_word_of_several_scripts_is_told(text: str) -> None:
    assert mixes_scripts(text)


@pytest.mark.parametrize(
    "text",
    [
        "Lisɛngá Bɔlɔ́ngɔ́ N\u02bcsele (2) ada_2@example.org",
        "Иван (Ivan)",
        "\u0639\u0644\u064a Ali",
        "\u6771\u4eac\u30bf\u30ef\u30fc Tシャツ",
        "\uff22en",
        at("caf\u00e9.example"),
        "",
    ],
)
def test_other_words_are_not(text: str) -> None:
    assert not mixes_scripts(text)


@given(st.text(), st.text(alphabet="xn-.a\u0430@0", max_size=700))
def test_whatever_it_is_there_is_an_answer(name: str, address: str) -> None:
    assert isinstance(key(name), str)
    assert imitated(address, KNOWN) in {*KNOWN, ""}
    assert mixes_scripts(f"{name} {address}") in (True, False)
