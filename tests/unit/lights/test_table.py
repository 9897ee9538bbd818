# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.bus.states import (
    CourierState,
    LightsState,
    ModemState,
    SetupState,
    StoreState,
    UnitState,
    UpdatesState,
)
from mokanda_firmware.bus.statuses import (
    CourierStatus,
    ModemStatus,
    SetupStatus,
    StoreStatus,
    UpdatesStatus,
)
from mokanda_firmware.bus.units import FIREWALL, ON_DEMAND, PROOF, WIFI
from mokanda_firmware.lights import table
from mokanda_firmware.lights.known import DAEMONS, Known
from mokanda_firmware.lights.table import DARK, PATTERNS, STEADY, state_of_device

NIGHT = datetime(2026, 2, 2, 2, 12, tzinfo=UTC)
NOON = datetime(2026, 2, 2, 12, 0, tzinfo=UTC)
HOUR = 3600.0
RUNS = dict.fromkeys((PROOF, FIREWALL, *DAEMONS, *WIFI), UnitState.UP)
WELL = Known(
    setup=SetupStatus(SetupState.CLAIMED),
    modem=ModemStatus(ModemState.READY),
    updates=UpdatesStatus(UpdatesState.IDLE),
    courier=CourierStatus(
        CourierState.IDLE,
        last_success=NIGHT,
        link="ppp0",
        overdue=NIGHT + timedelta(hours=27),
    ),
    store=StoreStatus(StoreState.SOUND),
    units=RUNS | dict.fromkeys(ON_DEMAND, UnitState.ENDED),
    on_air=True,
    now=NOON,
    up=10 * HOUR,
)


def told(**states: Any) -> Known:  # noqa: ANN401 - a state of each daemon
    """A device that is well, but for what these daemons tell."""
    return WELL._replace(
        **{name: replace(getattr(WELL, name), state=state) for name, state in states.items()}
    )


def unit(name: str, state: UnitState | None, **more: Any) -> Known:  # noqa: ANN401
    return WELL._replace(units={**WELL.units, name: state}, **more)


def mail(**fields: Any) -> Known:  # noqa: ANN401
    assert WELL.courier
    return WELL._replace(courier=replace(WELL.courier, **fields))


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({}, LightsState.READY),
        ({"modem": ModemState.ABSENT}, LightsState.NO_MODEM),
        ({"modem": ModemState.NO_SIGNAL}, LightsState.NO_SIGNAL),
        ({"modem": ModemState.DIALLING}, LightsState.DIALLING),
        ({"courier": CourierState.SYNCING, "modem": ModemState.CONNECTED}, LightsState.SYNCING),
        ({"courier": CourierState.SYNCING, "modem": ModemState.ABSENT}, LightsState.SYNCING),
        ({"courier": CourierState.FAILED}, LightsState.FAULT),
        ({"courier": CourierState.FAILED, "modem": ModemState.NO_SIM}, LightsState.NO_SIM),
        ({"courier": CourierState.FAILED, "modem": ModemState.ABSENT}, LightsState.NO_MODEM),
        ({"courier": CourierState.FAILED, "modem": ModemState.NO_SIGNAL}, LightsState.NO_SIGNAL),
        ({"modem": ModemState.PIN}, LightsState.NO_SIM),
        ({"modem": ModemState.ROAMING}, LightsState.NO_SIGNAL),
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
        ({"setup": SetupState.NO_CLAIM, "courier": CourierState.UNCLAIMED}, LightsState.NO_CLAIM),
        ({"setup": SetupState.NO_CLAIM, "modem": ModemState.ABSENT}, LightsState.NO_CLAIM),
        ({"setup": SetupState.CLAIM_PENDING, "courier": CourierState.UNCLAIMED}, LightsState.LATE),
        ({"modem": ModemState.FAULT, "courier": CourierState.SYNCING}, LightsState.FAULT),
        ({"store": StoreState.LOST}, LightsState.FAULT),
        ({"store": StoreState.READ_ONLY, "courier": CourierState.SYNCING}, LightsState.FAULT),
    ],
)
def test_the_most_urgent_state_is_shown(change: dict[str, Any], shown: LightsState) -> None:
    assert state_of_device(told(**change)) is shown


