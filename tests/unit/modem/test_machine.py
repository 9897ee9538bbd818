# SPDX-License-Identifier: Apache-2.0
"""The table of a stick's states has no hole and no dead end."""

import pytest

from mokanda_firmware.bus.states import ModemState
from mokanda_firmware.modem.machine import FINDINGS, IN_CALL, RESTS, TABLE, Event


def test_every_state_can_be_reached() -> None:
    reached = {ModemState.ABSENT}
    while more := {step.state for (state, _), step in TABLE.items() if state in reached} - reached:
        reached |= more
    assert reached == set(ModemState)


@pytest.mark.parametrize("state", sorted(set(ModemState) - {ModemState.ABSENT}))
def test_a_stick_may_be_pulled_out_and_fall_silent_in_every_state(state: ModemState) -> None:
    assert TABLE[state, Event.UNPLUGGED].state is ModemState.ABSENT
    assert TABLE[state, Event.SILENT].state is ModemState.STARTING


@pytest.mark.parametrize("state", sorted(set(ModemState) - {ModemState.ABSENT}))
def test_what_asking_finds_is_taken_in_every_state(state: ModemState) -> None:
    assert all(TABLE[state, event].state is found for event, found in FINDINGS.items())


@pytest.mark.parametrize(
    "state", sorted(set(ModemState) - {ModemState.ABSENT, ModemState.READY} - IN_CALL)
)
def test_every_state_that_is_not_ready_asks_again(state: ModemState) -> None:
    assert RESTS[state].longest <= 600
    assert (state, Event.DUE) in TABLE
    assert (state, Event.WANTED) in TABLE


def test_nothing_is_dialled_but_from_ready() -> None:
    dialling = {
        state
        for (state, _), step in TABLE.items()
        if step.state is ModemState.DIALLING and state is not ModemState.DIALLING
    }
    assert dialling == {ModemState.READY}
