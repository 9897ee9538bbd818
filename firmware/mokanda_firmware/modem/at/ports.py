# SPDX-License-Identifier: Apache-2.0
"""Which of a stick's serial ports to talk to: the first that answers and has not failed to dial."""

import logging

from mokanda_firmware.modem.at.conversation import At, AtError
from mokanda_firmware.modem.backend import ModemError
from mokanda_firmware.modem.clock import Clock
from mokanda_firmware.modem.sticks import Stick

_log = logging.getLogger(__name__)


class Ports:
    """A stick's ports, of which one is open at a time."""

    def __init__(self, stick: Stick, clock: Clock) -> None:
        self._stick = stick
        self._clock = clock
        self._failed: list[str] = []  # to dial, the first of them longest ago

    def open(self) -> At:
        """Return a conversation with the first port that answers.

        Raises:
            ModemError: none does.
            OSError: one is gone.
        """
        for port in sorted(self._stick.ports, key=self._rank):
            at = At(port, self._clock)
            try:
                at.synchronise()
            except (AtError, OSError) as error:
                _log.info("%s: %s", port, error)
                at.close()
            else:
                return at
        raise ModemError("no port answers AT")

    def failed(self, port: str) -> None:
        """A call through this port failed: the others come first the next time."""
        self._failed = [*(each for each in self._failed if each != port), port]

    def _rank(self, port: str) -> int:
        return self._failed.index(port) if port in self._failed else -1
