# SPDX-License-Identifier: Apache-2.0
"""The operator's password: how often it may be guessed, from one address and from all."""

from __future__ import annotations

import pytest

from mokanda_relay.http.operator_password import (
    MAX_TRIES,
    MAX_TRIES_IN_ALL,
    TRIES_WITHIN,
    OperatorPassword,
    TooManyTriesError,
)
from mokanda_relay.operator import tries

RIGHT, WRONG = b"dugout canoe", b"guess"
OPERATOR, STRANGER = "192.0.2.1", "192.0.2.2"


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(tries, "time", clock)
    return clock


@pytest.fixture
def password() -> OperatorPassword:
    return OperatorPassword(RIGHT.decode())


def guess(password: OperatorPassword, times: int, address: str = STRANGER) -> None:
    for _ in range(times):
        assert not password.is_right(WRONG, address)


def guess_from_everywhere(password: OperatorPassword) -> None:
    for number in range(MAX_TRIES_IN_ALL):
        guess(password, 1, f"2001:db8::{number:x}")


def test_who_has_guessed_too_often_is_told_nothing_for_a_while(
    password: OperatorPassword, clock: Clock
) -> None:
    guess(password, MAX_TRIES)
    with pytest.raises(TooManyTriesError):
        password.is_right(RIGHT, STRANGER)
    assert password.is_right(RIGHT, OPERATOR)
    clock.seconds += TRIES_WITHIN + 1
    assert password.is_right(RIGHT, STRANGER)


def test_the_right_one_counts_for_nothing_and_forgives_nothing(password: OperatorPassword) -> None:
    guess(password, MAX_TRIES - 1)
    for _ in range(MAX_TRIES_IN_ALL):
        assert password.is_right(RIGHT, STRANGER)
    guess(password, 1)
    with pytest.raises(TooManyTriesError):
        password.is_right(RIGHT, STRANGER)


def test_guesses_from_many_addresses_count_together(
    password: OperatorPassword, clock: Clock
) -> None:
    guess_from_everywhere(password)
    with pytest.raises(TooManyTriesError):
        password.is_right(RIGHT, STRANGER)
    clock.seconds += TRIES_WITHIN + 1
    assert password.is_right(RIGHT, STRANGER)


def test_they_do_not_lock_out_who_was_in_before(password: OperatorPassword) -> None:
    assert password.is_right(RIGHT, OPERATOR)
    guess_from_everywhere(password)
    assert password.is_right(RIGHT, OPERATOR)
    guess(password, MAX_TRIES, OPERATOR)
    with pytest.raises(TooManyTriesError):
        password.is_right(RIGHT, OPERATOR)
