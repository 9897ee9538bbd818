# SPDX-License-Identifier: Apache-2.0
"""The lights' daemon: shows the device's state on its lamps, whenever a status changes."""

import logging
from collections.abc import Sequence

from mokanda_firmware.bus import service
from mokanda_firmware.bus.changes import Subscription
from mokanda_firmware.bus.states import LightsState
from mokanda_firmware.bus.statuses import (
    CourierStatus,
    LightsStatus,
    ModemStatus,
    SetupStatus,
    StoreStatus,
    UpdatesStatus,
)
from mokanda_firmware.lights.lamps import Lamps
from mokanda_firmware.lights.table import PATTERNS, state_of_device

_log = logging.getLogger(__name__)

_WATCHED = {
    kind.NAME for kind in (SetupStatus, ModemStatus, CourierStatus, UpdatesStatus, StoreStatus)
}


class Daemon:
    """Plays the pattern of the state on all lamps."""

    def __init__(self, lamps: Sequence[Lamps]) -> None:
        self._lamps = lamps
        self._shown: LightsState | None = None
        self._missing: set[int] = set()

    def run(self) -> None:
        """Serve until SystemExit."""
        with Subscription() as changes:
            self.show()
            service.notify("READY=1")
            while True:
                if changes.wait(None) & _WATCHED:
                    self.show()

    def show(self) -> None:
        """Show the state of now; lamps that were missing may have appeared since."""
        state = state_of_device(
            SetupStatus.read(),
            ModemStatus.read(),
            UpdatesStatus.read(),
            CourierStatus.read(),
            StoreStatus.read(),
        )
        changed = state != self._shown
        before = set(self._missing)
        for number, lamps in enumerate(self._lamps):
            if changed or number in self._missing:
                self._play(number, lamps, state)
        if changed or before != self._missing:
            outputs = tuple(
                output
                for number, lamps in enumerate(self._lamps)
                if number not in self._missing
                for output in lamps.outputs()
            )
            LightsStatus(state, outputs=outputs).publish()
            self._shown = state

    def _play(self, number: int, lamps: Lamps, state: LightsState) -> None:
        try:
            lamps.show(PATTERNS[state])
        except OSError as error:
            if number not in self._missing:
                _log.warning("lamps %s: %s", ", ".join(lamps.outputs()), error)
            self._missing.add(number)
        else:
            self._missing.discard(number)
