# SPDX-License-Identifier: Apache-2.0
"""By what it is known that the SIM card's credit is used up."""

import errno
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mokanda_firmware import paths, relaytime
from mokanda_firmware.modem import readings
from mokanda_firmware.modem.backend import Answer
from mokanda_firmware.modem.credit import Credit
from mokanda_firmware.modem.messages import Message
from mokanda_wire import durable

CARD = "630010123456789"


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOKANDA_DATA", str(tmp_path))


def told(text: str) -> Answer:
    return Answer(text, is_menu=False)


def of_network(*texts: str) -> Message:
    return Message("Vodacom", None, texts, of_network=True)


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
        "Esgotou-se o seu saldo.",
        "Cher client! Votre credit est epuise.Rechargez",
        "Promo: 1GB a 1 USD! Votre forfait a expire.",
    ],
)
def test_what_networks_write_when_credit_is_used_up(text: str) -> None:
    credit = Credit()
    credit.came(of_network(text))
    assert text in str(credit.sign)


@pytest.mark.parametrize(
    "text",
    [
        "Votre solde est de 2.50 USD",
        "Bienvenue ! Le jeu est terminé. Gagnez du crédit",
        "Data bundles from 1 USD. Ends soon",
        "Your number 123 is now active",
        "Achetez un forfait 1GB a 1 USD, expire dans 30 jours",
        "Credit termine? Gagnez 1000 USD!",
        "Credit termine ? Empruntez",
        "Votre solde n'est pas epuise",
        "Your data is not used up",
        "O seu saldo não está esgotado",
        "Si votre credit est epuise, empruntez",
        "If your data bundle is finished dial *123#",
        "Votre forfait se termine demain",
        "Your bundle will be exhausted soon",
        "Vous avez epuise 80% de votre forfait",
        "Votre forfait SMS est epuise",
    ],
)
def test_what_else_they_write(text: str) -> None:
    credit = Credit()
    credit.came(of_network(text))
    assert credit.sign is None


def test_it_may_stand_in_two_parts_of_a_message() -> None:
    credit = Credit()
    credit.came(of_network("Cher client, votre crédit ", "est épuisé."))
    assert credit.sign is not None


def test_half_a_message_tells_nothing() -> None:
    credit = Credit()
    credit.came(of_network("Votre crédit est épuisé", ""))
    assert credit.sign is None


def test_a_sign_holds_over_a_restart_until_the_relay_is_reached() -> None:
    Credit().stranger_answered()
    again = Credit()
    assert again.sign is not None
    again.relay_reached(CARD)
    assert again.sign is None
    assert Credit().sign is None


@given(st.text(max_size=2000))
def test_any_message_is_looked_at_in_no_time(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Credit, "_note", lambda *_: None)
        Credit().came(of_network(text))


@given(st.binary(max_size=100))
def test_a_damaged_note_is_no_sign(tmp_path_factory: pytest.TempPathFactory, noise: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOKANDA_DATA", str(tmp_path_factory.mktemp("data")))
        paths.credit().write_bytes(noise)
        assert Credit().sign is None


@pytest.mark.parametrize(
    ("text", "is_gone"),
    [("Your balance is UGX 0.", True), ("Your balance is UGX 12,500", False), ("Try later", False)],
)
def test_a_balance_of_nothing_is_a_sign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, *, is_gone: bool
) -> None:
    monkeypatch.setenv("MOKANDA_RUN", str(tmp_path))
    relaytime.remember(datetime(2026, 11, 29, 20, 0, tzinfo=UTC))
    credit = Credit()
    credit.balance_told(told(text), CARD, "")
    assert (credit.sign is not None) is is_gone
    assert [each.day for each in readings.history()] == ["2026-11-29"]


def test_a_balance_of_an_unknown_day_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOKANDA_RUN", str(tmp_path))
    credit = Credit()
    credit.balance_told(told("Your balance is UGX 0."), CARD, "")
    assert not credit.begin_day(CARD, "")
    assert readings.history() == []


