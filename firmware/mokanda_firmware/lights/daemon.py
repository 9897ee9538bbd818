# SPDX-License-Identifier: Apache-2.0
"""The lights' daemon: shows the device's state on its lamps, whenever a status changes."""

import logging
from collections.abc import Callable, Mapping, Sequence

from mokanda_firmware.bus import service
from mokanda_firmware.bus.changes import Subscription
from mokanda_firmware.bus.states import LightsState
from mokanda_firmware.bus.statuses import LightsStatus
from mokanda_firmware.lights.known import WATCHED, Known
from mokanda_firmware.lights.lamps import Lamps
from mokanda_firmware.lights.table import PATTERNS, Blink, state_of_device

# Seconds: mail runs become late, and silence a fault, without a word. systemd wants to hear of us
# as often, and each time that a daemon wakes costs power.
_LOOK_AGAIN = 90.0

_log = logging.getLogger(__name__)


class Daemon:
    """Plays the pattern of the state on all lamps."""

    def __init__(self, lamps: Sequence[Lamps], look: Callable[[], Known] = Known.read) -> None:
        self._lamps = lamps
        self._look = look
        self._shown: LightsState | None = None
        self._missing: set[int] = set()

    def run(self) -> None:
        """Serve until SystemExit; then the lamps are dark."""
        try:
            with Subscription() as changes:
                self.show()
                service.ready("lights")
                while True:
                    changed = changes.wait(
                        min(_LOOK_AGAIN, service.watchdog_seconds() or _LOOK_AGAIN)
                    )
                    if not changed or changed & WATCHED:
                        self.show()
                    service.notify("WATCHDOG=1")
        finally:
            for number, lamps in enumerate(self._lamps):
                self._play(number, lamps, {})

    def show(self) -> None:
        """Show the state of now; lamps that were missing may have appeared since."""
        state = state_of_device(self._look())
        changed = state is not self._shown
        before = set(self._missing)
        for number, lamps in enumerate(self._lamps):
            if changed or number in self._missing:
                self._play(number, lamps, PATTERNS[state])
        if changed or before != self._missing:
            outputs = tuple(
                output
                for number, lamps in enumerate(self._lamps)
                if number not in self._missing
                for output in lamps.outputs()
            )
            LightsStatus(state, outputs=outputs).publish()
            self._shown = state

    def fail(self) -> None:
        """Show a fault, and nothing more from here on."""
        for number, lamps in enumerate(self._lamps):
            self._play(number, lamps, PATTERNS[LightsState.FAULT])

    def _play(self, number: int, lamps: Lamps, pattern: Mapping[str, Blink]) -> None:
        try:
            lamps.show(pattern)
        except OSError as error:
            if number not in self._missing:
                _log.warning("lamps %s: %s", ", ".join(lamps.outputs()), error)
            self._missing.add(number)
        else:
            self._missing.discard(number)