def test_letters_that_wait_are_shown_while_nothing_else_is() -> None:
    assert state_of_device(mail(waiting=3)) is LightsState.MAIL_WAITING
    dials = mail(waiting=3, state=CourierState.DIALLING)
    assert state_of_device(dials) is LightsState.DIALLING


IDLE, FAILED, SYNCING = CourierState.IDLE, CourierState.FAILED, CourierState.SYNCING
DIALS, CABLE = CourierState.DIALLING, table.CABLE
SPENT = ModemStatus(ModemState.READY, no_credit=Sentence("Spent."))
READY, ABSENT, DEAF = (
    ModemStatus(state) for state in (ModemState.READY, ModemState.ABSENT, ModemState.NO_SIGNAL)
)


@pytest.mark.parametrize(
    ("happens", "courier", "link", "no_way", "modem", "shown"),
    [
        ("mail goes by the modem", IDLE, "ppp0", False, READY, LightsState.READY),
        ("the credit ends", IDLE, "ppp0", False, SPENT, LightsState.NO_CREDIT),
        ("a call is in vain", FAILED, "ppp0", True, SPENT, LightsState.NO_CREDIT),
        ("a cable: the next run", SYNCING, "ppp0", True, SPENT, LightsState.NO_CREDIT),
        ("it went by the cable", IDLE, CABLE, False, SPENT, LightsState.READY),
        ("another one", SYNCING, CABLE, False, SPENT, LightsState.SYNCING),
        ("it broke at the relay", FAILED, CABLE, False, SPENT, LightsState.FAULT),
        ("the cable out: a call", DIALS, CABLE, False, SPENT, LightsState.DIALLING),
        ("which is in vain", FAILED, CABLE, True, SPENT, LightsState.NO_CREDIT),
        ("the next one", DIALS, CABLE, True, SPENT, LightsState.NO_CREDIT),
        ("a top-up, not tried yet", FAILED, CABLE, True, READY, LightsState.FAULT),
        ("it has paid for a run", IDLE, "ppp0", False, READY, LightsState.READY),
        ("the cable again, no network", IDLE, CABLE, False, DEAF, LightsState.READY),
        ("the cable out", FAILED, CABLE, True, DEAF, LightsState.NO_SIGNAL),
        ("the modem out, too", FAILED, CABLE, True, ABSENT, LightsState.FAULT),
        ("the cable again", IDLE, CABLE, False, ABSENT, LightsState.READY),
        ("the relay refuses", FAILED, CABLE, False, ABSENT, LightsState.FAULT),
    ],
)
def test_the_modems_troubles_are_shown_unless_mail_goes_by_a_cable(
    happens: str,
    courier: CourierState,
    link: str,
    no_way: bool,
    modem: ModemStatus,
    shown: LightsState,
) -> None:
    known = mail(state=courier, link=link, no_way=no_way)._replace(modem=modem)
    assert state_of_device(known) is shown, happens


class TestMailRuns:
    """Well is what went well in its time, by a clock that may be wrong."""

    def test_a_device_whose_mail_never_went_is_not_well(self) -> None:
        assert state_of_device(mail(last_success=None, overdue=None)) is LightsState.LATE

    def test_a_run_that_is_overdue_is_late(self) -> None:
        overdue = mail(overdue=NOON - timedelta(minutes=1))
        assert state_of_device(overdue) is LightsState.LATE
        assert state_of_device(overdue._replace(now=NIGHT)) is LightsState.READY

    def test_a_device_without_a_plan_is_never_late(self) -> None:
        assert state_of_device(mail(overdue=None)) is LightsState.READY

    def test_a_run_of_tomorrow_proves_nothing(self) -> None:
        assert state_of_device(mail(last_success=NOON + timedelta(days=1))) is LightsState.LATE


NAMES = ["setup", "modem", "updates", "courier", "store"]


