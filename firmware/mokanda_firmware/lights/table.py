# SPDX-License-Identifier: Apache-2.0
"""The table: which state the device is in, and what each lamp does in it.

The lamps are called green and red; a board that lacks one shows what it can.
"""

from datetime import timedelta
from typing import NamedTuple

from mokanda_firmware.bus.states import (
    CourierState,
    LightsState,
    ModemState,
    SetupState,
    StoreState,
    UnitState,
    UpdatesState,
)
from mokanda_firmware.bus.statuses import CourierStatus
from mokanda_firmware.bus.units import FIREWALL, ON_DEMAND, PROOF, WIFI
from mokanda_firmware.lights.known import DAEMONS, Known


class Blink(NamedTuple):
    """What a lamp does, over and over: seconds lit, seconds dark."""

    lit: float
    dark: float


DARK = Blink(0, 1)
STEADY = Blink(1, 0)
SLOW = Blink(1, 1)
FAST = Blink(0.25, 0.25)
WINK = Blink(1.75, 0.25)
FLASH = Blink(0.25, 1.75)

# State -> lamp -> what it does; a lamp that is not named is dark. Each trouble has a rhythm of its
# own on red alone; green flashes beside it where the village has its pages, and mail does not go.
PATTERNS: dict[LightsState, dict[str, Blink]] = {
    LightsState.DEAD: {"red": FAST},
    LightsState.FAULT: {"red": STEADY},
    LightsState.UPDATING: {"green": FAST, "red": FAST},
    LightsState.UNPROVEN: {"green": FLASH, "red": STEADY},
    LightsState.STARTING: {"green": SLOW, "red": SLOW},
    LightsState.NO_CLAIM: {"green": FLASH},
    LightsState.NO_SIM: {"red": SLOW},
    LightsState.NO_CREDIT: {"green": FLASH, "red": SLOW},
    LightsState.SYNCING: {"green": FAST},
    LightsState.DIALLING: {"green": SLOW},
    LightsState.NO_MODEM: {"red": WINK},
    LightsState.NO_SIGNAL: {"red": FLASH},
    LightsState.LATE: {"green": FLASH, "red": FLASH},
    LightsState.MAIL_WAITING: {"green": WINK},
    LightsState.READY: {"green": STEADY},
}

# What each daemon's state asks the lamps to show.
OF_SETUP: dict[SetupState, LightsState] = {
    SetupState.NO_CLAIM: LightsState.NO_CLAIM,
    SetupState.CLAIM_ERROR: LightsState.FAULT,
    SetupState.CLAIM_PENDING: LightsState.LATE,
    SetupState.CLAIMED: LightsState.READY,
}
OF_MODEM: dict[ModemState, LightsState] = {
    ModemState.ABSENT: LightsState.NO_MODEM,
    ModemState.STARTING: LightsState.READY,
    ModemState.NO_SIM: LightsState.NO_SIM,
    ModemState.PIN: LightsState.NO_SIM,
    ModemState.PUK: LightsState.NO_SIM,
    ModemState.NO_SIGNAL: LightsState.NO_SIGNAL,
    ModemState.DENIED: LightsState.NO_SIM,
    ModemState.ROAMING: LightsState.NO_SIGNAL,
    ModemState.NO_DATA: LightsState.NO_SIGNAL,
    ModemState.READY: LightsState.READY,
    ModemState.DIALLING: LightsState.DIALLING,
    ModemState.CONNECTED: LightsState.READY,
    ModemState.FAULT: LightsState.FAULT,
}
OF_UPDATES: dict[UpdatesState, LightsState] = {
    UpdatesState.IDLE: LightsState.READY,
    UpdatesState.AVAILABLE: LightsState.READY,
    UpdatesState.DOWNLOADING: LightsState.READY,
    UpdatesState.INSTALLING: LightsState.UPDATING,
    UpdatesState.INSTALLED: LightsState.READY,
    UpdatesState.FAILED: LightsState.FAULT,
}
OF_COURIER: dict[CourierState, LightsState] = {
    CourierState.UNCLAIMED: LightsState.LATE,
    CourierState.IDLE: LightsState.READY,
    CourierState.DIALLING: LightsState.DIALLING,
    CourierState.CONNECTING: LightsState.DIALLING,
    CourierState.SYNCING: LightsState.SYNCING,
    CourierState.FAILED: LightsState.FAULT,
    CourierState.REFUSED: LightsState.FAULT,
    CourierState.COPIED: LightsState.FAULT,
}
OF_STORE: dict[StoreState, LightsState] = {
    state: LightsState.READY if state is StoreState.SOUND else LightsState.FAULT
    for state in StoreState
}
# What may be wrong with the modem while mail goes by a cable; and when it has last gone by one, but
# finds no way now: a box that never had a modem lacks none.
_OF_THE_AIR = {LightsState.NO_MODEM, LightsState.NO_SIGNAL, LightsState.NO_CREDIT}
_WITHOUT_A_WAY = {LightsState.NO_MODEM}
CABLE = "network"  # the courier's name for a link that is there without a modem
STARTING_SECONDS = 600.0  # who has not told how it is after these is not going to
_CLOCKS_DIFFER = timedelta(hours=1)


