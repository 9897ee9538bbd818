# SPDX-License-Identifier: Apache-2.0
"""AT commands (3GPP TS 27.007, ITU-T V.250) over a serial port.

A command ends with a final result code; what it asked for is known by its shape. Any other line
belongs to nobody: a registration that changed, the end of a call that is over, the late answer to
an earlier command. It is kept for `unsolicited`. A port that goes away raises OSError, in the
middle of a command too.
"""

import logging
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from mokanda_firmware.modem.at import announcements
from mokanda_firmware.modem.at.port import Port
from mokanda_firmware.modem.at.refusals import AtAbandonedError, AtError, AtTimeoutError, check
from mokanda_firmware.modem.clock import Turns

_log = logging.getLogger(__name__)

_NO_CALL = re.compile(
    r"(NO CARRIER|NO ?DIAL ?TONE|BUSY|NO ANSWER|DELAYED|BLACKLISTED)\b.*", re.IGNORECASE
)
_CONNECT = re.compile(r"CONNECT\b.*", re.IGNORECASE)
_OK_BEHIND = re.compile(r"(.*?)\s*\bOK", re.IGNORECASE)
_MAX_LINES = 1000  # that an answer may take; that of all networks in range has some 20
_END_OF_CONTENT, _NO_CONTENT = b"\x1a", b"\x1b"  # Ctrl-Z and ESC at the prompt (27.005, 3.5.1)
_MAX_UNSOLICITED = 100  # lines: the newest are kept
# Seconds. Each command has its time; a modem that is slow to say OK gets more for all of them.
_QUIET = 0.05
_QUIET_AFTER_TIMEOUT = 1.5
_PROMPT = 5.0  # in which a modem asks for a message
_REST = 3.0  # in which what was announced goes on, or the OK comes
SLOWEST = 10.0  # that a modem may take to say OK
# How long each AT of `synchronise` waits for its OK.
QUICK: Final = (3.0,)
USUAL: Final = (3.0, 3.0, 3.0)
PATIENT: Final = (3.0, SLOWEST)  # with a modem that has not answered QUICK, and may yet


