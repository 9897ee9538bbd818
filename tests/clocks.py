# SPDX-License-Identifier: Apache-2.0
"""A clock that is wrong, for the code of one process; the machine's is left alone."""

from __future__ import annotations

import datetime as dt
import sys
import time
from typing import Self

from mokanda_relay.store import clock

_true_time = time.time
_off = 0.0  # seconds


class _Datetime(dt.datetime):
    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> Self:
        return cls.fromtimestamp(_true_time() + _off, tz)


def shift(seconds: float) -> None:
    """Let this process' clock be off by so much; code that sets the clock sets that."""
    global _off
    _off = seconds
    time.time = lambda: _true_time() + _off
    time.clock_settime = _set
    clock.now = lambda: _Datetime.now(dt.UTC)
    for name, module in list(sys.modules.items()):
        if name.startswith("mokanda_firmware") and hasattr(module, "datetime"):
            module.datetime = _Datetime  # type: ignore[attr-defined]


def _set(_clock: int, moment: float) -> None:
    global _off
    _off = moment - _true_time()
