# SPDX-License-Identifier: Apache-2.0
"""A village that has booted and claimed itself once, and is gone on from by every test."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from scripts.emulator.board import Board
from scripts.emulator.snapshot import Snapshot
from scripts.local.relay import ports, start_relay
from scripts.tools.children import Children
from tests.emulator.emulated_village import EmulatedVillage
from tests.emulator.shell import Shell
from tests.stand_ins.front import Front
from tests.stand_ins.mobile_network import MobileNetwork
from tests.stand_ins.modem import Modem

# What the relay and the stand-in for SendGrid keep.
SERVERS: Final = ("relay", "sendgrid")
# The controller of the USB port for the modem: QEMU saves nothing of its state.
USB_CONTROLLER: Final = "1c1b400.usb"
USB_DRIVER: Final = "/sys/bus/platform/drivers/ohci-platform"


class ReadyVillage:
    """The state of a board and of its relay at one moment: each knows what the other was told.

    Attributes:
        seconds_to_webmail: how long the board took from power-on to the webmail's first page.
    """

    def __init__(self, image: Path, folder: Path, network: MobileNetwork) -> None:
        """Boot a board with a new card and a claim file, and keep its state."""
        self._image = image
        self._folder = folder
        self._network = network
        # Boards side by side must not meet at a port.
        ports(folder, offset=10 * network.number)
        with self._without_power() as village:
            village.shell.install()
            village.board.write_setup_file(village.write_claim("village"))
            start = time.monotonic()
            village.power_on()
            self.seconds_to_webmail = time.monotonic() - start
            village.wait_until_ready()
            village.shell.check(f"echo {USB_CONTROLLER} >{USB_DRIVER}/unbind")
            self._snapshot = Snapshot(village.board, folder / "snapshot")
        for server in SERVERS:
            shutil.copytree(folder / server, folder / "snapshot" / server)

    @contextmanager
    def started(self) -> Iterator[EmulatedVillage]:
        """The village in this state, as long as the block lasts."""
        for server in SERVERS:
            shutil.rmtree(self._folder / server)
            shutil.copytree(self._folder / "snapshot" / server, self._folder / server)
        with self._without_power() as village:
            self._snapshot.restore(village.board)
            # The board has slept; when it boots, it has this computer's time too.
            village.shell.check(f"date -s @{time.time():.0f}", seconds=60)
            village.shell.check(f"echo {USB_CONTROLLER} >{USB_DRIVER}/bind")
            yield village
            village.modem.unplug()

    @contextmanager
    def _without_power(self) -> Iterator[EmulatedVillage]:
        """A board that has no power yet, and the world around it."""
        folder, gateway = self._folder, str(self._network.gateway)
        port = ports(folder)
        with (
            Children(folder / "logs") as children,
            Board(self._image, folder / "board", web_port=port["webmail"]) as board,
        ):
            relay = start_relay(children, folder, device_host=gateway)
            with Front(gateway, ("127.0.0.1", port["relay"]), port["relay"]) as front:
                modem = Modem(self._network)
                yield EmulatedVillage(board, Shell(board), relay, front, self._network, modem)
