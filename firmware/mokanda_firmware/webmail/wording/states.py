# SPDX-License-Identifier: Apache-2.0
"""What a state of each daemon means to people."""

from typing import Literal

from mokanda_firmware.bus.states import (
    CourierState,
    HotspotState,
    LightsState,
    ModemState,
    SetupState,
    StoreState,
    UpdatesState,
)
from mokanda_firmware.webmail.languages import N_

Mood = Literal["good", "bad", ""]
Said = tuple[Mood, str]

COURIER: dict[CourierState, Said] = {
    CourierState.UNCLAIMED: ("", N_("Mail cannot leave before the device has a relay.")),
    CourierState.IDLE: ("good", N_("The courier waits for the next mail run.")),
    CourierState.DIALLING: ("", N_("The courier is dialling.")),
    CourierState.CONNECTING: ("", N_("The courier is calling the relay.")),
    CourierState.SYNCING: ("", N_("Mail is going out and coming in.")),
    CourierState.FAILED: ("bad", N_("The last mail run failed. It will be tried again.")),
    CourierState.REFUSED: ("bad", N_("The relay refuses this device.")),
    CourierState.COPIED: ("bad", N_("Another device has a copy of this one's card.")),
}
MODEM: dict[ModemState, Said] = {
    ModemState.ABSENT: ("bad", N_("No modem is plugged in.")),
    ModemState.STARTING: ("", N_("The modem is starting.")),
    ModemState.NO_SIM: ("bad", N_("There is no SIM card in the modem.")),
    ModemState.PIN: ("bad", N_("The SIM card asks for its PIN.")),
    ModemState.PUK: ("bad", N_("The SIM card is locked and asks for its PUK.")),
    ModemState.NO_SIGNAL: ("bad", N_("The modem finds no network.")),
    ModemState.DENIED: ("bad", N_("The mobile network refuses the SIM card.")),
    ModemState.ROAMING: ("bad", N_("The SIM card is in another network than its own.")),
    ModemState.NO_DATA: ("bad", N_("The mobile network carries no data now.")),
    ModemState.READY: ("good", N_("The modem is ready.")),
    ModemState.DIALLING: ("", N_("The modem is dialling.")),
    ModemState.CONNECTED: ("good", N_("The modem is connected.")),
    ModemState.FAULT: ("bad", N_("The modem does not work.")),
}
SETUP: dict[SetupState, Said] = {
    SetupState.NO_CLAIM: ("", N_("This device has not been connected to a relay yet.")),
    SetupState.CLAIM_ERROR: ("bad", N_("The claim file cannot be used.")),
    SetupState.CLAIM_PENDING: ("", N_("The claim waits for its first connection.")),
    SetupState.CLAIMED: ("good", N_("This device belongs to its relay.")),
}
REFUSED: Said = ("bad", N_("This device was claimed, but its relay refuses it now."))
UPDATES: dict[UpdatesState, Said] = {
    UpdatesState.IDLE: ("good", N_("The software is up to date.")),
    UpdatesState.AVAILABLE: ("", N_("There is an update.")),
    UpdatesState.DOWNLOADING: ("", N_("An update is being fetched.")),
    UpdatesState.INSTALLING: ("", N_("An update is being installed.")),
    UpdatesState.INSTALLED: ("", N_("An update is installed. The device starts it next.")),
    UpdatesState.FAILED: ("bad", N_("The update failed. The device goes on as before.")),
}
# Nothing failed that somebody has asked for: what runs cannot be read from the card.
ROTTEN: Said = ("bad", N_("The card wears out."))
LIGHTS: dict[LightsState, Said] = {
    LightsState.DEAD: ("bad", N_("The lights show that a part of the software has stopped.")),
    LightsState.FAULT: ("bad", N_("The lights show a fault.")),
    LightsState.UPDATING: ("", N_("The lights show that an update is being installed.")),
    LightsState.UNPROVEN: ("bad", N_("The lights show that the software did not pass its test.")),
    LightsState.STARTING: ("", N_("The lights show that the device is starting.")),
    LightsState.NO_CLAIM: ("", N_("The lights show that there is no relay yet.")),
    LightsState.NO_CREDIT: ("bad", N_("The lights show that the credit is used up.")),
    LightsState.NO_SIM: ("bad", N_("The lights show that there is no SIM card.")),
    LightsState.SYNCING: ("", N_("The lights show that mail is on its way.")),
    LightsState.DIALLING: ("", N_("The lights show that the modem is dialling.")),
    LightsState.NO_MODEM: ("bad", N_("The lights show that there is no modem.")),
    LightsState.NO_SIGNAL: ("bad", N_("The lights show that the modem finds no network.")),
    LightsState.LATE: (
        "bad",
        N_("The lights show that no mail run has gone well when it was due."),
    ),
    LightsState.MAIL_WAITING: ("", N_("The lights show that mail waits to leave.")),
    LightsState.READY: ("good", N_("The lights show that all is well.")),
}
HOTSPOT: dict[HotspotState, Said] = {
    HotspotState.OPEN: ("good", N_("The Wi-Fi is open to everybody.")),
    HotspotState.LOCKED: ("good", N_("The Wi-Fi asks for its key.")),
    HotspotState.GIVEN_UP: (
        "bad",
        N_(
            "The Wi-Fi did not start as it was set. Until the device starts anew it is open,"
            " under its first name."
        ),
    ),
}
STORE: dict[StoreState, Said] = {
    StoreState.SOUND: ("good", N_("The letters and accounts are in order.")),
    StoreState.LOST: ("bad", N_("The device has lost its letters and accounts.")),
    StoreState.DAMAGED: ("bad", N_("The letters and accounts on the card are damaged.")),
    StoreState.NEWER: (
        "bad",
        N_("The letters on the card are of a newer version of the software than the one here."),
    ),
    StoreState.READ_ONLY: ("bad", N_("The card cannot be written to any more.")),
    StoreState.FULL: ("bad", N_("The card is full.")),
    StoreState.FAILING: ("bad", N_("The card does not work.")),
    StoreState.WIPING: ("bad", N_("The device is to be wiped. Please switch it off and on.")),
}
# What to do about it.
_MEND = N_("Switch the device off and on once: what can be saved is saved then.")
STORE_ADVICE: dict[StoreState, str] = {
    StoreState.LOST: _MEND,
    StoreState.DAMAGED: _MEND,
    StoreState.NEWER: N_("An update helps. The device asks its relay for one at each mail run."),
    StoreState.READ_ONLY: N_(
        "The card is damaged or worn out. Switch the device off and on once; if that does not help,"
        " restore a backup on a new card."
    ),
    StoreState.FAILING: N_(
        "The card is damaged or worn out. Switch the device off and on once; if that does not help,"
        " restore a backup on a new card."
    ),
}
SIM_RECOGNISED: Said = ("good", N_("The SIM card is recognised."))
STOPPED: Said = (
    "bad",
    N_("This part of the device has stopped, and is being started again."),
)
NO_FIREWALL: Said = (
    "bad",
    N_(
        "The firewall did not start, so the device keeps away from the Internet and no mail goes."
        " Switch it off and on; if that does not help, tell the operator."
    ),
)
UNKNOWN: Said = ("", N_("Nothing is known of this yet."))
