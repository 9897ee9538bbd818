# SPDX-License-Identifier: Apache-2.0
"""The SIM card's credit: the amount in a network's answer."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mokanda_firmware.modem.balance import Amount, parse

BILLION = 10**9
DATES = (
    "%d/%m/%Y|%d/%m/%y|%d/%m|%m/%Y|%d-%m-%Y|%Y-%m-%d|%d.%m.%Y|%Y/%m/%d|%Y%m%d|%d%m%Y|%d %b %Y"
    "|%d-%b-%y|%d%b%Y|%d %B|%B %d, %Y|%d de %B de %Y|%d/%m/%Y %H:%M:%S|%Y-%m-%dT%H:%M"
).split("|")
SAID = (
    "Votre solde expire le {}|Solde: {}|Balance {}|Saldo até {}|Salio hadi {}|Valid till {}."
    "|Solde principal est {} USD|{}"
).split("|")


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        # French
        ("Votre solde est de 2.50 USD, valable jusqu'au 31/12", 2.5, "USD"),
        ("Solde principal: 1.250,00 FC", 1250, "CDF"),
        ("Votre solde principal est de 1250", 1250, ""),
        ("Compte principal : 12 000,50 FCFA jusqu'au 12 déc. 2026 ; Bonus: 200", 12000.5, "XAF"),
        ("Solde: 0.85 USD, bonus 3 USD valable jusqu'au 31/12/2026", 0.85, "USD"),
        ("Solde 500F", 500, ""),
        ("Votre solde est de 50 unités", 50, ""),
        # English
        ("Your balance is UGX 12,500", 12500, "UGX"),
        ("Your airtime balance is Ksh.100.25 expires 31-12-2026", 100.25, "KES"),
        ("Airtime K25.50, Bonus K3. Data 500 MB.", 25.5, "ZMW"),
        ("Main Bal: 12,500 Shs", 12500, ""),
        ("Balance 1,200/=", 1200, ""),
        ("$0.125", 0.125, "USD"),
        # Portuguese
        ("Saldo: 350,00 Kz", 350, "AOA"),
        ("O seu saldo principal é de 1.234.567,89 AOA, válido até 31.12.2026", 1234567.89, "AOA"),
        ("Saldo: Kz 1.500", 1500, "AOA"),
        # Swahili
        ("Salio lako ni TSh 1,200.50", 1200.5, "TZS"),
        ("Salio lako kuu ni 350 Tsh. Muda wa matumizi 31/12/2026 23:59:59", 350, "TZS"),
        # Nothing left, and less
        ("Solde:0", 0, ""),
        ("Your account balance is RWF 0. Dial *182#", 0, "RWF"),
        ("Solde: -20 FC", -20, "CDF"),
    ],
)
def test_the_amount_of_an_answer_is_read(text: str, amount: float, currency: str) -> None:
    assert parse(text) == Amount(round(amount * BILLION), currency)


@pytest.mark.parametrize(
    "text",
    [
        "Bonus: 5.00 USD. Solde principal: 1.20 USD",
        "Bonus:5USD,Main:1.20USD",
        "Forfait 1GB à 5 USD. Solde 1.20 USD",
        "Tarif 5 USD! Votre solde: 1.20 USD",
        "Solde: 1.20 USD\n1. Credit 500 FC\n2. Retour",
        "5 SMS, 10 min, 50%. Appelez le 0811234567 ou *100#. Solde 1.20 USD",
    ],
)
def test_what_stands_before_the_balance_is_not_it(text: str) -> None:
    assert parse(text) == Amount(round(1.2 * BILLION), "USD")


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("Solde 2.500 USD", 2.5),  # thousandths, as in the DRC
        ("Solde 2,500 USD", 2500),
        ("Solde 2.500 FC", 2500),
        ("Solde 0.500 FC", 0.5),
        ("Solde 1 250 FC", 1250),
        ("Solde 1\u00a0250 FC", 1250),
        ("Solde 1\u202f250,5 FC", 1250.5),
        ("Solde 1'250.50 FC", 1250.5),
        ("Solde 1,250.50 FC", 1250.5),
        ("Solde 1.250,50 FC", 1250.5),
        ("Solde \uff11\uff12 FC", 12),
        ("Solde: \u0665\u0660\u066b\u0665 USD", 50.5),
        ("Solde \u0661\u066c\u0662\u0665\u0660\u066b\u0665 FC", 1250.5),
        ("Solde \u06f5\u066b\u06f5\u06f0\u06f0 FC", 5.5),
        ("Solde \u0661\u066c\u0662\u0665\u0660 USD", 1250),
        ("Solde \u0661\u060c\u0665 USD, \u0661\u066b\u0665 GB", 1.5),
    ],
)
def test_thousands_and_decimals_are_told_apart(text: str, amount: float) -> None:
    read = parse(text)
    assert read is not None
    assert read.value == round(amount * BILLION)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Service indisponible",
        "Votre solde expire le 31/12/2026",
        "Votre solde est insuffisant. Contactez 1234",
        "Pour votre solde appelez 888",
        "You have 500 MB valid till 31 Dec 2026, 23:59",
        "Appelez le 0811234567 ou +243 81 123 4567",
        "50% de plus avec *100#",
        "Solde valable jusqu'au 5 janvier 2027",
        "Saldo até 5 de março de 2027",
        "Salio hadi 5 Desemba 2027",
        "Bonus: 5 USD",
        "Appel à 50 FC/min",
        "Votre transfert de 500 FC est fait",
        "1: Solde\n2: Forfaits",
        "1.Solde 0.Retour",
        "1.Credit 2.Forfait",
        "Salio 1. Vifurushi 2",
        "Menu: 1) Credit 2) Data",
        "Bienvenue. 1-Solde 2-Recharge",
        "1.Solde 2.Recharge 3.Credit 500 FC",
        "Solde 1.2.3,4 FC",
        "Solde 1.25.1250 FC",
    ],
)
def test_what_is_no_balance_is_none(text: str) -> None:
    assert parse(text) is None


@given(st.text(max_size=3000))
def test_any_answer_can_be_looked_at(text: str) -> None:
    parse(text)


@given(st.lists(st.sampled_from([*"0123456789.,/:-+*#% \n", "solde ", "usd", "dec", "mb"])))
def test_any_mixture_of_what_answers_have_can_be_looked_at(parts: list[str]) -> None:
    parse("".join(parts))


@given(
    st.dates(date(1970, 1, 1), date(2099, 12, 31)), st.sampled_from(DATES), st.sampled_from(SAID)
)
def test_a_date_is_never_a_balance(day: date, form: str, sentence: str) -> None:
    assert parse(sentence.format(day.strftime(form))) is None


@given(st.integers(0, 10**9 - 1), st.sampled_from(["FC", "USD", "Kz", "UGX", "FCFA", "TSh"]))
def test_an_amount_is_read_as_it_was_written(cents: int, currency: str) -> None:
    read = parse(f"Solde: {cents // 100:,}.{cents % 100:02} {currency}, bonus: 7 {currency}")
    assert read is not None
    assert read.value == cents * BILLION // 100
