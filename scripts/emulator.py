# SPDX-License-Identifier: Apache-2.0
"""The emulated board: a card's image under QEMU, from power-on through U-Boot to the webmail.

`Board` is what `scripts/emulate` and the emulator's tests share. The board is QEMU's Orange Pi PC;
it boots the Orange Pi Zero's own card, as it would be flashed. It has Ethernet (through which the
webmail is reached on a port of this computer), a USB port, and an LED driver on I2C.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TextIO

from scripts.card import (
    CLAIM_NAME,
    TOOLBOX,
    CardError,
    flash,
    set_boot_variable,
    write_setup_file,
)
from scripts.patience import Deadline, DeadlineError, wait_until

REPOSITORY: Final = Path(__file__).resolve().parents[1]
WEBMAIL_SECONDS: Final = 120
# What a board under QEMU reaches as this computer's loopback.
LOOPBACK: Final = "10.0.2.2"


class BoardError(Exception):
    """The board cannot do what was asked; a sentence for people."""


class Console:
    """The serial console: everything is kept in a log file, and can be waited for."""

    def __init__(self, connection: socket.socket, log: Path) -> None:
        self._connection = connection
        self._log = log.open("ab")
        self._text = ""
        self._read = 0
        self._screen: TextIO | None = None
        self._news = threading.Condition()
        threading.Thread(target=self._listen, name="console", daemon=True).start()

    def _listen(self) -> None:
        with self._log as log, contextlib.suppress(OSError):
            while data := self._connection.recv(65536):
                log.write(data)
                log.flush()
                text = data.decode("utf-8", "replace").replace("\r", "")
                with self._news:
                    self._text += text
                    self._news.notify_all()
                if self._screen:
                    print(text, end="", file=self._screen, flush=True)

    def show(self, screen: TextIO) -> None:
        """Show what comes from now on."""
        self._screen = screen

    def write(self, text: str) -> None:
        """Type `text`."""
        self._connection.sendall(text.encode())

    def wait_for(self, pattern: str, seconds: float) -> re.Match[str]:
        """Wait until `pattern` comes, after what an earlier wait found; raises DeadlineError."""
        deadline = Deadline(seconds, f"{pattern!r} on the console")
        with self._news:
            while not (found := re.compile(pattern).search(self._text, self._read)):
                try:
                    self._news.wait(min(1.0, deadline.left()))
                except DeadlineError as missed:
                    raise DeadlineError(f"{missed}; its last lines:\n{self.tail()}") from None
            self._read = found.end()
        return found

    def tail(self, lines: int = 20) -> str:
        """The last lines that the board wrote."""
        return "\n".join(self._text.splitlines()[-lines:])


class Qmp:
    """QEMU's control socket (QEMU Machine Protocol)."""

    def __init__(self, connection: socket.socket) -> None:
        self._stream = connection.makefile("rwb")
        self._read()
        self.execute("qmp_capabilities")

    def execute(self, command: str, **arguments: Any) -> Any:  # noqa: ANN401 - as the command has it
        """Run a command and return what it returns; raises BoardError."""
        request = {"execute": command, "arguments": arguments}
        self._stream.write(json.dumps(request).encode() + b"\n")
        self._stream.flush()
        while True:
            reply = self._read()
            if "error" in reply:
                raise BoardError(f"QEMU refuses {command}: {reply['error']['desc']}")
            if "return" in reply:
                return reply["return"]

    def _read(self) -> dict[str, Any]:
        line = self._stream.readline()
        if not line:
            raise BoardError("QEMU has ended")
        reply: dict[str, Any] = json.loads(line)
        return reply


