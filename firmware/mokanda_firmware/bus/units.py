# SPDX-License-Identifier: Apache-2.0
"""How the daemons' units are, as systemd has `note-unit` note it: who has died cannot say so.

Only that it has started a daemon that always runs notes itself (`service.ready`).

The notes lie beside the statuses, so that whoever waits for those hears of them, too.
"""

import json

from mokanda_firmware import paths
from mokanda_firmware.bus.states import UnitState

FIREWALL = "mokanda-firewall"  # without which no uplink comes up
PROOF = "mokanda-healthy"  # of the slot that runs
WIFI = ("mokanda-hotspot", "mokanda-hotspot-names")  # where there is a Wi-Fi card
# Which end by themselves.
ON_DEMAND = ("mokanda-backup", "mokanda-setup", "mokanda-slots", "mokanda-updates")
_MAX_BYTES = 4096


def state_of(unit: str) -> UnitState | None:
    """Return how a unit, such as "mokanda-courier", is; None: nothing known was noted."""
    try:
        with paths.status(unit).open("rb") as file:
            return UnitState(json.loads(file.read(_MAX_BYTES))["state"])
    except (OSError, ValueError, RecursionError, LookupError, TypeError):
        return None
