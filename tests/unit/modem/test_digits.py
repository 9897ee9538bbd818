# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF001 - Arabic signs are part of what this is about
"""Answers of networks come as they are, or as digits, of whose coding another may be told."""

from collections.abc import Callable
from string import ascii_letters, digits

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mokanda_firmware.modem import balance
from mokanda_firmware.modem.at.digits import readable
from tests.stand_ins import septets

CODINGS = (0, 1, 4, 8, 15, 17, 68, 72, 240)
AMOUNTS = (
    "2.50 USD",
    "350 FC",
    "$2.50",
    "0,00 Kz",
    "1 500 F",
    "2€",
    "500FC",
    "12'000 UGX",
    "5_USD",
)
SENTENCES = (
    *("Votre solde est de {}.", "Votre crédit est de {}", "Solde={}", "Forfait épuisé. Reste: {}"),
    *("Confirmez-vous l'achat du forfait 1 Go à {}?\n1. Oui\n2. Non", "Solde: {}. Merci!"),
    *("Your balance is {} @ 31/12/2026, 23:59", "Balance: {}; bonus: 10MB & 5 SMS", "[1] Pay {}"),
    *("O seu saldo é {}. Valido até 31/12", "Saldo: {} & bonus (nao expira)", "1) Sim 2) Nao {}"),
    *("Salio lako ni {}. Nunua kifurushi? *149#", "Umenunua \"Bando\" kwa {}!", "1: Ndiyo\n2: {}"),
    *("Mbongo na yo ezali {}. Pona: 1", "Mbongo ya nge kele {}; zenga 1!", "Mfalanga yebe idi {}"),
    *("SOLDE PRINCIPAL: {}\nBONUS: 0%", "{}", "Tapez *100*1# ({}/j)", "~ {} ~ ^^ \\ | {{}}"),
)  # fmt: skip
BEYOND_SEVEN_BITS = (
    *("رصيدك {} دولار", "الرصيد: {} فرنك، صالح حتى ٣١/١٢", "هل تؤكد الشراء؟\n١. نعم\n٢. لا {}"),
    *("O seu saldo é {}. Válido até 31/12", "Saldo: {} & bónus (não expira)", "1) Sim 2) Não {}"),
    *("Mbɔ́ngɔ na yɔ́ ezalí {}", "Votre forfait « Été » à {}… «Œuvre»", "Saldo: {} – não expira"),
)
ANSWERS = st.builds(str.format, st.sampled_from(SENTENCES), st.sampled_from(AMOUNTS))
OTHERS = st.builds(str.format, st.sampled_from(BEYOND_SEVEN_BITS), st.sampled_from(AMOUNTS))
LETTERS = st.text(
    f"{ascii_letters}{digits} .,:;!?'()/*#+-%&@=_$<>\"éèàùòìÇñ",
    min_size=1,
    max_size=40,
)


def packed(text: str) -> str:
    return septets.pack_ussd(text).hex().upper()


def wide(text: str) -> str:
    return text.encode("utf-16-be").hex().upper()


def tidy(text: str) -> str:
    return "\n".join(filter(None, (" ".join(line.split()) for line in text.split("\n"))))


@given(ANSWERS, st.sampled_from(CODINGS), st.sampled_from([packed, wide, str]))
def test_an_answer_is_read_whatever_its_digits_and_the_coding_that_is_told(
    text: str, scheme: int, travels: Callable[[str], str]
) -> None:
    assume(not (travels is packed and packed(text).isdecimal()))
    assert readable(travels(text), scheme) == tidy(text)
    if travels is not str:
        assert readable(travels(text).lower(), scheme) == tidy(text)


@given(OTHERS, st.sampled_from(CODINGS), st.sampled_from([wide, str]))
def test_so_is_one_that_seven_bits_cannot_write(
    text: str, scheme: int, travels: Callable[[str], str]
) -> None:
    assert readable(travels(text), scheme) == tidy(text)


@given(ANSWERS, LETTERS, st.sampled_from(CODINGS), st.sampled_from([packed, wide, str]))
def test_signs_that_networks_seldom_write_make_no_answer_unreadable(
    answer: str, letters: str, scheme: int, travels: Callable[[str], str]
) -> None:
    assume(len(answer) >= 12)
    text = f"{answer} {letters}."
    assert readable(travels(text), scheme) == tidy(text)


@given(LETTERS.filter(lambda text: len(text) >= 12), st.sampled_from([0, 1, 15]))
def test_whatever_signs_are_packed_are_read_in_the_coding_that_is_told(
    text: str, scheme: int
) -> None:
    assume(not text.endswith("@"))  # which nobody can tell from nothing
    assume(not packed(text).isdecimal())
    assert readable(packed(text), scheme) == tidy(text)


@pytest.mark.parametrize("text", ["Oui", "OK", "1.50", "?!?!", "Merci!", "5 USD", "2€", "$5"])
def test_a_short_answer_is_read(text: str) -> None:
    assert readable(packed(text), 15) == text


@pytest.mark.parametrize("scheme", CODINGS)
@pytest.mark.parametrize(
    "text",
    [
        *("0", "50", "350", "1234", "2500", "25000", "100000", "1000FC", "350F", "850F", "50FC"),
        *("0812345678", "243812345678", "+243812345678", "12345678901234", "89243010001234567890"),
        *("DEAD", "CAFE", "FACADE", "Decade", "deed", "efface", "AB"),
    ],
)
def test_a_number_or_a_word_stays_what_it_is(text: str, scheme: int) -> None:
    assert readable(text, scheme) == text


def test_every_short_number_stays_a_number() -> None:
    for number in range(10_000):
        assert readable(f"{number:04}", 15) == f"{number:04}"


@given(st.from_regex(r"[1-9][0-9]{4,19}", fullmatch=True))
def test_a_long_number_stays_a_number(number: str) -> None:
    assert readable(number, 15) == number


@pytest.mark.parametrize("scheme", [8, 15, 72])
def test_an_amount_alone_is_read_in_ucs2(scheme: int) -> None:
    assert readable(wide("500"), scheme) == "500"


def test_the_language_before_a_text_is_left_out() -> None:
    assert readable(packed("fr\rVotre solde: 5 USD"), 16) == "Votre solde: 5 USD"
    assert readable("fr\rVotre solde: 5 USD", 16) == "Votre solde: 5 USD"
    language = septets.pack(septets.codes_of("fr")).hex().upper()
    assert readable(language + wide("Crédit épuisé"), 17) == "Crédit épuisé"


def test_an_answer_that_was_cut_off_is_read_as_far_as_it_came() -> None:
    text = "Votre solde est de 2.50 USD. Achetez un forfait?"
    assert text.startswith(readable(packed(text)[:61], 15)[:-1])
    assert text.startswith(readable(wide(text)[:93], 15)[:-1])


def test_octets_are_read_by_the_coding_that_is_told() -> None:
    assert readable("Crédit épuisé!".encode("latin-1").hex().upper(), 68) == "Crédit épuisé!"


@pytest.mark.parametrize("text", ["Solde: 350 FC. Achetez!?", "Solde=350FC", "$350 @ 1/1"])
def test_a_balance_is_found_in_what_came_as_digits(text: str) -> None:
    found = balance.parse(readable(packed(text), 15))
    assert found is not None
    assert found.value == 350 * 10**9


@given(st.text("0123456789ABCDEFabcdef\n ", max_size=5000), st.integers(0, 999))
def test_whatever_digits_come_are_some_text(digits: str, scheme: int) -> None:
    assert len(readable(digits, scheme)) <= 4 * balance.MAX_TEXT
