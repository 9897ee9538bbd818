# SPDX-License-Identifier: Apache-2.0
import pytest

from mokanda_wire.address import AddressError, check_local_part, parse_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("amina@kimpese.example.org", "amina@kimpese.example.org"),
        ("  Jean.Pierre+post@Example.COM ", "Jean.Pierre+post@example.com"),
        ("bako@VILLAGE.EXAMPLE.", "bako@village.example"),
        ("marie@bücher.example", "marie@xn--bcher-kva.example"),
    ],
)
def test_an_address_is_returned_with_its_domain_in_lower_case(text: str, address: str) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "amina",
        "@example.org",
        "amina@",
        "a b@example.org",
        "amina@localhost",
        "a..b@example.org",
        "amina@exa mple.org",
        "amina@-x.org",
        "amina@example.org\nBcc: x@example.org",
        "\u00e9@example.org",
        "a" * 65 + "@example.org",
        "a@" + "b" * 300 + ".org",
        "a@1.2.3.4",
        "a@example.org..",
        "a@.",
        "\0@example.org",
    ],
)
def test_what_is_no_address_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(AddressError, match=r"not an address.*\.$"):
        parse_address(text)


def test_a_villagers_name_is_lower_cased() -> None:
    assert check_local_part(" Amina.K-2 ") == "amina.k-2"


@pytest.mark.parametrize("name", ["", "a", "2pac", "éloïse", "a..b", "a.", ".a", "a b", "x" * 33])
def test_a_bad_villagers_name_is_refused_with_a_sentence(name: str) -> None:
    with pytest.raises(AddressError, match=r"^A name .*\.$"):
        check_local_part(name)
