# SPDX-License-Identifier: Apache-2.0
"""The relay's time, carried on by a clock that nobody sets.

A board without a battery starts in any year. What is counted by the day goes by this time, so that
no jump of the clock gives a day away or takes one.
"""

import json
import time
from datetime import UTC, datetime, timedelta

from mokanda_firmware import paths


def note(now: datetime) -> None:
    """Remember what the relay said, until the next reboot."""
    path = paths.relay_time()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps({"told": now.timestamp(), "up": _up()}), encoding="utf-8")
    temporary.replace(path)


def now() -> datetime | None:
    """Return the time; None before the relay has told it since the last reboot."""
    try:
        noted = json.loads(paths.relay_time().read_text(encoding="utf-8"))
        passed = timedelta(seconds=_up() - noted["up"])
        return datetime.fromtimestamp(noted["told"], UTC) + passed
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def _up() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)
