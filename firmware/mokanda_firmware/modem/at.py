# SPDX-License-Identifier: Apache-2.0
"""AT commands (3GPP TS 27.007, ITU-T V.250) over a serial port.

A command ends with a final result code; lines before it are its information. A line that belongs to
no command (a registration that changed, an incoming call) may come at any time: it is kept for
`unsolicited`. A port that goes away raises OSError, in the middle of a command too.
"""

import logging
import re
import select
import time
from collections import deque
from collections.abc import Iterator

import serial

from mokanda_firmware.modem.backend import ModemError
from mokanda_firmware.modem.lines import LineReader

_log = logging.getLogger(__name__)

_REFUSALS = ("ERROR", "NO CARRIER", "NO DIALTONE", "NO DIAL TONE", "BUSY", "NO ANSWER")
_REFUSALS_OF_MAKERS = ("COMMAND NOT SUPPORT", "TOO MANY PARAMETERS")  # Huawei
_CODED_REFUSAL = re.compile(r"\+CM[ES] ERROR: *(.*)")
_NAMED = re.compile(r"([+^*%$][A-Z0-9]+) *:")  # "+CSQ: 17,99"
_COMMAND_NAME = re.compile(r"AT([+^*%$][A-Z0-9]+)")
_PIECE = 4096  # bytes taken from the port at a time
_MAX_ANSWER = 1000  # lines of information; that of all networks in range has some 20
_MAX_UNSOLICITED = 100  # lines: the newest are kept


class AtError(ModemError):
    """The modem refused a command; `code` is the number of a +CME ERROR, or None."""

    def __init__(self, text: str, code: int | None = None) -> None:
        super().__init__(text)
        self.code = code


class AtTimeoutError(AtError):
    """The modem did not finish its answer in time."""


class At:
    """A conversation with a modem. All times are seconds."""

    def __init__(self, path: str) -> None:
        """Open the serial port at `path`; raises OSError when that cannot be done."""
        self.path = path
        self._port = serial.Serial(path, 115200, timeout=0, write_timeout=5)
        self._reader = LineReader()
        self._heard: deque[str] = deque()  # lines of the last piece
        self._unsolicited: deque[str] = deque(maxlen=_MAX_UNSOLICITED)

    def fileno(self) -> int:
        """Return a descriptor that is readable when the modem has said something."""
        return self._port.fileno()

    def reports_carrier(self) -> bool:
        """Tell whether the port says that a call is up: then it will also say when it is lost."""
        try:
            return bool(self._port.cd)
        except OSError:  # a port without modem lines
            return False

    def close(self) -> None:
        """Close the port; what is left of it may be gone already."""
        try:
            self._port.close()
        except OSError as error:
            _log.debug("closing %s: %s", self.path, error)

    def command(self, text: str, timeout: float = 5.0) -> list[str]:
        """Send `text` and return its information lines.

        Raises:
            AtError: the final result code is a refusal.
            AtTimeoutError: none came within `timeout` seconds.
            OSError: the port is gone.
        """
        return self._converse(text, timeout, connect=False)

    def value(self, text: str, timeout: float = 5.0) -> str:
        """Return the one value that command `text` asks for, "" when the modem gave none.

        A name before it ("+CSQ: 17,99") is taken away. Raises as `command` does.
        """
        lines = self.command(text, timeout)
        return _NAMED.sub("", lines[-1], count=1).strip() if lines else ""

    def optional(self, text: str) -> str:
        """Return what `value` does, or "" from a modem that does not know the command."""
        try:
            return self.value(text)
        except AtTimeoutError:
            raise
        except AtError as error:
            _log.debug("%s: %s", text, error)
            return ""

    def dial(self, text: str, timeout: float) -> None:
        """Dial; afterwards the port carries data. Raises as `command` does."""
        self._converse(text, timeout, connect=True)

    def synchronise(self, tries: int = 3) -> None:
        """Say AT until the modem answers, then switch its echo off.

        Clears what a command that timed out left behind. Raises AtTimeoutError after `tries`
        seconds.
        """
        failure: AtError | None = None
        for _ in range(tries):
            self._read()
            self._heard.clear()
            self._reader.forget()
            try:
                self.command("AT", timeout=1)
                self.command("ATE0", timeout=1)
            except AtError as error:
                failure = error
            else:
                return
        raise AtTimeoutError("the modem does not answer AT") from failure

    def escape(self) -> None:
        """Return from data to commands and hang up: +++ in silence of a second (V.250)."""
        time.sleep(1.1)
        self._write(b"+++")
        time.sleep(1.1)
        self.synchronise()
        self.command("ATH")

    def unsolicited(self) -> list[str]:
        """Return the lines that came by themselves since the last call; does not wait."""
        self._read()
        self._unsolicited += self._whole_lines()
        lines = list(self._unsolicited)
        self._unsolicited.clear()
        return lines

    def _converse(self, text: str, timeout: float, *, connect: bool) -> list[str]:
        self._unsolicited += self._whole_lines()
        self._write(text.encode() + b"\r")
        named = _COMMAND_NAME.match(text)
        own_name = named.group(1) if named else None
        information: list[str] = []
        for line in self._lines(timeout):
            _log.debug("%s -> %s", text, line)
            if line == text:
                continue  # the echo
            if line == "OK":
                if connect:
                    raise AtError("OK instead of CONNECT")
                return information
            if connect and line.startswith("CONNECT"):
                return information
            refusal = _CODED_REFUSAL.fullmatch(line)
            if refusal:
                reason = refusal.group(1)
                raise AtError(line, int(reason) if reason.isdecimal() else None)
            if line in _REFUSALS or line in _REFUSALS_OF_MAKERS:
                raise AtError(line)
            name = _NAMED.match(line)
            if line == "RING" or (name and name.group(1) != own_name):
                self._unsolicited.append(line)
            elif len(information) == _MAX_ANSWER:
                raise AtError(f"the answer to {text} does not end")
            else:
                information.append(line)
        raise AtTimeoutError(f"no answer to {text} within {timeout:g} seconds")

    def _lines(self, timeout: float) -> Iterator[str]:
        poller = select.poll()
        poller.register(self._port.fileno(), select.POLLIN)
        deadline = time.monotonic() + timeout
        while True:
            yield from self._whole_lines()
            left = deadline - time.monotonic()
            if left <= 0 or not poller.poll(left * 1000):
                return
            self._read()

    def _read(self) -> None:
        lines = self._reader.feed(self._port.read(_PIECE))
        words = (line.decode("ascii", "replace").strip("\0 ") for line in lines)
        self._heard += filter(None, words)

    def _whole_lines(self) -> Iterator[str]:
        while self._heard:
            yield self._heard.popleft()

    def _write(self, data: bytes) -> None:
        try:
            self._port.write(data)
        except serial.SerialTimeoutException as error:
            raise AtTimeoutError("the port takes no more data") from error
