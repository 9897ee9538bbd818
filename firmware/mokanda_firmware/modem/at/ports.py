# SPDX-License-Identifier: Apache-2.0
"""Which of a stick's serial ports to talk to: the first that answers and has not failed to dial."""

import logging
from itertools import product
from typing import Final

from mokanda_firmware.modem.at.conversation import PATIENT, QUICK, At
from mokanda_firmware.modem.at.refusals import AtError
from mokanda_firmware.modem.backend import ModemError
from mokanda_firmware.modem.clock import Turns
from mokanda_firmware.modem.stick import Stick
from mokanda_firmware.modem.stick_clock import PulledError

_log = logging.getLogger(__name__)

_MOST: Final = 8  # ports that are asked; a stick has six at most


class Ports:
    """A stick's ports, of which one is open at a time."""

    def __init__(self, stick: Stick, clock: Turns) -> None:
        self._stick = stick
        self._clock = clock
        self._failed: list[str] = []  # to dial, the first of them longest ago

    def open(self) -> At:
        """Return a conversation with the first port that answers.

        Each is asked for seconds; if none answers, each with more patience.

        Raises:
            ModemError: none does.
            OSError: one is gone.
        """
        ports = sorted(self._stick.ports[:_MOST], key=self._rank)
        for patience, port in product((QUICK, PATIENT), ports):
            at = At(port, self._clock)
            try:
                at.synchronise(patience)
            except Exception as error:
                at.close()
                if isinstance(error, PulledError) or not isinstance(error, (AtError, OSError)):
                    raise
                _log.info("%s: %s", port, error)
            else:
                return at
        raise ModemError("no port answers AT")

    def failed(self, port: str) -> None:
        """A call through this port failed: the others come first the next time."""
        self._failed = [*(each for each in self._failed if each != port), port]

    def _rank(self, port: str) -> int:
        return self._failed.index(port) if port in self._failed else -1
