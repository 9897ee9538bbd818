# SPDX-License-Identifier: Apache-2.0
"""A modem's serial port, as lines. A port that goes away raises OSError at any moment."""

import logging
import select
from collections import deque
from collections.abc import Iterator

import serial

from mokanda_firmware.modem.at.lines import LineReader
from mokanda_firmware.modem.at.refusals import AtTimeoutError
from mokanda_firmware.modem.clock import Turns

_log = logging.getLogger(__name__)

_PIECE = 4096  # bytes taken from the port at a time
# Seconds.
_NO_ROOM = 0.2  # after which a port that takes nothing will not
_LONGEST_CHATTER = 3.0  # a modem that talks for longer by itself is interrupted


class Port:
    """What has come, and what is sent."""

    def __init__(self, path: str, clock: Turns) -> None:
        """Open the port at `path`; raises OSError when that cannot be done."""
        self.path = path
        self._clock = clock
        with clock.others_meanwhile():
            self._port = serial.Serial(path, 115200, timeout=0, write_timeout=0)
        self._reader = LineReader()
        self._heard: deque[str] = deque()  # lines of the last piece

    def fileno(self) -> int:
        """Return a descriptor that is readable when something comes."""
        return self._port.fileno()

    def reports_carrier(self) -> bool:
        """Tell whether the port says that a call is up: then it will also say when it is lost."""
        try:
            return bool(self._port.cd)
        except OSError:  # a port without modem lines
            return False

    def close(self) -> None:
        """Close it; what is left of it may be gone already."""
        try:
            with self._clock.others_meanwhile():  # the kernel may want what was written to be gone
                self._port.close()
        except OSError as error:
            _log.debug("closing %s: %s", self.path, error)

    def write(self, data: bytes) -> None:
        """Send it. Raises AtTimeoutError where the port takes no more."""
        if not self._has_room():
            self._clock.wait((), _NO_ROOM)
        if not self._has_room() or self._port.write(data) != len(data):
            raise AtTimeoutError("the port takes no more data")

    def _has_room(self) -> bool:
        """Whether the kernel takes data for it, or tells that it is gone."""
        poller = select.poll()
        poller.register(self.fileno(), select.POLLOUT)
        return bool(poller.poll(0))

    def has_come(self, seconds: float) -> bool:
        """Wait for something to read, so long at most."""
        return seconds > 0 and bool(self._clock.wait((self.fileno(),), seconds))

    def read(self) -> None:
        """Take in what has come; does not wait."""
        lines = self._reader.feed(self._port.read(_PIECE))
        words = (line.decode("ascii", "replace").strip("\0 \t") for line in lines)
        self._heard += filter(None, words)

    def lines(self) -> Iterator[str]:
        """Yield the whole lines that were read."""
        while self._heard:
            yield self._heard.popleft()

    @property
    def begun(self) -> bytes:
        """What was read of a line that has not ended."""
        return self._reader.begun

    def forget(self) -> None:
        """Forget the line that has begun."""
        self._reader.forget()

    def drain(self, quiet: float) -> Iterator[str]:
        """Yield what the modem says by itself, until it is quiet for so many seconds."""
        self.read()
        end = self._clock.now() + _LONGEST_CHATTER
        while self._heard or self._reader.has_begun:
            yield from self.lines()
            if self._clock.now() >= end or not self.has_come(quiet):
                return
            self.read()

    def hear_out(self, quiet: float) -> Iterator[str]:
        """Yield what comes late, until nothing has come for so many seconds."""
        end = self._clock.now() + 4 * quiet
        while self._clock.now() < end and self.has_come(quiet):
            self.read()
            yield from self.lines()
