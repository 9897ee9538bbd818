# SPDX-License-Identifier: Apache-2.0
"""The table: which state the device is in, and what each lamp does in it.

The lamps are called green and red; a board that lacks one shows what it can.
"""

from dataclasses import dataclass

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


@dataclass(frozen=True)
class Blink:
    """What a lamp does, over and over: seconds lit, seconds dark."""

    lit: float
    dark: float


DARK = Blink(0, 1)
STEADY = Blink(1, 0)
SLOW = Blink(1, 1)
FAST = Blink(0.25, 0.25)
WINK = Blink(1.75, 0.25)

# State -> lamp -> what it does; a lamp that is not named is dark.
PATTERNS: dict[LightsState, dict[str, Blink]] = {
    LightsState.FAULT: {"red": STEADY},
    LightsState.UPDATING: {"green": FAST, "red": FAST},
    LightsState.STARTING: {"green": SLOW, "red": SLOW},
    LightsState.NO_SIM: {"red": SLOW},
    LightsState.SYNCING: {"green": FAST},
    LightsState.DIALLING: {"green": SLOW},
    LightsState.MAIL_WAITING: {"green": WINK},
    LightsState.READY: {"green": STEADY},
}

# What each daemon's state asks the lamps to show.
OF_SETUP: dict[SetupState, LightsState] = {
    SetupState.NO_CLAIM: LightsState.READY,
    SetupState.CLAIM_ERROR: LightsState.FAULT,
    SetupState.CLAIM_PENDING: LightsState.READY,
    SetupState.CLAIMED: LightsState.READY,
}
OF_MODEM: dict[ModemState, LightsState] = {
    ModemState.ABSENT: LightsState.READY,  # there may be a cable
    ModemState.STARTING: LightsState.READY,
    ModemState.NO_SIM: LightsState.NO_SIM,
    ModemState.PIN: LightsState.NO_SIM,
    ModemState.NO_SIGNAL: LightsState.READY,  # it comes and goes
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
    CourierState.UNCLAIMED: LightsState.READY,
    CourierState.IDLE: LightsState.READY,
    CourierState.DIALLING: LightsState.DIALLING,
    CourierState.CONNECTING: LightsState.DIALLING,
    CourierState.SYNCING: LightsState.SYNCING,
    CourierState.FAILED: LightsState.FAULT,
}
OF_STORE: dict[StoreState, LightsState] = {
    state: LightsState.READY if state is StoreState.SOUND else LightsState.FAULT
    for state in StoreState
}
# In these it is clear already why a mail run fails.
_REASONS = {
    LightsState.FAULT,
    LightsState.UPDATING,
    LightsState.STARTING,
    LightsState.NO_SIM,
}


def state_of_device(
    setup: SetupStatus | None,
    modem: ModemStatus | None,
    updates: UpdatesStatus | None,
    courier: CourierStatus | None,
    store: StoreStatus | None,
) -> LightsState:
    """Return the state to show, the most urgent that a daemon asks for.

    None is a daemon that has told nothing yet, or nothing that is understood here: until all have
    told, and the updates that their slot works, the device is starting, never well.
    """
    causes = _most_urgent(
        OF_SETUP[setup.state] if setup else LightsState.STARTING,
        OF_MODEM[modem.state] if modem else LightsState.STARTING,
        OF_UPDATES[updates.state] if updates else LightsState.STARTING,
        OF_STORE[store.state] if store else LightsState.STARTING,
    )
    if courier is None:
        return _most_urgent(causes, LightsState.STARTING)
    if causes in _REASONS:
        return causes
    shown = _most_urgent(causes, OF_COURIER[courier.state])
    return LightsState.MAIL_WAITING if shown is LightsState.READY and courier.waiting else shown


def _most_urgent(*states: LightsState) -> LightsState:
    return min(states, key=list(LightsState).index)