class At:
    """A conversation with a modem. All times are seconds."""

    def __init__(self, path: str, clock: Turns) -> None:
        """Open the serial port at `path`; raises OSError when that cannot be done."""
        self.path = path
        self._clock = clock
        self._port = Port(path, clock)
        self._unsolicited: deque[str] = deque(maxlen=_MAX_UNSOLICITED)
        self._is_behind = False  # an answer that did not come in time may still come
        self._pace = 0.0  # seconds that it takes to say OK

    def fileno(self) -> int:
        """Return a descriptor that is readable when the modem has said something."""
        return self._port.fileno()

    def reports_carrier(self) -> bool:
        """Tell whether the port says that a call is up: then it will also say when it is lost."""
        return self._port.reports_carrier()

    def close(self) -> None:
        """Close the port; what is left of it may be gone already."""
        self._port.close()

    def command(self, text: str, timeout: float = 5.0) -> None:
        """Send `text` and wait for its OK.

        Raises:
            AtError: the final result code is a refusal.
            AtTimeoutError: none came within `timeout` seconds.
            OSError: the port is gone.
        """
        self._send(text)
        for line in self._answer(text, timeout):
            if line.upper() == "OK":
                return
            self._unsolicited.append(line)

    def ask(self, text: str, shape: re.Pattern[str], timeout: float = 5.0) -> re.Match[str]:
        """Send `text` and return the line of the answer that has this shape, the last of them.

        Raises as `command` does. An OK before any such line may be an earlier command's: what was
        asked for is waited for a little longer.
        """
        self._send(text)
        found = self._until_ok(text, shape, timeout)
        if found is None:
            try:
                found = self._until_ok(text, shape, _QUIET_AFTER_TIMEOUT)
            except AtTimeoutError:
                self._is_behind = False
        if found is None:
            raise AtError(f"{text} is answered by OK alone")
        return found

    def _until_ok(self, text: str, shape: re.Pattern[str], timeout: float) -> re.Match[str] | None:
        found: re.Match[str] | None = None
        for line in self._answer(text, timeout):
            behind = _OK_BEHIND.fullmatch(line)
            match = shape.fullmatch(behind[1]) if behind else None
            is_last = match is not None or line.upper() == "OK"
            match = match or shape.fullmatch(line)
            found = match or found
            if is_last:
                break
            if match is None:
                self._unsolicited.append(line)
        return found

    def optional(
        self, text: str, shape: re.Pattern[str], timeout: float = 3.0
    ) -> re.Match[str] | None:
        """Return what `ask` does, or None from a modem that refuses or does not answer."""
        try:
            return self.ask(text, shape, timeout)
        except AtError as error:
            _log.debug("%s: %s", text, error)
            return None

    def every(self, text: str, shape: re.Pattern[str], timeout: float = 5.0) -> list[re.Match[str]]:
        """Send `text` and return all lines of this shape. Raises as `command` does."""
        self._send(text)
        found: list[re.Match[str]] = []
        for line in self._answer(text, timeout):
            if line.upper() == "OK":
                break
            if match := shape.fullmatch(line):
                found.append(match)
            else:
                self._unsolicited.append(line)
        return found

    def announced(
        self, text: str, timeout: float, more: Callable[[Sequence[str]], float | None]
    ) -> list[str]:
        """Send `text`, and return what the modem announces when the network has answered.

        Each begins with the command's name ("+CUSD: ...") and may go over lines within quotes; they
        come after the OK with most modems. `more` tells by them for how many seconds to wait for
        another, None: for as long as for the first. A text that does not end is returned as it is.
        Raises as `command` does while nothing was announced, and AtAbandonedError.
        """
        self._send(text)
        name = text[2:].partition("=")[0].upper() + ":"
        is_taken, announced = False, list[str]()
        end = latest = self._clock.now() + timeout
        try:
            for _ in range(_MAX_LINES):
                line = next(self._answer(text, end - self._clock.now()))
                if line.upper() == "OK" and not is_taken:
                    is_taken = True
                elif not announcements.add(announced, name, line):
                    self._unsolicited.append(line)
                    continue
                if announced:
                    seconds = _REST if announcements.goes_on(announced[-1]) else more(announced)
                    if is_taken and seconds == 0:
                        return announced
                    if seconds is not None:
                        end = min(self._clock.now() + max(seconds, _REST), latest + _REST)
            raise AtTimeoutError(f"the answer to {text} does not end")
        except AtError as error:
            if announced:
                self._is_behind = not is_taken
                return announced
            if is_taken and not isinstance(error, AtTimeoutError):
                raise AtAbandonedError(str(error), error.code) from error
            raise

    def prompted(self, text: str, content: str, timeout: float) -> None:
        """Send `text`, and `content` once the modem asks for it by ">"; wait for the OK.

        Raises as `command` does while nothing was given, and then AtAbandonedError, whatever came.
        """
        self._send(text)
        self._await_prompt(text)
        try:
            self._write(content.encode() + _END_OF_CONTENT)
            self._port.forget()
            for line in self._answer(text, timeout):
                if line.upper() == "OK":
                    return
                self._unsolicited.append(line)
        except AtError as error:
            raise AtAbandonedError(str(error), error.code) from error

    def _await_prompt(self, text: str) -> None:
        end = self._clock.now() + _PROMPT + 2 * self._pace
        while self._port.begun.strip(b"\0 ") != b">":
            for line in self._port.lines():
                check(line)
                self._unsolicited.append(line)
            if not self._port.has_come(end - self._clock.now()):
                self._write(_NO_CONTENT)
                self._is_behind = True
                raise AtTimeoutError(f"no prompt for {text} within {_PROMPT:g} seconds")
            self._port.read()

    def prefer(self, text: str, timeout: float = 3.0) -> None:
        """Send a command which is of use where the modem knows it."""
        try:
            self.command(text, timeout)
        except AtError as error:
            _log.debug("%s: %s", text, error)

    def dial(self, text: str, timeout: float) -> None:
        """Dial; afterwards the port carries data. Raises as `command` does."""
        self._send(text)
        for line in self._answer(text, timeout):
            if _CONNECT.fullmatch(line):
                return
            if _NO_CALL.fullmatch(line):
                raise AtError(line)
            if line.upper() != "OK":
                self._unsolicited.append(line)

    def synchronise(self, patience: Sequence[float] = USUAL) -> None:
        """Say AT until the modem answers, then switch its echo off.

        Clears what a command that timed out left behind, and a message that was begun: somebody
        may have ended us at its prompt, where all is taken for content. `patience` has the seconds
        for each AT; raises AtTimeoutError when none is answered.
        """
        failure: AtError | None = None
        for seconds in patience:
            try:
                self._is_behind = False
                self._leave_prompt()
                self._send("AT")
                for line in self._answer("AT", seconds):
                    if line.upper() == "OK":
                        break
                    if _NO_CALL.fullmatch(line):  # what was said went into a call that ends now
                        self._write(b"AT\r")
                if patience is PATIENT:
                    # It was asked more than once, and may answer each.
                    self._unsolicited.extend(self._port.hear_out(SLOWEST))
                else:
                    self._drain(_QUIET_AFTER_TIMEOUT if failure else _QUIET)
                asked_at = self._clock.now()
                self.command("ATE0", timeout=max(patience))
                self._pace = self._clock.now() - asked_at
            except AtError as error:
                failure = error
            else:
                return
        raise AtTimeoutError("the modem does not answer AT") from failure

    def _leave_prompt(self) -> None:
        """Have no message sent; where there is none this is an empty line, which nobody answers."""
        self._write(_NO_CONTENT + b"\r")
        self._unsolicited.extend(self._port.hear_out(_QUIET))

    def escape(self) -> None:
        """Return from data to commands and hang up: +++ in silence of a second (V.250)."""
        self._clock.wait((), 1.1)
        self._write(b"+++")
        self._clock.wait((), 1.1)
        self.synchronise()
        self.command("ATH")

    def overlook(self, shape: re.Pattern[str]) -> None:
        """Leave out of `unsolicited` the lines of this shape that have come already."""
        for line in [each for each in self._unsolicited if shape.fullmatch(each)]:
            self._unsolicited.remove(line)

    def unsolicited(self) -> list[str]:
        """Return the lines that came by themselves since the last call; does not wait."""
        self._port.read()
        self._unsolicited += self._port.lines()
        lines = list(self._unsolicited)
        self._unsolicited.clear()
        return lines

    def _send(self, text: str) -> None:
        """Send a command over a line that is quiet."""
        if self._is_behind:
            self.synchronise()
        self._drain(_QUIET)
        self._port.forget()
        self._write(text.encode() + b"\r")

    def _answer(self, text: str, timeout: float) -> Iterator[str]:
        """Yield what comes but the echo; raises AtError at a refusal, and when nothing more does.

        A result code belongs to the command: whoever takes one for the last stops asking.
        """
        for number, line in enumerate(self._lines(timeout)):
            _log.debug("%s -> %s", text, line)
            if line.upper().endswith(text.upper()):
                continue  # the echo, behind whatever stood on the line
            if number == _MAX_LINES:
                self._is_behind = True
                raise AtError(f"the answer to {text} does not end")
            check(line)
            yield line
        self._is_behind = True
        raise AtTimeoutError(f"no answer to {text} within {timeout:g} seconds")

    def _lines(self, timeout: float) -> Iterator[str]:
        deadline = self._clock.now() + timeout + 2 * self._pace
        while True:
            yield from self._port.lines()
            try:
                if not self._port.has_come(deadline - self._clock.now()):
                    return
            except Exception:  # nobody waits for it any more
                self._is_behind = True
                raise
            self._port.read()

    def _drain(self, quiet: float) -> None:
        self._unsolicited.extend(self._port.drain(quiet))

    def _write(self, data: bytes) -> None:
        try:
            self._port.write(data)
        except AtTimeoutError:
            self._is_behind = True
            raise
