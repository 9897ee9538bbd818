# SPDX-License-Identifier: Apache-2.0
"""How often a secret may be tried, for each account, phone, and both together."""

import threading
import time
from collections import OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

_MAX_WAIT_SECONDS = 900.0
_FORGET_SECONDS = 3600.0
_MAX_KEYS = 4096


@dataclass(slots=True)
class Try:
    """A try of a secret: not to be made when there are `seconds` to wait; else, how it ended."""

    seconds: float
    failed: bool = False


class _Record(NamedTuple):
    failures: int = 0
    last: float = 0.0  # failure, by the monotonic clock
    under_way: int = 0


class Throttle:
    """Makes each further failure of a key wait twice as long, once `free` of them are used up.

    A try counts from when it begins, so that those made at the same time count, too. Kept in
    memory: a power cut forgives.
    """

    def __init__(self, free: int, first_wait_seconds: float = 15.0) -> None:
        self._free = free
        self._first_wait = first_wait_seconds
        self._records: OrderedDict[Hashable, _Record] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, key: Hashable) -> float:
        """Begin a try, which has to `end`; or return how many seconds it has to wait."""
        with self._lock:
            record = self._record(key)
            if record.failures + record.under_way >= self._free:
                doubled = self._first_wait * 2.0 ** min(max(record.failures - self._free, 0), 10)
                waits = min(doubled, _MAX_WAIT_SECONDS)
                rest = record.last + waits - time.monotonic() if record.failures else 0.0
                if record.under_way:
                    return waits
                if record.failures >= self._free and rest > 0:
                    return rest
            self._keep(key, record._replace(under_way=record.under_way + 1))
        return 0.0

    def end(self, key: Hashable, *, failed: bool) -> None:
        """End a try."""
        with self._lock:
            record = self._record(key)
            under_way = max(record.under_way - 1, 0)
            if failed:
                record = _Record(record.failures + 1, time.monotonic())
            self._keep(key, record._replace(under_way=under_way))

    def forget(self, key: Hashable) -> None:
        """Forget the failures."""
        with self._lock:
            self._records.pop(key, None)

    def _record(self, key: Hashable) -> _Record:
        record = self._records.get(key, _Record())
        if time.monotonic() - record.last > _FORGET_SECONDS:
            return _Record(under_way=record.under_way)
        return record

    def _keep(self, key: Hashable, record: _Record) -> None:
        self._records.pop(key, None)
        if record.failures or record.under_way:
            self._records[key] = record
        while len(self._records) > _MAX_KEYS:
            self._records.popitem(last=False)


@contextmanager
def trying(*throttles: tuple[Throttle, Hashable]) -> Iterator[Try]:
    """Try a secret as all these throttles, each with its key, allow."""
    begun, seconds = _begin(throttles)
    attempt = Try(seconds)
    try:
        yield attempt
    finally:
        for throttle, key in begun:
            throttle.end(key, failed=attempt.failed and not seconds)


def _begin(
    throttles: Sequence[tuple[Throttle, Hashable]],
) -> tuple[list[tuple[Throttle, Hashable]], float]:
    begun: list[tuple[Throttle, Hashable]] = []
    for throttle, key in throttles:
        if seconds := throttle.begin(key):
            return begun, seconds
        begun.append((throttle, key))
    return begun, 0.0
