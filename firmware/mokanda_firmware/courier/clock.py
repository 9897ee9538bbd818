# SPDX-License-Identifier: Apache-2.0
"""The clock of a device that has no battery for one."""

import logging
import time
from datetime import UTC, datetime

from mokanda_firmware import relaytime

TOLERANCE = 60.0  # seconds that the clock may be off

log = logging.getLogger(__name__)


def correct(now: datetime) -> float:
    """Remember the relay's time, and set the clock to it if it is off by more than TOLERANCE.

    Returns how many seconds the clock went forward; 0 when it was left alone, as without
    CAP_SYS_TIME.
    """
    relaytime.remember(now)
    off = (now - datetime.now(UTC)).total_seconds()
    if abs(off) <= TOLERANCE:
        return 0.0
    try:
        time.clock_settime(time.CLOCK_REALTIME, now.timestamp())
    except OSError as error:
        log.warning("the clock is off by %.0f s and cannot be set: %s", off, error)
        return 0.0
    log.info("the clock was off by %.0f s and is set to the relay's", off)
    return off
