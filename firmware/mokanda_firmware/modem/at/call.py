# SPDX-License-Identifier: Apache-2.0
"""A call: pppd at work on a port on which the modem has dialled already."""

import contextlib
import logging
import os
import re
import subprocess
import tempfile
from pathlib import Path

from mokanda_firmware.bus.sentences import Sentence
from mokanda_firmware.modem.apn import AccessPoint
from mokanda_firmware.modem.at.lines import LineReader
from mokanda_firmware.modem.clock import Clock
from mokanda_firmware.uplink.meter import Meter

_log = logging.getLogger(__name__)

# What pppd says of its interface at the end (main.c, print_link_stats), which is gone by then.
_TRAFFIC = re.compile(r"Sent (\d{1,18}) bytes, received (\d{1,18}) bytes\.")

HOOK = Path("/usr/lib/mokanda/ppp-up")  # writes "mokanda-up <interface>" to the file it is given

_OPTIONS = """\
nodetach
nolock
crtscts
noauth
hide-password
noipdefault
ipcp-accept-local
ipcp-accept-remote
usepeerdns
noccp
noipv6
defaultroute
defaultroute-metric 10
lcp-echo-interval 20
lcp-echo-failure 4
lcp-echo-adaptive
idle 300
"""
_LAST_WORDS = 65536  # bytes: a pipe holds no more (pipe(7))
_LOGIN_REFUSED = 19
# What pppd's exit status means for people (pppd(8), EXIT STATUS).
_REASONS = {
    4: Sentence("This system's kernel lacks PPP."),
    5: Sentence("The connection was not complete in time."),
    10: Sentence("The mobile network and the modem did not agree on a connection."),
    12: Sentence("The connection was idle and has been ended."),
    15: Sentence("The mobile network stopped answering."),
    16: Sentence("The modem lost the connection."),
    _LOGIN_REFUSED: Sentence(
        "The mobile network refused the user name or password of its access point."
    ),
}


class Call:
    """One pppd. Its log and its hook's word that the link is up arrive at one descriptor."""

    def __init__(
        self,
        device: str,
        access_point: AccessPoint,
        *,
        carrier: bool,
        clock: Clock,
        hook: Path = HOOK,
    ) -> None:
        """Start pppd on `device`; `carrier` tells that the port reports a lost connection."""
        self._clock = clock
        self._folder = tempfile.TemporaryDirectory(prefix="mokanda-call-")
        self._lines = LineReader()
        self.interface = ""
        self.up = False
        self.ended = False
        self._traffic = (0, 0)
        self._meter: Meter | None = None
        fifo = Path(self._folder.name, "said")
        os.mkfifo(fifo, 0o600)
        self._said = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        options = Path(self._folder.name, "options")
        options.touch(0o600)
        options.write_text(_options(device, access_point, carrier, hook, fifo), encoding="utf-8")
        with fifo.open("wb", buffering=0) as said:
            self._process = subprocess.Popen(
                ["pppd", "file", str(options)],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
            )

    def fileno(self) -> int:
        """Return a descriptor that is readable when `read` has something to do."""
        return self._said

    def read(self) -> None:
        """Take in what pppd said; sets `up`, `interface` and `ended`."""
        try:
            said = os.read(self._said, 4096)
        except BlockingIOError:
            return
        if said:
            self._take_in(said)
        else:
            self._end()

    def _take_in(self, said: bytes) -> None:
        for raw in self._lines.feed(said):
            line = raw.decode("utf-8", "replace").strip()
            if line.startswith("mokanda-up "):
                self.interface = line.removeprefix("mokanda-up ")
                self.up = True
                self._meter = Meter(self.interface)
            elif found := _TRAFFIC.fullmatch(line):
                self._traffic = int(found[1]), int(found[2])
            elif line:
                _log.debug("pppd: %s", line)  # it logs to the journal itself

    def hang_up(self, timeout: float = 10) -> None:
        """End the call: ask pppd, and kill it after `timeout` seconds."""
        if not self.ended:
            if self._meter is not None:  # as pppd may not come to tell
                self._traffic = self._meter.passed()
            self._process.terminate()
            if not self._ends_within(timeout):
                _log.warning("pppd does not end: killed")
                self._process.kill()
            self._end()

    def _ends_within(self, seconds: float) -> bool:
        if self._process.poll() is not None:  # it has ended by itself, and is no process any more
            return True
        ended = os.pidfd_open(self._process.pid)
        try:
            return bool(self._clock.wait({ended}, seconds))
        finally:
            os.close(ended)

    def traffic(self) -> tuple[int, int]:
        """Return the bytes sent and received over the interface, so far or in all."""
        if not self.ended and self._meter is not None:
            return self._meter.passed()
        return self._traffic

    @property
    def login_refused(self) -> bool:
        """Whether it ended because the network refused user name and password."""
        return self._process.returncode == _LOGIN_REFUSED

    def reason(self) -> Sentence:
        """Return why the call ended, for people."""
        status = self._process.returncode
        return _REASONS.get(status) or Sentence(
            "The connection program pppd ended with status {status}.", status=status
        )

    def _end(self) -> None:
        self._process.wait()
        self.ended = True
        with contextlib.suppress(OSError):
            self._take_in(os.read(self._said, _LAST_WORDS))
        with contextlib.suppress(OSError):
            os.close(self._said)
        self._folder.cleanup()


def _options(device: str, access_point: AccessPoint, carrier: bool, hook: Path, fifo: Path) -> str:
    # Networks that ask for a login without caring which get one: pppd gives up without.
    login = access_point.username or "guest"
    lines = [
        f"{device} 115200",
        "modem" if carrier else "local",
        f"user {_quoted(login)}",
        f"password {_quoted(access_point.password or login)}",
        f"ip-up-script {hook}",
        f"ipparam {fifo}",
    ]
    return "\n".join(lines) + "\n" + _OPTIONS


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