class Board:
    """A board with a card of its own in `folder`; power it on and off as often as wanted.

    Attributes:
        webmail: the webmail's address on this computer.
        console, qmp: of the board that is powered on.
        modem_socket: connecting to it plugs a USB serial stick in, closing unplugs it.
    """

    console: Console
    qmp: Qmp

    def __init__(self, image: Path, folder: Path, *, web_port: int = 0) -> None:
        """Give the board a card flashed with `image`, unless `folder` has one already."""
        folder.mkdir(parents=True, exist_ok=True)
        self.card = folder / "card.img"
        self.log = folder / "console.log"
        self._qemu_log = folder / "qemu.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._process_id = 0
        self._sockets = contextlib.ExitStack()
        self._web_port = web_port or free_port()
        self.webmail = f"http://127.0.0.1:{self._web_port}"
        self.modem_socket = Path()
        self._image = image
        self._flashed = folder / "flashed"
        if not self.card.exists():
            flash(image, self.card)
            self.set_kernel_arguments("")
            # U-Boot's runs for 16 s, in which a busy computer may not get the board to Linux.
            self.set_boot_variable("watchdog", "off")
            self._flashed.write_text(str(image.stat().st_mtime_ns))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.cut_power()

    @property
    def running(self) -> bool:
        """Whether the board has power."""
        return self._process is not None and self._process.poll() is None

    @property
    def outdated(self) -> bool:
        """Whether the image has been built anew since the card was flashed with it."""
        if not self._image.exists():
            return False
        return self._flashed.read_text() != str(self._image.stat().st_mtime_ns)

    def power_on(self) -> None:
        """Start QEMU; the board is then at the first instruction of its boot ROM."""
        if self.running:
            raise BoardError("the board has power already")
        # Names of sockets are short by nature, those of test folders are not.
        sockets = Path(self._sockets.enter_context(tempfile.TemporaryDirectory(prefix="mokanda-")))
        self.modem_socket = sockets / "modem"
        with (
            listening(sockets / "console") as console,
            listening(sockets / "qmp") as qmp,
            self._qemu_log.open("wb") as log,
        ):
            self._process = subprocess.Popen(
                self._command(sockets),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C is for us; we end QEMU.
                start_new_session=True,
            )
            self.console = Console(self._accept(console), self.log)
            self.qmp = Qmp(self._accept(qmp))
        self._process_id = int((sockets / "pid").read_text())

    def _accept(self, server: socket.socket) -> socket.socket:
        deadline = Deadline(30, "QEMU to start")
        server.settimeout(0.5)
        while True:
            deadline.left()
            try:
                connection, _ = server.accept()
            except TimeoutError:
                if not self.running:
                    words = self._qemu_log.read_text(errors="replace")
                    raise BoardError(f"QEMU did not start:\n{words}") from None
            else:
                connection.settimeout(None)
                return self._sockets.enter_context(connection)

    def _command(self, sockets: Path) -> list[str]:
        return [
            str(TOOLBOX),
            # QEMU ends with us, however we end.
            *("setpriv", "--pdeathsig", "KILL"),
            *("qemu-system-arm", "-M", "orangepi-pc", "-m", "1G", "-display", "none"),
            *("-pidfile", f"{sockets}/pid"),
            # One thread is fastest for one guest CPU.
            *("-accel", "tcg,thread=single"),
            # U-Boot programs the counter for the real board's clock.
            *("-global", "arm-cpu.cntfrq=24000000"),
            # A kill of QEMU loses nothing that it wrote, so the guest's flushes need not wait.
            *("-drive", f"file={self.card},if=sd,format=raw,cache=unsafe"),
            *("-nic", f"user,hostfwd=tcp:127.0.0.1:{self._web_port}-:80"),
            *("-chardev", f"socket,id=console,path={sockets}/console"),
            *("-serial", "chardev:console"),
            *("-chardev", f"socket,id=qmp,path={sockets}/qmp"),
            *("-mon", "chardev=qmp,mode=control"),
            # USB buses 4 to 7 take full-speed devices; a stick is in while its socket is connected.
            *("-chardev", f"socket,id=modem,path={self.modem_socket},server=on,wait=off"),
            *("-device", "usb-serial,chardev=modem,bus=usb-bus.5"),
            *("-device", "pca9552,id=lamps,bus=i2c,address=0x60"),
        ]

    def cut_power(self) -> None:
        """End QEMU at once, as when a plug is pulled; without effect when there is no power."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process_id, signal.SIGKILL)
            self._process.wait()
            self._process = None
        self._sockets.close()

    def wait(self) -> None:
        """Wait until QEMU ends by itself; raises BoardError, for a board never does."""
        if self._process is not None:
            code = self._process.wait()
            words = self._qemu_log.read_text(errors="replace")
            raise BoardError(f"QEMU ended with code {code}: {words}")

    def reset(self) -> None:
        """Press the reset button."""
        self.qmp.execute("system_reset")

    def lamp(self, number: int) -> str:
        """What output `number` of the LED driver does, seen from outside: on, off, pwm0 or pwm1."""
        path = "/machine/peripheral/lamps"
        return str(self.qmp.execute("qom-get", path=path, property=f"led{number}"))

    def plug_in_stick(self, image: Path) -> None:
        """Plug in a USB memory stick whose content is an image file.

        At high speed, as sticks are: from a full-speed port QEMU drops one that is written to.
        """
        content = {"driver": "file", "filename": str(image)}
        self.qmp.execute("blockdev-add", driver="raw", **{"node-name": "stick"}, file=content)
        self.qmp.execute(
            "device_add", driver="usb-storage", id="stick", drive="stick", bus="usb-bus.1"
        )

    def pull_out_stick(self) -> None:
        """Pull the memory stick out; QEMU gives its image back once the board has let go."""
        self.qmp.execute("device_del", id="stick")
        wait_until(self._gives_stick_back, "QEMU to let go of the stick", 30)

    def _gives_stick_back(self) -> bool:
        try:
            self.qmp.execute("blockdev-del", **{"node-name": "stick"})
        except BoardError:
            return False
        return True

    def write_setup_file(self, source: Path, name: str = CLAIM_NAME) -> None:
        """Put a file on the card's SETUP partition, as a laptop would; the power must be off."""
        self._need_card()
        write_setup_file(self.card, source, name)

    def set_kernel_arguments(self, text: str) -> None:
        """Add to the kernel's command line from the next boot on; the power must be off."""
        # More CPUs would only slow QEMU's one thread down.
        self.set_boot_variable("extra_args", f"maxcpus=1 {text}".strip())

    def set_boot_variable(self, name: str, value: str) -> None:
        """Change a variable of U-Boot; the power must be off."""
        self._need_card()
        set_boot_variable(self.card, name, value)

    def _need_card(self) -> None:
        if self.running:
            raise BoardError("the card is in the board; take the power away first")


