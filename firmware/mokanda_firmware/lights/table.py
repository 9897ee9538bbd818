# SPDX-License-Identifier: Apache-2.0
"""The table: which state the device is in, and what each lamp does in it.

The lamps are called green and red; a board that lacks one shows what it can.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


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

# State -> lamp -> what it does; a lamp that is not named is dark. The most urgent first.
PATTERNS: dict[str, dict[str, Blink]] = {
    "fault": {"red": STEADY},
    "updating": {"green": FAST, "red": FAST},
    "starting": {"green": SLOW, "red": SLOW},
    "no_sim": {"red": SLOW},
    "syncing": {"green": FAST},
    "dialling": {"green": SLOW},
    "mail_waiting": {"green": WINK},
    "ready": {"green": STEADY},
}


def state_of_device(statuses: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the state to show, a key of `PATTERNS`, from the daemons' statuses by name.

    A device is starting until setup has run and the updates have told that its slot works.
    """
    of = {name: fields.get("state") for name, fields in statuses.items()}
    setup, modem, courier, updates = map(of.get, ("setup", "modem", "courier", "updates"))
    if setup == "claim_error" or modem == "fault" or updates == "failed":
        return "fault"
    if updates == "installing":
        return "updating"
    if setup is None or updates is None:
        return "starting"
    if modem in ("no_sim", "pin"):
        return "no_sim"
    if courier == "failed":
        return "fault"
    if courier == "syncing":
        return "syncing"
    if courier in ("dialling", "connecting") or modem == "dialling":
        return "dialling"
    if statuses.get("courier", {}).get("waiting"):
        return "mail_waiting"
    return "ready"
