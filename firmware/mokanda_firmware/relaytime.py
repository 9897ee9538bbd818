# SPDX-License-Identifier: Apache-2.0
"""The relay's time, carried on by a clock that nobody sets.

A board without a battery starts in any year. What is counted by the day goes by this time, so that
no jump of the clock gives a day away or takes one.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from mokanda_firmware import boot
from mokanda_firmware.bus.statuses import Status
from mokanda_wire.message import LATEST


@dataclass(frozen=True, slots=True)
class _Clock(Status):
    """What the relay told, and when that was by the other clock, in seconds; a reboot clears it."""

    NAME = "clock"

    told: float
    up: float


def remember(now: datetime) -> None:
    """Remember what the relay said, until the next reboot."""
    _Clock(now.timestamp(), boot.seconds()).publish()


def now() -> datetime | None:
    """Return the time; None before the relay has told it since the last reboot."""
    noted = _Clock.read()
    if noted is None:
        return None
    seconds = noted.told + boot.seconds() - noted.up
    return datetime.fromtimestamp(seconds, UTC) if 0 <= seconds <= LATEST.timestamp() else None
