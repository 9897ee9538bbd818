# SPDX-License-Identifier: Apache-2.0
"""The states that the daemons of a device can be in; each is named here and nowhere else."""

from enum import StrEnum


class CourierState(StrEnum):
    """What the courier does."""

    UNCLAIMED = "unclaimed"
    IDLE = "idle"
    DIALLING = "dialling"
    CONNECTING = "connecting"
    SYNCING = "syncing"
    FAILED = "failed"
    REFUSED = "refused"
    COPIED = "copied"


class ModemState(StrEnum):
    """How far the modem has come."""

    ABSENT = "absent"
    STARTING = "starting"
    NO_SIM = "no_sim"
    PIN = "pin"
    PUK = "puk"
    NO_SIGNAL = "no_signal"
    DENIED = "denied"
    ROAMING = "roaming"
    NO_DATA = "no_data"
    READY = "ready"
    DIALLING = "dialling"
    CONNECTED = "connected"
    FAULT = "fault"


class SetupState(StrEnum):
    """How far the claim has come."""

    NO_CLAIM = "no_claim"
    CLAIM_ERROR = "claim_error"
    CLAIM_PENDING = "claim_pending"
    CLAIMED = "claimed"


class UpdatesState(StrEnum):
    """Where an update stands."""

    IDLE = "idle"
    AVAILABLE = "available"
    DOWNLOADING = "downloading"
    INSTALLING = "installing"
    INSTALLED = "installed"
    FAILED = "failed"


class StoreState(StrEnum):
    """How the mail store is."""

    SOUND = "sound"
    LOST = "lost"
    DAMAGED = "damaged"
    NEWER = "newer"
    READ_ONLY = "read_only"
    FULL = "full"
    FAILING = "failing"
    WIPING = "wiping"


class LightsState(StrEnum):
    """What the lamps tell of the whole device, the most urgent first."""

    DEAD = "dead"
    FAULT = "fault"
    UPDATING = "updating"
    UNPROVEN = "unproven"
    STARTING = "starting"
    NO_CLAIM = "no_claim"
    NO_SIM = "no_sim"
    NO_CREDIT = "no_credit"
    SYNCING = "syncing"
    DIALLING = "dialling"
    NO_MODEM = "no_modem"
    NO_SIGNAL = "no_signal"
    LATE = "late"
    MAIL_WAITING = "mail_waiting"
    READY = "ready"


class UnitState(StrEnum):
    """How a daemon's unit is: it runs, has ended as it should, or has not."""

    UP = "up"
    ENDED = "ended"
    FAILED = "failed"


class HotspotState(StrEnum):
    """How the village's Wi-Fi was started."""

    OPEN = "open"
    LOCKED = "locked"
    GIVEN_UP = "given_up"


class BackupState(StrEnum):
    """What is being done with a backup."""

    IDLE = "idle"
    WORKING = "working"
    DONE = "done"
    FAILED = "failed"
    CHECKED = "checked"
    RESTARTING = "restarting"