def free_port() -> int:
    """A TCP port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def listening(path: Path) -> Iterator[socket.socket]:
    """A Unix socket that waits for QEMU to connect."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(1)
        yield server


def answers(url: str) -> bool:
    """Whether `url` answers with a page now."""
    try:
        with urllib.request.urlopen(url, timeout=10) as reply:  # noqa: S310 - our own http URL
            return bool(reply.status == HTTPStatus.OK)
    except OSError:
        return False


def _arguments() -> argparse.Namespace:
    build = REPOSITORY / "build"
    parser = argparse.ArgumentParser(
        prog="scripts/emulate",
        description="Boot a card's image on the emulated board. The card is kept between runs.",
    )
    parser.add_argument(
        "--image",
        type=Path,
        default=build / "image" / "orangepi-zero" / "mokanda.img",
        metavar="IMG",
        help="the image to flash (default: %(default)s)",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=build / "run" / "board",
        help="where card and console log are kept (default: %(default)s)",
    )
    parser.add_argument("--fresh", action="store_true", help="flash a new card, forget the last")
    parser.add_argument(
        "--claim", type=Path, metavar="FILE", help="put this claim file on the card first"
    )
    parser.add_argument("--web", type=int, default=0, metavar="PORT", help="the webmail's port")
    parser.add_argument("--serial", action="store_true", help="show the console, and type into it")
    return parser.parse_args()


def _boot(arguments: argparse.Namespace) -> None:
    if arguments.fresh:
        shutil.rmtree(arguments.folder, ignore_errors=True)
    with Board(arguments.image, arguments.folder, web_port=arguments.web) as board:
        if board.outdated:
            _say("the image is newer than the card of the last run; --fresh takes it")
        if arguments.claim:
            board.write_setup_file(arguments.claim)
        start = time.monotonic()
        board.power_on()
        _say(f"power is on; the console's log is {board.log}")
        if arguments.serial:
            board.console.show(sys.stdout)
            threading.Thread(target=_type, args=(board.console,), daemon=True).start()
        wait_until(lambda: answers(board.webmail), "the webmail", WEBMAIL_SECONDS)
        _say(f"{board.webmail} answers after {time.monotonic() - start:.0f} s; Ctrl-C ends it")
        board.wait()


def _type(console: Console) -> None:
    for line in sys.stdin:
        console.write(line)


def _say(text: str) -> None:
    print(f"emulate: {text}", file=sys.stderr, flush=True)


def main() -> int:
    """Boot a board for people; Ctrl-C takes its power away."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _boot(_arguments())
    except KeyboardInterrupt:
        return 130
    except (BoardError, CardError, DeadlineError) as error:
        _say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
