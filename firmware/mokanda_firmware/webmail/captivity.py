# SPDX-License-Identifier: Apache-2.0
"""Which phones are captive (RFC 8952), so that their systems open the portal.

A phone that has gone on from the portal, or on which somebody has logged in, is released: its
probes are answered so that it is content, and stays in this Wi-Fi. It is known by its address, for
that is its own as long as its lease lasts. Kept in memory: after a restart of the webmail the next
page of somebody who is logged in releases the phone again, and other phones see the portal once
more.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from mokanda_firmware.setup.hotspot import LEASE_SECONDS

_MAX_RELEASED = 1000  # more than the Wi-Fi has addresses


class Captivity:
    """The phones that are released; all others are captive."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._released: OrderedDict[str, float] = OrderedDict()  # when each was last heard of
        self._lock = threading.Lock()

    def release(self, address: str) -> None:
        """Let a phone go on."""
        with self._lock:
            self._note(address)
            if len(self._released) > _MAX_RELEASED:
                self._released.popitem(last=False)

    def holds(self, address: str) -> bool:
        """Whether a phone is captive; one that is not, and asks, is here for another lease."""
        with self._lock:
            heard = self._released.get(address)
            if heard is None or self._clock() - heard > LEASE_SECONDS:
                self._released.pop(address, None)
                return True
            self._note(address)
            return False

    def _note(self, address: str) -> None:
        self._released[address] = self._clock()
        self._released.move_to_end(address)
