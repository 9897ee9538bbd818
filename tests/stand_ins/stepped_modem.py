# SPDX-License-Identifier: Apache-2.0
"""The stand-in stick on pseudo-terminals, in a time of its own: it moves when the world steps."""

import fcntl
import os
import pty
import select
import struct
import termios
import time
import tty
from collections.abc import Callable

from tests.stand_ins.modem import NO_CARRIER, Modem

_PASSING = 10.0  # seconds of real time after which the kernel does not pass bytes on any more
_ROOM = 4095  # bytes that may wait to be read at a raw terminal (N_TTY_BUF_SIZE, less one)


class SteppedModem(Modem):
    """A stick whose every answer takes its time.

    Attributes:
        latency: seconds to each answer.
        deaf: how many of its ports, the first ones, never answer.
        slow_start: seconds after plugging during which it says nothing.
        piece: how many bytes come at a time.
        link: what becomes of each call: "up", "up 20" (lost after so many seconds), "login",
            "silent", "refused"; the last one stays.
        after_call: what it still says when a call is over, and after how many seconds.
        stuck: whether it stays with a call that is over until +++.
        on_command: called with each command that it takes in.
    """

    def __init__(
        self,
        now: Callable[[], float],
        later: Callable[[float, Callable[[], None]], None],
        ports: int = 1,
    ) -> None:
        super().__init__(None)
        self.latency = 0.02
        self.deaf = 0
        self.slow_start = 0.0
        self.piece = 4096
        self.link = ["up"]
        self.after_call: list[tuple[float, str]] = []
        self.apns: list[str] = []
        self.on_command: Callable[[str], None] = lambda _: None
        self.stuck = False
        self.in_call = False
        self.pulled = False
        self._later = later
        self._pairs = [pty.openpty() for _ in range(ports)]
        for master, slave in self._pairs:
            tty.setraw(slave)
            os.set_blocking(master, False)
        self.paths = tuple(os.ttyname(slave) for _, slave in self._pairs)
        self._taken = dict.fromkeys(self.paths, 0)
        self._unsaid = [bytearray() for _ in self.paths]  # for want of room
        self._port = 0
        self._now = now
        self._plugged_at = now()

    def pull(self) -> None:
        """Pull it out: its ports hang up."""
        if not self.pulled:
            self.pulled = True
            for pair in (*self._pairs, (self._wake_reader, self._wake_writer)):
                for descriptor in pair:
                    os.close(descriptor)

    def take(self, path: str, written: int) -> None:
        """Take in what was written to a port: so many bytes since it was plugged in."""
        index = self.paths.index(path)
        master, _ = self._pairs[index]
        self._pass_on(index)
        while not self.pulled and self._taken[path] < written:
            if not select.select([master], [], [], _PASSING)[0]:
                raise TimeoutError(f"{path} has not passed on what was written")
            data = os.read(master, 4096)
            self._taken[path] += len(data)
            if self.in_call and b"+++" in data:
                self.in_call = False
                self.speak("\r\nOK\r\n", self.latency)
                continue
            is_awake = self._now() - self._plugged_at >= self.slow_start
            if is_awake and index >= self.deaf and not self.in_call:
                self._port = index
                self._read_commands(data)
                self._let_go_of_answer()

    def speak(self, text: str, after: float = 0.0) -> None:
        """Say something by itself; during a call it is lost."""
        self._later(after, lambda: None if self.in_call else self._out(text.encode()))

    def _let_go_of_answer(self) -> None:
        answer = bytes(self._outgoing)
        self._outgoing.clear()
        if answer:
            self._later(self.latency, lambda: self._out(answer))

    def _out(self, data: bytes) -> None:
        if self.pulled or not data:
            return
        now, rest = data[: self.piece], data[self.piece :]
        self._unsaid[self._port] += now
        self._pass_on(self._port)
        if rest:
            self._later(0.001, lambda: self._out(rest))

    def _pass_on(self, index: int) -> None:
        """Say what there is room for, and wait until it can be read."""
        master, slave = self._pairs[index]
        unsaid, before = self._unsaid[index], _readable(slave)
        written = os.write(master, unsaid[: _ROOM - before])
        del unsaid[:written]
        end = time.monotonic() + _PASSING
        while _readable(slave) < before + written:
            if time.monotonic() > end:
                raise TimeoutError(f"{self.paths[index]} has not passed on what was said")
            time.sleep(0)

    def _command(self, line: str) -> None:
        self.on_command(line)
        if self.pulled:
            return
        super()._command(line)
        if "CONNECT" in (self._raw_answer(line) or "").upper():
            self._later(self.latency, lambda: setattr(self, "in_call", True))

    def _take_message(self, digits: str) -> None:
        self.on_command(digits)
        super()._take_message(digits)

    def _dial(self, _: str) -> str:
        if not self.registered or self.link[0] == "refused":
            if len(self.link) > 1:
                self.link.pop(0)
            return NO_CARRIER
        self.calls += 1
        self._later(self.latency, lambda: setattr(self, "in_call", True))
        return "CONNECT 7200000"

    def cure(self) -> None:
        """Start anew: what it hung in is over."""
        self.faults.clear()
        self.in_call = False

    def end_call(self) -> None:
        """A call is over."""
        self.in_call = self.stuck
        for after, text in self.after_call:
            self.speak(text, float(after))


def _readable(descriptor: int) -> int:
    answer = fcntl.ioctl(descriptor, termios.FIONREAD, struct.pack("i", 0))
    return int(struct.unpack("i", answer)[0])
