# SPDX-License-Identifier: Apache-2.0
"""By what it is known that the SIM card's credit is used up."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mokanda_firmware import paths
from mokanda_firmware.modem.credit import Credit
from mokanda_firmware.modem.messages import Part


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOKANDA_DATA", str(tmp_path))


@pytest.mark.parametrize(
    "text",
    [
        "Votre crédit est épuisé. Rechargez au *123#",
        "Vous avez epuise votre forfait internet.",
        "Solde insuffisant pour cette opération",
        "Votre forfait Internet a expiré le 12/11",
        "Your data bundle is depleted.",
        "You have insufficient balance",
        "O seu saldo é insuficiente.",
        "Salio lako halitoshi.",
        "Kifurushi chako kimekwisha",
    ],
)
def test_what_networks_write_when_credit_is_used_up(text: str) -> None:
    credit = Credit()
    credit.came(Part("Vodacom", None, text))
    assert text in str(credit.sign)


@pytest.mark.parametrize(
    "text",
    [
        "Votre solde est de 2.50 USD",
        "Bienvenue ! Le jeu est terminé. Gagnez du crédit",
        "Data bundles from 1 USD. Ends soon",
        "Your number 123 is now active",
    ],
)
def test_what_else_they_write(text: str) -> None:
    credit = Credit()
    credit.came(Part("Vodacom", None, text))
    assert credit.sign is None


def test_a_phone_may_write_what_it_likes() -> None:
    credit = Credit()
    credit.came(Part("+243810000000", None, "Votre crédit est épuisé"))
    assert credit.sign is None


def test_a_sign_holds_over_a_restart_until_the_relay_is_reached() -> None:
    Credit().stranger_answered()
    again = Credit()
    assert again.sign is not None
    again.relay_reached()
    assert again.sign is None
    assert Credit().sign is None


@given(st.text(max_size=2000))
def test_any_message_is_looked_at_in_no_time(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Credit, "_note", lambda *_: None)
        Credit().came(Part("131", None, text))


@given(st.binary(max_size=100))
def test_a_damaged_note_is_no_sign(tmp_path_factory: pytest.TempPathFactory, noise: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOKANDA_DATA", str(tmp_path_factory.mktemp("data")))
        paths.credit().write_bytes(noise)
        assert Credit().sign is None
