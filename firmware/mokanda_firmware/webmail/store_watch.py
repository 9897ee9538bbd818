# SPDX-License-Identifier: Apache-2.0
"""How the mail store is, published for the lamps and the pages whenever that changes."""

import logging
import threading

from mokanda_firmware.bus.states import StoreState
from mokanda_firmware.bus.statuses import StoreStatus
from mokanda_firmware.mailbox.store import damage
from mokanda_firmware.mailbox.store.database import StoreDamaged, StoreError, StoreUnfit

_log = logging.getLogger(__name__)


class StoreWatch:
    """Is told by all who use the store how it went; publishes nothing before that."""

    def __init__(self) -> None:
        self._published: StoreState | None = None
        self._lock = threading.Lock()
        self.has_deleted = threading.Event()  # set where a form may have made room on a full card

    def tell(self, error: StoreError | None) -> None:
        """Note that the store was written to, or why not.

        What is damaged once is damaged until the store has been mended, though much of it works.
        """
        if error is not None and not isinstance(error, StoreUnfit):
            return  # busy, say
        state = StoreState.SOUND if error is None else error.state
        if state in _TO_MEND:
            damage.note(f"{state}: {error}")
        elif damage.is_noted():
            state = StoreState.DAMAGED
        with self._lock:
            if state is self._published or self._published is StoreState.DAMAGED:
                return
            if error is not None:
                _log.error("%s: %s", state, error)
            StoreStatus(state).publish()
            self._published = state

    def form_was_sent(self) -> None:
        """Let housekeeping look for room, where there is none: something may be deleted now."""
        if self._published is StoreState.FULL:
            self.has_deleted.set()

    def look(self) -> None:
        """Find out whether somebody has met damage, and got around it."""
        if self._published is not StoreState.DAMAGED and damage.is_noted():
            self.tell(StoreDamaged("damage was met"))


_TO_MEND = {StoreState.DAMAGED, StoreState.LOST}
