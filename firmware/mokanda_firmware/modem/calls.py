# SPDX-License-Identifier: Apache-2.0
"""The last calls, for the keeper: a file that is written when a call begins, goes on, and is over.

So a call is known of, too, whose end nobody could note: the power went, or this daemon was killed.
"""

import json
import logging
from datetime import datetime, timedelta
from typing import Final, NamedTuple, Self

from mokanda_firmware import paths, relaytime
from mokanda_firmware.bus import records
from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.modem.clock import Clock
from mokanda_wire import durable

KEPT: Final = 10
STOPPED: Final = Sentence("The device, or its modem service, was stopped during the call.")
_MAX_BYTES = 50_000
_MOST_SECONDS = 366 * 24 * 3600  # of a call
_MOST_TRAFFIC = 10**15  # bytes, either way
_log = logging.getLogger(__name__)


class CallRecord(NamedTuple):
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

    @property
    def is_possible(self) -> bool:
        """Whether a call can have been like this: what was kept may be damaged."""
        return (
            0 <= self.seconds <= _MOST_SECONDS
            and 0 <= min(self.up, self.down) <= max(self.up, self.down) <= _MOST_TRAFFIC
            and (self.started is None or bool(self.started.tzinfo))
        )


class _Kept(NamedTuple):
    calls: tuple[CallRecord, ...] = ()
    begun: CallRecord | None = None  # as it was known when it was noted last

    @classmethod
    def read(cls) -> Self:
        kept = records.read(cls, paths.calls(), _MAX_BYTES) or cls()
        begun = kept.begun if kept.begun and kept.begun.is_possible else None
        calls = [call for call in kept.calls[:KEPT] if call.is_possible]
        return kept._replace(calls=tuple(calls), begun=begun)


def last() -> tuple[CallRecord, ...]:
    """Return the last calls, the latest first; none where what was kept cannot be read."""
    return _Kept.read().calls


def note(record: CallRecord) -> None:
    """Note a call that is under way."""
    _write(_Kept.read()._replace(begun=record))


def keep(record: CallRecord) -> None:
    """Keep a call that is over, and those before it as far as there is room."""
    _write(_Kept((record, *last())[:KEPT]))


def end_noted() -> None:
    """Keep the call that was under way when the daemon before this one was stopped, if one was."""
    begun = _Kept.read().begun
    if begun is not None:
        keep(begun._replace(trouble=STOPPED))


def _write(kept: _Kept) -> None:
    """Write it, but for the oldest calls if it is too long; a card that is full keeps none."""
    while len(content := json.dumps(records.dump(kept)).encode()) > _MAX_BYTES:
        kept = kept._replace(calls=kept.calls[:-1])
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

    def goes_on(self, apn: str, traffic: tuple[int, int]) -> None:
        """Note it, with the bytes sent and received so far."""
        note(self._record(apn, traffic))

    def over(self, apn: str, traffic: tuple[int, int]) -> None:
        """Keep it, with the bytes sent and received: nothing goes over it any more."""
        self.ends(None)
        keep(self._record(apn, traffic))

    def _record(self, apn: str, traffic: tuple[int, int]) -> CallRecord:
        lasts = self._clock.now() - self._began
        now = relaytime.now()
        started = now and now - timedelta(seconds=lasts)
        seconds = lasts if self._seconds is None else self._seconds
        return CallRecord(started, round(seconds), *traffic, apn, self._trouble)
