# SPDX-License-Identifier: Apache-2.0
"""Threads that work in turn, and what ends the waiting of a stick's."""

import threading

import pytest

from mokanda_firmware.modem.backend import ModemError
from mokanda_firmware.modem.clock import Bell, SystemClock
from mokanda_firmware.modem.stick_clock import CancelledError, PulledError, StickClock


def test_another_has_its_turn_while_one_waits() -> None:
    clock, bell, done = SystemClock(), Bell(), []

    def work() -> None:
        done.append("the other")
        bell.ring()

    clock.begin(work)
    done.append("one")
    assert clock.wait({bell.fileno()}, 10) == {bell.fileno()}
    assert done == ["one", "the other"]


def test_nobody_else_works_before_one_waits() -> None:
    clock, began = SystemClock(), threading.Event()
    clock.begin(began.set)
    assert not began.wait(0.05)
    with clock.others_meanwhile():
        assert began.wait(10)


def test_a_bell_rings_until_it_is_silenced() -> None:
    clock, bell = SystemClock(), Bell()
    bell.ring()
    assert clock.wait({bell.fileno()}, 0) == clock.wait({bell.fileno()}, 0) == {bell.fileno()}
    bell.silence()
    assert clock.wait({bell.fileno()}, 0) == set()


def test_nothing_is_waited_for_once_the_stick_is_gone() -> None:
    clock = StickClock(SystemClock())
    clock.pull()
    for _ in range(2):
        with pytest.raises(PulledError):
            clock.wait((), 10)


def test_what_may_be_cancelled_is() -> None:
    clock = StickClock(SystemClock())
    with pytest.raises(CancelledError), clock.cancellable():
        clock.cancel()
        clock.wait((), 10)
    assert clock.wait((), 0) == set()


def test_what_may_not_be_cancelled_is_not() -> None:
    clock = StickClock(SystemClock())
    clock.cancel()
    assert clock.wait((), 0) == set()


def test_a_bound_holds_for_all_that_is_waited_for() -> None:
    clock = StickClock(SystemClock())
    with pytest.raises(ModemError), clock.within(0.02):
        clock.wait((), 10)
    assert clock.wait((), 0) == set()
