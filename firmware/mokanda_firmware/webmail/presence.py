# SPDX-License-Identifier: Apache-2.0
"""Whether somebody uses the webmail, for daemons that would disturb."""

import time

from mokanda_firmware.bus.statuses import WebmailStatus

_OFTEN = 60.0  # seconds: a page more within these tells nothing new


class Presence:
    """When somebody who is logged in had a page last."""

    def __init__(self) -> None:
        self._told = float("-inf")

    def noted(self) -> None:
        """Tell that somebody has one now."""
        now = time.monotonic()
        if now - self._told >= _OFTEN:
            self._told = now
            WebmailStatus(now).publish()
