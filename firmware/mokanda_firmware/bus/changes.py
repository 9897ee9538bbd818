# SPDX-License-Identifier: Apache-2.0
"""Word that a status was published, by inotify(7): nobody polls."""

import ctypes
import os
import struct
import time
from types import TracebackType
from typing import Self

from mokanda_firmware import paths
from mokanda_firmware.bus.waiting import readable

_EVENT = struct.Struct("iIII")  # struct inotify_event, followed by the file's name
_MOVED = 0x40 | 0x80  # IN_MOVED_FROM, as where it is taken away, and IN_MOVED_TO
_QUEUE_OVERFLOW = 0x4000
_MAX_BYTES = 65536  # of events that are read at once


class Subscription:
    """Tells which statuses changed since it was made: make it first, then read them."""

    def __init__(self) -> None:
        folder = paths.status("any").parent
        folder.mkdir(parents=True, exist_ok=True)
        libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor: int = libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        if self._descriptor < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")
        if libc.inotify_add_watch(self._descriptor, os.fsencode(folder), _MOVED) < 0:
            number = ctypes.get_errno()
            self.close()
            raise OSError(number, os.strerror(number), str(folder))
        self._folder = folder

    def fileno(self) -> int:
        """Return a descriptor that is readable when `wait` would return at once."""
        return self._descriptor

    def wait(self, timeout: float | None) -> set[str]:
        """Return the names that changed, after at most `timeout` seconds (None: no end)."""
        ends_at = None if timeout is None else time.monotonic() + timeout
        left = timeout
        while readable(self._descriptor, left):
            if names := self._names():
                return names
            left = None if ends_at is None else max(0.0, ends_at - time.monotonic())
        return set()

    def _names(self) -> set[str]:
        """Take in what has happened; files that are still being written are no news."""
        try:
            events = os.read(self._descriptor, _MAX_BYTES)
        except BlockingIOError:  # another thread was faster
            return set()
        names: set[str] = set()
        while events:
            _, mask, _, length = _EVENT.unpack_from(events)
            end = _EVENT.size + length
            file = os.fsdecode(events[_EVENT.size : end].rstrip(b"\0"))
            if mask & _QUEUE_OVERFLOW:
                names |= {path.stem for path in self._folder.glob("*.json")}
            elif file.endswith(".json"):
                names.add(file.removesuffix(".json"))
            events = events[end:]
        return names

    def close(self) -> None:
        """Stop listening; a second call does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
