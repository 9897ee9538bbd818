# SPDX-License-Identifier: Apache-2.0
import itertools
from dataclasses import replace
from typing import Any

import pytest

from mokanda_firmware.bus.states import (
    CourierState,
    LightsState,
    ModemState,
    SetupState,
    StoreState,
    UpdatesState,
)
from mokanda_firmware.bus.statuses import (
    CourierStatus,
    ModemStatus,
    SetupStatus,
    StoreStatus,
    UpdatesStatus,
)
from mokanda_firmware.lights import table
from mokanda_firmware.lights.table import DARK, PATTERNS, STEADY, state_of_device

WELL: dict[str, Any] = {
    "setup": SetupStatus(SetupState.CLAIMED),
    "modem": ModemStatus(ModemState.READY),
    "courier": CourierStatus(CourierState.IDLE),
    "updates": UpdatesStatus(UpdatesState.IDLE),
    "store": StoreStatus(StoreState.SOUND),
}
LETTERS_WAIT = CourierStatus(CourierState.IDLE, waiting=3)


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({}, LightsState.READY),
        ({"modem": ModemState.ABSENT}, LightsState.READY),
        ({"modem": ModemState.DIALLING}, LightsState.DIALLING),
        (
            {"courier": CourierState.SYNCING, "modem": ModemState.CONNECTED},
            LightsState.SYNCING,
        ),
        ({"courier": CourierState.FAILED}, LightsState.FAULT),
        ({"courier": CourierState.FAILED, "modem": ModemState.NO_SIM}, LightsState.NO_SIM),
        ({"modem": ModemState.PIN}, LightsState.NO_SIM),
        (
            {"updates": UpdatesState.INSTALLING, "courier": CourierState.SYNCING},
            LightsState.UPDATING,
        ),
        (
            {"updates": UpdatesState.INSTALLING, "courier": CourierState.FAILED},
            LightsState.UPDATING,
        ),
        ({"updates": UpdatesState.FAILED}, LightsState.FAULT),
        ({"setup": SetupState.CLAIM_ERROR, "courier": CourierState.SYNCING}, LightsState.FAULT),
        ({"modem": ModemState.FAULT, "courier": CourierState.SYNCING}, LightsState.FAULT),
        ({"store": StoreState.LOST}, LightsState.FAULT),
        ({"store": StoreState.READ_ONLY, "courier": CourierState.SYNCING}, LightsState.FAULT),
    ],
)
def test_the_most_urgent_state_is_shown(change: dict[str, Any], shown: LightsState) -> None:
    told = {name: replace(WELL[name], state=state) for name, state in change.items()}
    assert state_of_device(**WELL | told) is shown


def test_letters_that_wait_are_shown_while_nothing_else_is() -> None:
    assert state_of_device(**WELL | {"courier": LETTERS_WAIT}) is LightsState.MAIL_WAITING
    dials = replace(LETTERS_WAIT, state=CourierState.DIALLING)
    assert state_of_device(**WELL | {"courier": dials}) is LightsState.DIALLING


@pytest.mark.parametrize("silent", WELL)
def test_a_device_of_which_something_is_not_known_is_never_well(silent: str) -> None:
    assert state_of_device(**WELL | {silent: None}) is LightsState.STARTING


def test_a_fault_is_shown_while_others_are_silent() -> None:
    told = {"setup": SetupStatus(SetupState.CLAIM_ERROR), "updates": None, "courier": None}
    assert state_of_device(**WELL | told) is LightsState.FAULT


def test_every_state_of_every_daemon_has_its_light() -> None:
    assert set(table.OF_SETUP) == set(SetupState)
    assert set(table.OF_MODEM) == set(ModemState)
    assert set(table.OF_UPDATES) == set(UpdatesState)
    assert set(table.OF_COURIER) == set(CourierState)
    assert set(table.OF_STORE) == set(StoreState)


def test_every_light_is_shown_for_something() -> None:
    shown = {
        state_of_device(
            SetupStatus(setup),
            ModemStatus(modem),
            UpdatesStatus(updates),
            CourierStatus(courier, waiting=waiting),
            StoreStatus(StoreState.SOUND),
        )
        for setup, modem, updates, courier, waiting in itertools.product(
            SetupState, ModemState, UpdatesState, CourierState, (0, 1)
        )
    }
    assert shown | {state_of_device(None, None, None, None, None)} == set(LightsState)
    assert set(PATTERNS) == set(LightsState)


def test_patterns_can_be_told_apart() -> None:
    looks = [(p.get("green", DARK), p.get("red", DARK)) for p in PATTERNS.values()]
    assert len(set(looks)) == len(PATTERNS)


def test_no_pattern_blinks_in_more_ways_than_the_chip_can() -> None:
    for pattern in PATTERNS.values():
        assert len(set(pattern.values()) - {STEADY, DARK}) <= 2
