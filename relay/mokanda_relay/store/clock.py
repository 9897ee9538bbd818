# SPDX-License-Identifier: Apache-2.0
"""The time, as all that a relay records has it."""

from __future__ import annotations

import datetime as dt


def now() -> dt.datetime:
    """The time, aware, in UTC."""
    return dt.datetime.now(dt.UTC)
