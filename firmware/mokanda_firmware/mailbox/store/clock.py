# SPDX-License-Identifier: Apache-2.0
"""The time as the store keeps it."""

import time


def now() -> int:
    """Return seconds since 1970, UTC, by a clock that may be wrong."""
    return int(time.time())
