# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF001 - Arabic digits are part of what this is about
"""Which answers to a code are menus, as networks write in English, French, Portuguese, Arabic."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mokanda_firmware.modem.hilink.menu import is_menu


@pytest.mark.parametrize(
    "text",
    [
        "1. Solde\n2. Forfaits",
        "1) Jour\n2) Mois",
        "1 Solde\n2 Forfaits\n3 Service client",
        "Bienvenue\n1-Credit\n2-Internet\n3-Mobile Money\n0-Retour",
        "1: Oui\n2: Non",
        "1=Oui\n2=Non",
        "[1] Data\n[2] Voice",
        "1 > Daily\n2 > Weekly",
        "1. 500F = 100Mo\n2. 1000F = 250Mo",
        "1. Kasi/30 Days\n2. Tsh 10000 = 4920MB\n3. Tsh 20000 = 9800MB\n00 back\n99 Main",
        "1. 1GB @1000\n2. 2GB @1800",
        "Solde: 500 FC\n1. Recharger\n2. Forfaits",
        "Acheter 1 Go? 1.Oui 2.Non",
        "Saldo: 350,00 Kz\n1. Pacotes\n2. Plano diario",
        "1 Sim\n2 Não",
        "01. Airtime\n02. Bundles",
        "NET MONTH 200 000\n1 Info conso\n00 Page precedente",
        "5. Roaming\n6. Simba\n0. Back",
        "1. Solde\n# Retour",
        "١. الرصيد\n٢. الباقات",
        "١ الرصيد\n٢ الباقات\n٣ خدمة العملاء",
        "۱) موجودی\n۲) بسته",
    ],
)
def test_a_list_of_choices_is_a_menu(text: str) -> None:
    assert is_menu(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Votre solde est de 2.50 USD",
        "1 USD = 2800 FC",
        "1 USD vaut 2800 FC",
        "Taux du jour:\n1 USD = 2800 FC\n2 USD = 5600 FC",
        "1 Dollar = 2800 FC\n2 Dollars = 5600 FC",
        "Solde 5 USD\n1 USD de bonus",
        "Il reste 1 USD",
        "Il vous reste:\n1 Go\n2 SMS",
        "1 GB\n2 GB",
        "1 Go = 2000 FC\n2 Go = 3500 FC",
        "1 jour\n2 heures\n3 minutes",
        "11 SMS",
        "1 000 FC",
        "1.500 FC\n2.500 FC",
        "1.5 Go\n2.5 Go",
        "Valid until 1-12-2026",
        "Expire le 1 decembre\n2 SMS",
        "Your balance is 1.20 USD. Bonus: 2 min",
        "Saldo: 1,00 Kz\nBónus: 2,00 Kz",
        "O seu saldo e 1 Kz\n1 dia\n2 mensagens",
        "الرصيد ١ دولار",
        "رصيدك ١٫٥ دولار\n٢ رسائل",
        "12:30\n1:15",
        "1 appel",
        "Solde: 5 USD\n1 Forfaits",
    ],
)
def test_amounts_and_sentences_are_no_menu(text: str) -> None:
    assert not is_menu(text)


@given(st.text(alphabet=st.sampled_from("12 \n.)=-*#0a٢é"), max_size=200))
def test_no_answer_does_harm(text: str) -> None:
    is_menu(text)
