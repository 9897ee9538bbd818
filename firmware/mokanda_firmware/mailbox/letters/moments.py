# SPDX-License-Identifier: Apache-2.0
"""When letters were written: as their writers' clocks say, if that can be."""

import time

_FIRST = 631_152_000  # seconds since 1970: 1990, before any writer's clock that was ever set
_DAY = 24 * 3600


def written_at(date: int, at: int) -> int:
    """Return when a letter of this date, which came `at`, was written; all in seconds since 1970.

    A date that cannot be, before there was mail or after it came, is a wrong clock's.
    """
    latest = max(at, int(time.time())) + _DAY
    return date if _FIRST <= date <= latest else at
