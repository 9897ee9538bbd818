# SPDX-License-Identifier: Apache-2.0
"""What is known of the device at one moment: all that the lights judge by."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Self

from mokanda_firmware.bus import units
from mokanda_firmware.bus.states import UnitState
from mokanda_firmware.bus.statuses import (
    CourierStatus,
    HotspotStatus,
    ModemStatus,
    SetupStatus,
    StoreStatus,
    UpdatesStatus,
)

WIFI_CARD = Path("/sys/class/net/wlan0")
DAEMONS = ("mokanda-courier", "mokanda-modem", "mokanda-webmail")
_UNITS = (units.PROOF, units.FIREWALL, *DAEMONS, *units.WIFI, *units.ON_DEMAND)
WATCHED = {
    *(kind.NAME for kind in (SetupStatus, ModemStatus, CourierStatus, UpdatesStatus)),
    *(kind.NAME for kind in (StoreStatus, HotspotStatus)),
    *_UNITS,
}


class Known(NamedTuple):
    """All that the lights judge by. None: nobody has told, or nothing that is understood here."""

    setup: SetupStatus | None
    modem: ModemStatus | None
    updates: UpdatesStatus | None
    courier: CourierStatus | None
    store: StoreStatus | None
    units: Mapping[str, UnitState | None]
    on_air: bool | None  # whether the Wi-Fi card sends; None: there is no card
    now: datetime
    up: float  # seconds since the device was switched on

    @classmethod
    def read(cls, wifi_card: Path = WIFI_CARD) -> Self:
        """Read it; never raises."""
        return cls(
            SetupStatus.read(),
            ModemStatus.read(),
            UpdatesStatus.read(),
            CourierStatus.read(),
            StoreStatus.read(),
            {unit: units.state_of(unit) for unit in _UNITS},
            _on_air(wifi_card),
            datetime.now(UTC),
            time.monotonic(),
        )


def _on_air(card: Path) -> bool | None:
    try:
        # A driver that does not tell is believed; hostapd's unit is looked at besides.
        return (card / "operstate").read_text(encoding="ascii").strip() in ("up", "unknown")
    except OSError:
        return None
