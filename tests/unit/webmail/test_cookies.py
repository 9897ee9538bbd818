# SPDX-License-Identifier: Apache-2.0
"""Cookies of other sites, which a phone sends too, keep nobody out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mokanda_firmware.webmail import cookies
from tests.unit.webmail.served_village import Village

TOKEN = "Zm9yZXZlcnlwaG9uZV9vZl9ib2VuZGU_a-bcdefghijk"
OTHERS = [
    'prefs={"lang":"fr"}',
    "ref=Direct Traffic",
    "seen",
    "a/b=1",
    "=",
    'a="',
    "mokanda=",
    "mokanda=a b",
    'mokanda="',
    "a=mokanda=x",
    "; ;,",
    "",
    "caf\xe9=\xff",
    "; ".join(f"site{number}=1" for number in range(200)),
]


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("sent", ["{other}; {ours}", "{ours}; {other}", "{other};{ours};{other}"])
def test_a_phone_with_strange_cookies_is_logged_in(village: Village, other: str, sent: str) -> None:
    phone = village.villager("awa")
    ours = f"mokanda={phone.app.cookies['mokanda']}"
    stranger = village.phone()
    header = sent.format(other=other, ours=ours)
    answer = stranger.app.get("/inbox", headers={"Cookie": header}, status=200)
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("other", OTHERS)
def test_a_phone_that_has_strange_cookies_alone_sees_the_first_page(
    village: Village, other: str
) -> None:
    village.villager("awa")
    answer = village.phone().app.get("/", headers={"Cookie": other}, status=200)
    assert "mokanda=" in answer.headers["Set-Cookie"]


def test_the_language_is_read_beside_strange_cookies(village: Village) -> None:
    village.villager("awa")
    header = "a/b=1; language=fr"
    assert 'lang="fr"' in village.phone().app.get("/", headers={"Cookie": header}).text


@given(st.lists(st.sampled_from([*'=; \t"\\,{}', "mokanda", "language", "x", "\xff"])))
def test_ours_is_found_behind_anything(pieces: list[str]) -> None:
    assert cookies.read("".join(pieces) + f"; mokanda={TOKEN}")["mokanda"] == TOKEN


def test_a_header_of_nothing_but_beginnings_is_read() -> None:
    assert cookies.read("; " * 200_000 + ";" + " " * 400_000 + "mokanda=") == {}
