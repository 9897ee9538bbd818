# SPDX-License-Identifier: Apache-2.0
"""How a stick goes from one state to the next: the whole of it, as a table.

What happens is an event; the table says which state follows and what is done. What is done may
bring the next event (asking finds something; dialling fails).
"""

from enum import Enum, auto
from typing import Final, NamedTuple

from mokanda_firmware.bus.states import ModemState


class Event(Enum):
    """What can happen to a stick."""

    PLUGGED = auto()
    UNPLUGGED = auto()
    WANTED = auto()  # somebody wants a connection
    UNWANTED = auto()  # nobody does any more
    DUE = auto()  # the state has lasted for its time, or the modem says that something changed
    LINK_UP = auto()
    LINK_LOST = auto()
    CALL_FAILED = auto()  # no link came about
    SILENT = auto()  # the modem does not answer as it should
    SPENT = auto()  # it does not, and all that was worth a try has been tried
    # What asking finds:
    SIM_STARTING = auto()
    SIM_MISSING = auto()
    PIN_ASKED = auto()
    PUK_ASKED = auto()
    SEARCHING = auto()
    DENIED = auto()
    ABROAD = auto()  # another network than the card's own, which the keeper has not allowed
    NO_DATA = auto()  # telephony only
    REGISTERED = auto()


class Action(Enum):
    """What is done when it happens."""

    NOTHING = auto()
    ASK = auto()
    DIAL = auto()
    HANG_UP = auto()  # and ask
    MEND = auto()  # after a call that failed: one step of recovery, and ask
    WAKE = auto()  # from silence: one step of recovery
    LET_GO = auto()


class Step(NamedTuple):
    """What follows."""

    state: ModemState
    action: Action = Action.NOTHING


class Rest(NamedTuple):
    """How long a state lasts until the modem is asked anew: each time twice as long. Seconds."""

    first: float
    longest: float


FINDINGS: Final = {
    Event.SIM_STARTING: ModemState.STARTING,
    Event.SIM_MISSING: ModemState.NO_SIM,
    Event.PIN_ASKED: ModemState.PIN,
    Event.PUK_ASKED: ModemState.PUK,
    Event.SEARCHING: ModemState.NO_SIGNAL,
    Event.DENIED: ModemState.DENIED,
    Event.ABROAD: ModemState.ROAMING,
    Event.NO_DATA: ModemState.NO_DATA,
    Event.REGISTERED: ModemState.READY,
}
# Every state in which nothing is under way but READY asks again by itself: most troubles pass.
RESTS: Final = {
    ModemState.STARTING: Rest(3, 10),
    ModemState.NO_SIM: Rest(10, 120),
    ModemState.PIN: Rest(60, 600),
    ModemState.PUK: Rest(60, 600),
    ModemState.NO_SIGNAL: Rest(5, 60),
    ModemState.DENIED: Rest(60, 600),
    ModemState.ROAMING: Rest(60, 600),
    ModemState.NO_DATA: Rest(15, 120),
    ModemState.FAULT: Rest(60, 600),
}
# Whoever wants a connection waits for these to pass; the others are told to them at once.
PASSING: Final = frozenset({ModemState.STARTING, ModemState.NO_SIGNAL})
REGISTERED: Final = frozenset({ModemState.READY, ModemState.NO_DATA, ModemState.ROAMING})
IN_CALL: Final = frozenset({ModemState.DIALLING, ModemState.CONNECTED})


def _table() -> dict[tuple[ModemState, Event], Step]:
    table = {
        (ModemState.ABSENT, Event.PLUGGED): Step(ModemState.STARTING, Action.ASK),
        (ModemState.READY, Event.WANTED): Step(ModemState.DIALLING, Action.DIAL),
        (ModemState.DIALLING, Event.LINK_UP): Step(ModemState.CONNECTED),
        (ModemState.DIALLING, Event.CALL_FAILED): Step(ModemState.DIALLING, Action.MEND),
        (ModemState.DIALLING, Event.UNWANTED): Step(ModemState.DIALLING, Action.HANG_UP),
        (ModemState.CONNECTED, Event.UNWANTED): Step(ModemState.CONNECTED, Action.HANG_UP),
        (ModemState.CONNECTED, Event.LINK_LOST): Step(ModemState.CONNECTED, Action.HANG_UP),
    }
    for state in set(ModemState) - {ModemState.ABSENT}:
        table[state, Event.UNPLUGGED] = Step(ModemState.ABSENT, Action.LET_GO)
        table[state, Event.SILENT] = Step(ModemState.STARTING, Action.WAKE)
        table[state, Event.SPENT] = Step(ModemState.FAULT)
        for finding, found in FINDINGS.items():
            table[state, finding] = Step(found)
    for state in set(RESTS) | {ModemState.READY}:
        table[state, Event.DUE] = Step(state, Action.ASK)
        table.setdefault((state, Event.WANTED), Step(state, Action.ASK))
    return table


TABLE: Final = _table()
