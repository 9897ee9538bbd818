# SPDX-License-Identifier: Apache-2.0
"""When a PIN that was kept is given by itself, so that no card is locked by it."""

import contextlib
import errno
import shutil
from pathlib import Path

import pytest

from mokanda_firmware import paths
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.modem import kept_pin
from mokanda_firmware.modem.backend import PinError
from mokanda_firmware.modem.kept_pin import KeptPin
from mokanda_wire import durable

CARD, OTHER = "8924301000123456789", "8924301000999999999"
UNTOLD = None


class Card:
    """A card that takes a PIN, or does not, or that is pulled out as it is given one."""

    def __init__(self) -> None:
        self.given = 0
        self.trouble: Exception | None = None

    def take(self, pin: str) -> None:
        assert pin == "1234"
        self.given += 1
        if self.trouble:
            raise self.trouble


@pytest.fixture
def card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Card:
    monkeypatch.setenv("MOKANDA_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("MOKANDA_RUN", str(tmp_path / "run"))
    paths.data().mkdir()
    KeptPin("1234", CARD).keep()
    return Card()


def asks(card: Card, tries: int | None, number: str = CARD) -> bool:
    """Have a card ask for its PIN; whether it is given the one that was kept."""
    before = card.given
    with contextlib.suppress(OSError):
        kept_pin.give(lambda: number, tries, card.take)
    return card.given > before


def pulled_as_it_is_given(card: Card, tries: int | None) -> None:
    card.trouble = OSError(errno.EIO, "the port is gone")
    assert asks(card, tries)
    card.trouble = None


def power_cut() -> None:
    shutil.rmtree(paths.run(), ignore_errors=True)


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("tries", [3, UNTOLD])
def test_a_card_that_took_it_gets_it_again(card: Card, tries: int | None) -> None:
    for _ in range(3):
        assert asks(card, tries)
        kept_pin.opened(lambda: CARD)


@pytest.mark.parametrize("tries", [0, 1, 2])
def test_a_card_that_has_lost_a_try_does_not(card: Card, tries: int) -> None:
    assert not asks(card, tries)


@pytest.mark.parametrize("tries", [3, UNTOLD])
def test_another_card_does_not(card: Card, tries: int | None) -> None:
    assert not asks(card, tries, OTHER)
    assert not asks(card, tries, "")


@pytest.mark.parametrize("tries", [3, UNTOLD])
def test_a_card_that_refused_it_never_does(card: Card, tries: int | None) -> None:
    card.trouble = PinError(Sentence("The SIM card is starting."))
    assert asks(card, tries)
    card.trouble = None
    assert not asks(card, tries)
    power_cut()
    assert not asks(card, tries)


@pytest.mark.parametrize("tries", [3, UNTOLD])
def test_what_nobody_knows_the_end_of_is_not_done_again_in_this_boot(
    card: Card, tries: int | None
) -> None:
    pulled_as_it_is_given(card, tries)
    assert not asks(card, tries)
    kept_pin.opened(lambda: OTHER)
    assert not asks(card, tries)
    kept_pin.opened(lambda: CARD)
    assert asks(card, tries)


def test_after_a_power_cut_the_tries_tell_that_none_was_lost(card: Card) -> None:
    pulled_as_it_is_given(card, 3)
    power_cut()
    assert not asks(card, 2)
    assert asks(card, 3)


def test_after_a_power_cut_a_card_that_tells_no_tries_is_waited_for(card: Card) -> None:
    pulled_as_it_is_given(card, UNTOLD)
    power_cut()
    assert not asks(card, UNTOLD)
    kept_pin.opened(lambda: CARD)
    assert asks(card, UNTOLD)


def test_a_full_card_of_the_device_costs_no_try(
    card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durable, "write", full)
    assert not asks(card, UNTOLD)
    assert asks(card, 3)


def test_a_damaged_file_keeps_nothing(card: Card) -> None:
    paths.pin().write_bytes(b"{")
    assert not asks(card, 3)
    kept_pin.opened(lambda: CARD)


def test_what_an_earlier_version_kept_is_read(card: Card) -> None:
    paths.pin().write_text(f'{{"pin": "1234", "card": "{CARD}"}}', encoding="ascii")
    assert asks(card, 3)