@pytest.mark.parametrize("silent", NAMES)
def test_who_says_nothing_is_starting_and_later_dead(silent: str) -> None:
    nothing: dict[str, Any] = {silent: None}
    quiet = WELL._replace(**nothing)
    assert state_of_device(quiet._replace(up=300.0)) is LightsState.STARTING
    assert state_of_device(quiet._replace(up=601.0)) is LightsState.DEAD


class TestUnits:
    """What systemd says of daemons, which the dead cannot."""

    @pytest.mark.parametrize("name", [*DAEMONS, *WIFI])
    def test_a_daemon_that_is_not_up_is_dead(self, name: str) -> None:
        for ended in (UnitState.FAILED, UnitState.ENDED):
            assert state_of_device(unit(name, ended, up=60.0)) is LightsState.DEAD
        assert state_of_device(unit(name, None, up=60.0)) is LightsState.STARTING
        assert state_of_device(unit(name, None)) is LightsState.DEAD

    @pytest.mark.parametrize("name", ON_DEMAND)
    def test_one_that_is_started_on_demand_may_have_ended_but_not_failed(self, name: str) -> None:
        assert state_of_device(unit(name, None)) is LightsState.READY
        assert state_of_device(unit(name, UnitState.UP)) is LightsState.READY
        assert state_of_device(unit(name, UnitState.FAILED)) is LightsState.DEAD

    def test_a_slot_that_did_not_prove_itself_is_never_well(self) -> None:
        assert state_of_device(unit(PROOF, UnitState.FAILED)) is LightsState.UNPROVEN
        assert state_of_device(unit(PROOF, None, up=60.0)) is LightsState.STARTING
        assert state_of_device(unit(PROOF, None)) is LightsState.DEAD

    def test_a_device_without_its_firewall_is_never_well(self) -> None:
        assert state_of_device(unit(FIREWALL, UnitState.FAILED)) is LightsState.FAULT
        assert state_of_device(unit(FIREWALL, None, up=60.0)) is LightsState.STARTING

    def test_a_wifi_card_that_does_not_send_is_a_dead_hotspot(self) -> None:
        assert state_of_device(WELL._replace(on_air=False, up=60.0)) is LightsState.STARTING
        assert state_of_device(WELL._replace(on_air=False)) is LightsState.DEAD

    def test_a_board_without_a_wifi_card_needs_no_hotspot(self) -> None:
        without = WELL._replace(on_air=None, units={**WELL.units, **dict.fromkeys(WIFI)})
        assert state_of_device(without) is LightsState.READY


def test_a_fault_is_shown_while_others_are_silent() -> None:
    starts = told(setup=SetupState.CLAIM_ERROR)._replace(updates=None, courier=None, up=60.0)
    assert state_of_device(starts) is LightsState.FAULT


def test_every_state_of_every_daemon_has_its_light() -> None:
    assert set(table.OF_SETUP) == set(SetupState)
    assert set(table.OF_MODEM) == set(ModemState)
    assert set(table.OF_UPDATES) == set(UpdatesState)
    assert set(table.OF_COURIER) == set(CourierState)
    assert set(table.OF_STORE) == set(StoreState)


def test_only_a_device_that_is_well_has_steady_green() -> None:
    assert set(PATTERNS) == set(LightsState)
    steady = [state for state, pattern in PATTERNS.items() if pattern.get("green") == STEADY]
    assert steady == [LightsState.READY]


def test_patterns_can_be_told_apart() -> None:
    looks = [(p.get("green", DARK), p.get("red", DARK)) for p in PATTERNS.values()]
    assert len(set(looks)) == len(PATTERNS)


def test_what_is_wrong_can_be_told_by_the_red_lamp_alone() -> None:
    red = [pattern["red"] for pattern in PATTERNS.values() if set(pattern) == {"red"}]
    assert len(set(red)) == len(red) == 5


def test_no_pattern_blinks_in_more_ways_than_the_chip_can() -> None:
    for pattern in PATTERNS.values():
        assert len(set(pattern.values()) - {STEADY, DARK}) <= 2
