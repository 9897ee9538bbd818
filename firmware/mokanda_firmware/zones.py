# SPDX-License-Identifier: Apache-2.0
"""Time zones by their names, as the keeper has told the village's."""

import logging
from datetime import UTC, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

log = logging.getLogger(__name__)


@cache
def zone_of(name: str) -> tzinfo:
    """The time zone of this name; UTC when it is not known."""
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        log.warning("the time zone %r is not known", name)
        return UTC