def state_of_device(known: Known) -> LightsState:
    """Return the state to show, the most urgent that there is a reason for.

    All is well only if everything has been told, and is: a daemon of which nothing is known has
    not started yet; some minutes after the start it is dead.
    """
    silent = LightsState.STARTING if known.up < STARTING_SECONDS else LightsState.DEAD
    causes = _most_urgent(
        _of_units(known, silent),
        OF_SETUP[known.setup.state] if known.setup else silent,
        OF_UPDATES[known.updates.state] if known.updates else silent,
        OF_STORE[known.store.state] if known.store else silent,
        _of_modem(known) if known.modem else silent,
    )
    if known.courier is None:
        return _most_urgent(causes, silent)
    does = OF_COURIER[known.courier.state]
    if does is LightsState.FAULT and causes not in _NO_REASON:
        return causes  # it is clear already why a mail run fails
    shown = _most_urgent(causes, does, _of_mail(known.courier, known))
    return (
        LightsState.MAIL_WAITING if shown is LightsState.READY and known.courier.waiting else shown
    )


# In these it is not clear why a mail run has failed.
_NO_REASON = {LightsState.READY, LightsState.DIALLING, LightsState.LATE}


def _of_units(known: Known, silent: LightsState) -> LightsState:
    """Judge by what systemd says of the daemons, and by the proof of the slot."""
    found = [LightsState.READY]
    units = known.units
    for unit in DAEMONS if known.on_air is None else (*DAEMONS, *WIFI):
        state = units[unit]
        if state is not UnitState.UP:
            found.append(LightsState.DEAD if state else silent)
    if known.on_air is False:
        found.append(silent)
    if any(units[unit] is UnitState.FAILED for unit in ON_DEMAND):
        found.append(LightsState.DEAD)
    if units[FIREWALL] is not UnitState.UP:
        found.append(LightsState.FAULT if units[FIREWALL] else silent)
    if units[PROOF] is UnitState.FAILED:
        found.append(LightsState.UNPROVEN)
    elif units[PROOF] is not UnitState.UP:
        found.append(silent)
    return _most_urgent(*found)


def _of_modem(known: Known) -> LightsState:
    assert known.modem is not None
    found = OF_MODEM[known.modem.state]
    if known.modem.no_credit is not None:
        found = _most_urgent(found, LightsState.NO_CREDIT)
    if known.courier is None or known.courier.link != CABLE:
        return found
    excused = _WITHOUT_A_WAY if known.courier.no_way else _OF_THE_AIR
    return LightsState.READY if found in excused else found


def _of_mail(courier: CourierStatus, known: Known) -> LightsState:
    """Judge by when mail last went well; a time that is still to come says that nobody knows."""
    last, due = courier.last_success, courier.overdue
    if last is None or last > known.now + _CLOCKS_DIFFER or (due is not None and due < known.now):
        return LightsState.LATE
    return LightsState.READY


def _most_urgent(*states: LightsState) -> LightsState:
    return min(states, key=list(LightsState).index)
