# SPDX-License-Identifier: Apache-2.0
"""The last calls, for the keeper: a file that is written once when a call is over."""

import json
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from mokanda_firmware import paths, relaytime
from mokanda_firmware.bus import records
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.modem.clock import Clock
from mokanda_wire import durable

KEPT: Final = 10
_MAX_BYTES = 50_000
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call, from dialling on.

    Attributes:
        started: by the relay's time; None when that was not known.
        seconds: how long it took.
        up: bytes that went out over its interface.
        down: bytes that came in.
        apn: the access point, "" where the stick chooses it.
        trouble: why it failed or broke; None: whoever wanted it was done.
    """

    started: datetime | None
    seconds: int
    up: int = 0
    down: int = 0
    apn: str = ""
    trouble: Sentence | None = None


@dataclass(frozen=True, slots=True)
class _Kept:
    calls: tuple[CallRecord, ...] = ()


def last() -> tuple[CallRecord, ...]:
    """Return the last calls, the latest first; none where what was kept cannot be read."""
    kept = records.read(_Kept, paths.calls(), _MAX_BYTES)
    return kept.calls[:KEPT] if kept else ()


def keep(record: CallRecord) -> None:
    """Keep a call, and those before it as far as there is room; a card that is full keeps none."""
    calls = (record, *last())[:KEPT]
    while len(content := json.dumps(records.dump(_Kept(calls))).encode()) > _MAX_BYTES:
        calls = calls[:-1]
    try:
        durable.write(paths.calls(), content)
    except OSError as error:
        _log.warning("the call is not kept: %s", error)


class CallUnderWay:
    """What is noted of a call until it is over."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = clock.now()
        self._seconds: float | None = None
        self._trouble: Sentence | None = None

    def ends(self, trouble: Sentence | None) -> None:
        """It fails, breaks or is not wanted any more; only the first of these counts."""
        if self._seconds is None:
            self._seconds = self._clock.now() - self._began
            self._trouble = trouble

    @property
    def has_ended(self) -> bool:
        """Whether it is known how it ends."""
        return self._seconds is not None

    def over(self, apn: str, traffic: tuple[int, int]) -> None:
        """Keep it, with the bytes sent and received: nothing goes over it any more."""
        self.ends(None)
        assert self._seconds is not None
        now = relaytime.now()
        started = now and now - timedelta(seconds=self._clock.now() - self._began)
        keep(CallRecord(started, round(self._seconds), *traffic, apn, self._trouble))
