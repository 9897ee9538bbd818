# SPDX-License-Identifier: Apache-2.0
"""What a form of the keeper's is for happens once: a wrong PIN costs one try."""

from collections.abc import Mapping

import pytest

from mokanda_firmware.bus.requests import RequestError
from mokanda_firmware.modem.backend import PinError
from mokanda_firmware.modem.lot import Lot


class Card:
    """Takes 1234 alone, and counts the tries."""

    def __init__(self) -> None:
        self.tried: list[str] = []

    def give(self, pin: str) -> Mapping[str, object]:
        self.tried.append(pin)
        if pin != "1234":
            raise PinError.refused("PIN", 3 - len(self.tried))
        return {"open": True}


def enter(lot: Lot, card: Card, number: int, pin: str) -> Mapping[str, object]:
    return lot.once(number, (pin,), lambda: card.give(pin))


def test_a_form_that_comes_again_is_told_what_came_of_it() -> None:
    lot, card = Lot(), Card()
    number = lot.next_number
    assert [enter(lot, card, number, "1234") for _ in range(3)] == [{"open": True}] * 3
    assert card.tried == ["1234"]


def test_a_form_that_comes_again_is_refused_as_it_was_first() -> None:
    lot, card = Lot(), Card()
    number = lot.next_number
    for _ in range(3):
        with pytest.raises(RequestError, match="Tries left: 2"):
            enter(lot, card, number, "9999")
    assert card.tried == ["9999"]


@pytest.mark.parametrize("pin", ["8888", "1234"])
def test_another_pin_in_the_same_form_is_not_tried(pin: str) -> None:
    lot, card = Lot(), Card()
    number = lot.next_number
    with pytest.raises(RequestError):
        enter(lot, card, number, "9999")
    with pytest.raises(RequestError, match="Something else was done"):
        enter(lot, card, number, pin)
    assert card.tried == ["9999"]


def test_after_a_restart_no_form_from_before_it_costs_a_try() -> None:
    lot, card = Lot(), Card()
    for number in (lot.last_taken, lot.next_number):
        with pytest.raises(RequestError, match="Nobody knows whether this was sent"):
            enter(Lot(), card, number, "9999")
    assert card.tried == []


def test_what_was_given_before_something_else_is_not_said_to_be_unsent() -> None:
    lot, card = Lot(), Card()
    number = lot.next_number
    enter(lot, card, number, "1234")
    enter(lot, card, lot.next_number, "1234")
    with pytest.raises(RequestError, match="Nobody knows whether this was sent"):
        enter(lot, card, number, "1234")


def test_a_form_whose_number_was_never_taken_is_known_to_be_unsent() -> None:
    lot, card = Lot(), Card()
    number = lot.next_number
    lot.draw()
    with pytest.raises(RequestError, match="so that this was not sent"):
        enter(lot, card, number, "1234")
    assert card.tried == []


def test_what_is_not_over_is_not_begun_a_second_time() -> None:
    lot, tried = Lot(), 0
    number = lot.next_number

    def give() -> Mapping[str, object]:
        nonlocal tried
        tried += 1
        with pytest.raises(RequestError, match="Nobody knows"):
            lot.once(number, ("9999",), give)
        return {}

    lot.once(number, ("9999",), give)
    assert tried == 1
