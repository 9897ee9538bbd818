# SPDX-License-Identifier: Apache-2.0
"""The relay's time, carried on by a clock that nobody sets.

A board without a battery starts in any year. What is counted by the day goes by this time, so that
no jump of the clock gives a day away or takes one.
"""

import time
from datetime import UTC, datetime, timedelta

from mokanda_firmware.bus import status

NAME = "clock"  # of the status, which a reboot clears


def note(now: datetime) -> None:
    """Remember what the relay said, until the next reboot."""
    status.publish(NAME, told=now.timestamp(), up=_up())


def now() -> datetime | None:
    """Return the time; None before the relay has told it since the last reboot."""
    noted = status.read(NAME)
    try:
        passed = timedelta(seconds=_up() - noted["up"])
        return datetime.fromtimestamp(noted["told"], UTC) + passed
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return None


def _up() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)
