# SPDX-License-Identifier: Apache-2.0
"""How the mail store is, published for the lamps and the pages whenever that changes."""

import logging
import threading

from mokanda_firmware import paths
from mokanda_firmware.bus.states import StoreState
from mokanda_firmware.bus.statuses import StoreStatus
from mokanda_firmware.mailbox.store.database import StoreError, StoreUnfit
from mokanda_wire import durable

_log = logging.getLogger(__name__)


class StoreWatch:
    """Is told by all who use the store how it went; publishes nothing before that."""

    def __init__(self) -> None:
        self._published: StoreState | None = None
        self._lock = threading.Lock()

    def tell(self, error: StoreError | None) -> None:
        """Note that the store was written to, or why not.

        What is damaged once is damaged until the store is opened anew, though much of it works.
        """
        if error is not None and not isinstance(error, StoreUnfit):
            return  # busy, say
        state = StoreState.SOUND if error is None else error.state
        with self._lock:
            if state is self._published or self._published is StoreState.DAMAGED:
                return
            if error is not None:
                _log.error("%s: %s", state, error)
            if state in _TO_MEND:
                _ask_for_mending()
            StoreStatus(state).publish()
            self._published = state


_TO_MEND = {StoreState.DAMAGED, StoreState.LOST}


def _ask_for_mending() -> None:
    """Have the store mended at the next start (mokanda_firmware.setup.mend)."""
    try:
        durable.write(paths.store_damage(), b"", 0o660)
    except OSError as error:
        _log.warning("%s", error)