@pytest.fixture
def evening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The relay has told the time of an evening that is the next day in the village."""
    monkeypatch.setenv("MOKANDA_RUN", str(tmp_path))
    relaytime.remember(datetime(2026, 11, 29, 23, 30, tzinfo=UTC))


@pytest.mark.usefixtures("evening")
def test_the_balance_is_asked_for_once_a_day_over_restarts_too() -> None:
    assert Credit().begin_day(CARD, "Africa/Kinshasa")
    assert not Credit().begin_day(CARD, "Africa/Kinshasa")
    assert Credit().begin_day("630020000000001", "Africa/Kinshasa")
    relaytime.remember(datetime(2026, 11, 30, 23, 30, tzinfo=UTC))
    assert Credit().begin_day(CARD, "Africa/Kinshasa")


@pytest.mark.usefixtures("evening")
def test_what_the_keeper_has_asked_for_is_not_asked_for_again() -> None:
    Credit().balance_told(told("Your balance is UGX 5."), CARD, "Africa/Kinshasa")
    assert not Credit().begin_day(CARD, "Africa/Kinshasa")
    assert [each.day for each in readings.history()] == ["2026-11-30"]


@pytest.mark.usefixtures("evening")
def test_without_room_to_note_it_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durable, "write", full)
    assert not Credit().begin_day(CARD, "")


@pytest.mark.usefixtures("evening")
def test_a_balance_that_cannot_be_kept_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durable, "write", full)
    Credit().balance_told(told("Your balance is UGX 5."), CARD, "")
    assert readings.history() == []


@pytest.mark.usefixtures("evening")
def test_a_balance_takes_back_what_a_balance_has_said_and_nothing_else() -> None:
    credit = Credit()
    credit.balance_told(told("Your balance is UGX -3."), CARD, "")
    assert credit.sign is not None
    credit.balance_told(told("Your balance is unknown"), CARD, "")
    assert credit.sign is not None
    credit.balance_told(told("Your balance is UGX 5."), CARD, "")
    assert credit.sign is None
    credit.stranger_answered()
    credit.balance_told(told("Your balance is UGX 5."), CARD, "")
    assert credit.sign is not None


@pytest.mark.usefixtures("evening")
def test_a_balance_of_nothing_is_no_sign_as_long_as_mail_goes_with_it() -> None:
    credit = Credit()
    credit.balance_told(told("Your balance is UGX 0."), CARD, "")
    credit.relay_wanted()
    credit.relay_reached(CARD)
    credit.balance_told(told("Your balance is UGX 0."), CARD, "")
    assert credit.sign is None
    credit.balance_told(told("Your balance is UGX 0."), "630020000000001", "")
    assert credit.sign is not None
    credit.relay_reached(CARD)
    credit.relay_wanted()
    credit.balance_told(told("Your balance is UGX 0."), CARD, "")
    assert credit.sign is not None


@pytest.mark.usefixtures("evening")
@pytest.mark.parametrize(
    "answer",
    [
        Answer("1.Solde 0.Retour", is_menu=True),
        Answer("Solde: 0 USD\n1 Forfaits", is_menu=True),
        Answer("1.Solde 0.Retour", is_menu=False),
        Answer("Solde: 0.00 USD. Internet: 1950 Mo", is_menu=False),
        Answer("Balance: 0 UGX. Data: unlimited", is_menu=False),
    ],
)
def test_a_menu_or_a_bundle_with_data_is_no_sign(answer: Answer) -> None:
    credit = Credit()
    credit.balance_told(answer, CARD, "")
    assert credit.sign is None
    assert [each.text for each in readings.history()] == [answer.text]


@pytest.mark.usefixtures("evening")
@pytest.mark.parametrize("text", ["Solde: 0 USD. Internet: 0 Mo", "Solde: 0 USD, 50 SMS"])
def test_what_carries_no_mail_leaves_a_balance_of_nothing_one(text: str) -> None:
    credit = Credit()
    credit.balance_told(told(text), CARD, "")
    assert credit.sign is not None


@pytest.mark.usefixtures("evening")
def test_the_first_balance_of_nothing_is_no_sign_where_mail_has_just_gone() -> None:
    credit = Credit()
    credit.relay_wanted()
    credit.relay_reached(CARD)
    credit.balance_told(told("Your balance is UGX 0."), CARD, "")
    assert credit.sign is None
    credit.relay_wanted()
    credit.balance_told(told("Your balance is UGX 0."), CARD, "")
    assert credit.sign is not None


@pytest.mark.parametrize("told", [253402299000.0, -1e12, float("inf"), float("nan")])
def test_a_time_in_which_nobody_lives_is_none(
    told: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOKANDA_RUN", str(tmp_path / "run"))
    relaytime._Clock(told, 0.0).publish()
    assert relaytime.now() is None
    Credit().balance_told(Answer("Solde: 5 USD", is_menu=False), CARD, "Africa/Kinshasa")
    assert readings.history() == []
