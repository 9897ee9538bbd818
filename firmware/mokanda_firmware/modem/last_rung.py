# SPDX-License-Identifier: Apache-2.0
"""The ladder's last rung: the device is restarted, once a day at most.

It may bring back a stick that hangs, or a bus that does, where all other steps were in vain. It is
taken only where a stick has worked in this boot: what has never worked will not by this.
"""

import logging
from collections.abc import Callable
from typing import Final

from mokanda_firmware.bus import units
from mokanda_firmware.bus.requests import RequestError, ask
from mokanda_firmware.bus.states import CourierState, ModemState, UnitState
from mokanda_firmware.bus.statuses import CourierStatus, WebmailStatus
from mokanda_firmware.modem import restarts
from mokanda_firmware.modem.clock import Turns

_log = logging.getLogger(__name__)

_PATIENCE = 3600.0  # seconds that the trouble lasts before
_QUIET = 3600.0  # seconds without a page: somebody may be writing a letter
_AGAIN = 300.0  # seconds after which is looked whether it disturbs nobody now
_TROUBLES: Final = frozenset({ModemState.FAULT, ModemState.ABSENT})


class LastRung:
    """Is told how the modem is, and does the rest."""

    def __init__(self, clock: Turns, restart: Callable[[], None]) -> None:
        """`restart` begins a restart of the device; it may raise RequestError."""
        self._clock = clock
        self._restart = restart
        self._look_at: float | None = None  # None: the modem does its work

    def tell(self, state: ModemState, *, has_worked: bool) -> None:
        """Take in how the modem is, and whether in this boot there was one that worked."""
        if state in _TROUBLES and has_worked and self._look_at is None:
            self._look_at = self._clock.now() + _PATIENCE
        elif state not in _TROUBLES | {ModemState.STARTING}:
            self._look_at = None
        if self._look_at is not None and self._look_at <= self._clock.now():
            self._look_at = self._clock.now() + _AGAIN
            if state in _TROUBLES and self._mail_waits() and not self._disturbs():
                self._take()

    def due_at(self) -> float | None:
        """Return when `tell` has something to do."""
        return self._look_at

    def _mail_waits(self) -> bool:
        """Whether the last mail run has failed: by a cable it need not."""
        courier = CourierStatus.read()
        return courier is not None and courier.state is CourierState.FAILED

    def _disturbs(self) -> bool:
        """Whether somebody reads or writes, or the card is being written to, or is on trial."""
        webmail = WebmailStatus.read()
        if webmail is not None and self._clock.now() - webmail.visited < _QUIET:
            return True
        if any(units.state_of(unit) is UnitState.UP for unit in units.ON_DEMAND):
            return True
        return units.state_of(units.PROOF) is not UnitState.UP

    def _take(self) -> None:
        up = self._clock.now()
        try:
            if not restarts.is_allowed(up):
                return
            restarts.note(up)
            _log.warning("recovery: the device is restarted, as the modem no longer answers")
            with self._clock.others_meanwhile():
                self._restart()
        except OSError as error:
            _log.warning("the device is not restarted, as that cannot be noted: %s", error)
        except RequestError as error:
            _log.warning("the device is not restarted: %s", error)


def restart_device() -> None:
    """Have the device restarted, as the keeper does by a page. Raises RequestError."""
    ask("setup", "restart")
