# SPDX-License-Identifier: Apache-2.0
"""The board itself: its card, its power, and what can be plugged into it or seen from outside."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from scripts.emulator import migration
from scripts.emulator.card import (
    CLAIM_NAME,
    flash,
    set_boot_variable,
    write_setup_file,
)
from scripts.emulator.console import Console
from scripts.emulator.qmp import Qmp, QmpError
from scripts.tools.deadlines import Deadline, wait_until
from scripts.tools.http_probe import answers
from scripts.tools.repository import TOOLBOX

# What a board under QEMU reaches as this computer's loopback.
LOOPBACK: Final = "10.0.2.2"
# USB buses 4 to 7 take full-speed devices; QEMU adds a hub as there are more.
USB_BUS: Final = "usb-bus.5"
# An instruction takes 2 ns (two to the power of `shift`), about as long as on the board: at 4 ns it
# is too slow for its own watchdog. Where the board only waits, time leaps.
INSTRUCTION_TIME: Final = "shift=1,sleep=off"


class BoardError(Exception):
    """The board cannot do what was asked; a sentence for people."""


class Board:
    """A board with a card of its own in `folder`; power it on and off as often as wanted.

    Attributes:
        webmail: the webmail's address on this computer.
        keeps_time: as it was made; may be changed while the power is off.
        console, qmp: of the board that is powered on.
        modem_socket: connecting to it plugs a USB serial stick in, closing unplugs it.
    """

    console: Console
    qmp: Qmp

    def __init__(
        self,
        image: Path,
        folder: Path,
        *,
        web_port: int = 0,
        keeps_time: bool = True,
        options: tuple[str, ...] = (),
    ) -> None:
        """Give the board a card flashed with `image`, unless `folder` has one already.

        Args:
            image: what `make image` has built.
            folder: where card and logs are kept.
            web_port: of this computer, for the board's webmail; any free one by default.
            keeps_time: whether the board's seconds are this computer's. They are too short for its
                watchdog where this computer is busy, so Linux starts it then, and not U-Boot.
                Without, a second is so many instructions, and waiting takes no time: the watchdog
                is as on any card, and nothing is to be measured by a clock outside.
            options: more of QEMU's.
        """
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
        self.keeps_time = keeps_time
        self._options = options
        self._image = image
        self._flashed = folder / "flashed"
        if not self.card.exists():
            flash(image, self.card)
            self.set_kernel_arguments("")
            if keeps_time:
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

    def power_on(self, state: Path | None = None) -> None:
        """Start QEMU, the board at the first instruction of its boot ROM.

        Args:
            state: go on from this instead, which has to fit the card (see `snapshot`).
        """
        if self.running:
            raise BoardError("the board has power already")
        # Names of sockets are short by nature, those of test folders are not.
        sockets = Path(self._sockets.enter_context(tempfile.TemporaryDirectory(prefix="mokanda-")))
        self.modem_socket = sockets / "modem"
        self.console = Console(self.log, sockets / "keyboard")
        self._sockets.callback(self.console.close)
        self._process_id = 0
        with listening(sockets / "qmp") as qmp, self._qemu_log.open("wb") as log:
            self._process = subprocess.Popen(
                [*self._command(sockets), *(("-incoming", "defer") if state else ())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C is for us; we end QEMU.
                start_new_session=True,
            )
            self.qmp = Qmp(self._accept(qmp))
        self._process_id = int((sockets / "pid").read_text())
        if state:
            migration.load(self.qmp, state)
        # A stick is in while its socket is connected.
        self.qmp.execute(
            "device_add", driver="usb-serial", id="modem", chardev="modem", bus=USB_BUS
        )

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
            *(() if self.keeps_time else ("-icount", INSTRUCTION_TIME)),
            # U-Boot programs the counter for the real board's clock.
            *("-global", "arm-cpu.cntfrq=24000000"),
            # A kill of QEMU loses nothing that it wrote, so the guest's flushes need not wait.
            *("-drive", f"file={self.card},if=sd,format=raw,cache=unsafe"),
            *("-nic", f"user,hostfwd=tcp:127.0.0.1:{self._web_port}-:80"),
            *(
                "-chardev",
                f"file,id=console,path={self.log},append=on,input-path={sockets}/keyboard",
            ),
            *("-serial", "chardev:console"),
            *("-chardev", f"socket,id=qmp,path={sockets}/qmp"),
            *("-mon", "chardev=qmp,mode=control"),
            *("-chardev", f"socket,id=modem,path={self.modem_socket},server=on,wait=off"),
            *("-device", "pca9552,id=lamps,bus=i2c,address=0x60"),
            *self._options,
        ]

    def cut_power(self) -> None:
        """End QEMU at once, as when a plug is pulled; without effect when there is no power."""
        if self._process is not None:
            if self._process_id:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._process_id, signal.SIGKILL)
            else:
                self._process.kill()  # QEMU has not started
            self._process.wait()
            self._process = None
        self._sockets.close()

    def wait_for_webmail(self, seconds: float = 120) -> None:
        """Wait until the webmail answers; raises DeadlineError."""
        wait_until(lambda: answers(self.webmail), "the webmail", seconds)

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

    def add_serial_port(self, name: str) -> Path:
        """Add a socket for one more USB serial stick, beside that of `modem_socket`."""
        path = self.modem_socket.with_name(name)
        address = {"type": "unix", "data": {"path": str(path)}}
        socket = {"addr": address, "server": True, "wait": False}
        self.qmp.execute("chardev-add", id=name, backend={"type": "socket", "data": socket})
        self.qmp.execute("device_add", driver="usb-serial", id=name, chardev=name, bus=USB_BUS)
        return path

    @contextlib.contextmanager
    def network_card(self) -> Iterator[None]:
        """A USB stick that is a router of its own, to this computer's loopback, as CDC Ethernet."""
        self.qmp.execute("netdev_add", type="user", id="router", net="192.168.8.0/24")
        self.qmp.execute(
            "device_add", driver="usb-net", id="router-card", netdev="router", bus=USB_BUS
        )
        yield
        self.qmp.execute("device_del", id="router-card")

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
        except QmpError:
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
