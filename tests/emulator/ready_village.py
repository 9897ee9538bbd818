# SPDX-License-Identifier: Apache-2.0
"""A village that has booted and claimed itself once, and is gone on from by every test.

Half of the tests go on from when it has a keeper, too: the board takes long for its first pages.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from scripts.emulator.board import Board
from scripts.emulator.snapshot import Snapshot
from scripts.local.relay import ports, start_relay
from scripts.tools.children import Children
from tests.emulator.emulated_village import EmulatedVillage
from tests.emulator.phone import Phone
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
            snapshot = self._take_snapshot(village, "new")
        self._new = self._keep_servers(snapshot)
        self._with_keeper: Snapshot | None = None
        self._keeper: Phone | None = None

    @contextmanager
    def started(
        self, *, keeper: bool = False, state: Snapshot | None = None
    ) -> Iterator[EmulatedVillage]:
        """The village as it was new, or with its `keeper`, or in a `state` that was kept of it."""
        snapshot = state or (self._register_keeper() if keeper else self._new)
        for server in SERVERS:
            shutil.rmtree(self._folder / server)
            shutil.copytree(snapshot.folder / server, self._folder / server)
        with self._without_power() as village:
            snapshot.restore(village.board)
            # The board has slept; when it boots, it has this computer's time too.
            village.shell.check(f"date -s @{time.time():.0f}", seconds=60)
            village.shell.check(f"echo {USB_CONTROLLER} >{USB_DRIVER}/bind")
            yield village
            village.modem.unplug()

    def keeper(self) -> Phone:
        """The phone of Awa, who is the first with an account, and so the village's keeper."""
        assert self._keeper is not None
        return self._keeper.copy()

    def after(
        self, name: str, what: Callable[[EmulatedVillage], None], *, keeper: bool = True
    ) -> Snapshot:
        """Return the state of the village after `what` was done to it, to be started from."""
        with self.started(keeper=keeper) as village:
            what(village)
            snapshot = self._take_snapshot(village, name)
        return self._keep_servers(snapshot)

    def _register_keeper(self) -> Snapshot:
        """Return the village's state with a keeper, who registers the first time."""

        def register(village: EmulatedVillage) -> None:
            self._keeper = village.phone()
            self._keeper.register("awa", "Awa")

        if self._with_keeper is None:
            self._with_keeper = self.after("with-keeper", register, keeper=False)
        return self._with_keeper

    def _take_snapshot(self, village: EmulatedVillage, name: str) -> Snapshot:
        village.shell.check(f"echo {USB_CONTROLLER} >{USB_DRIVER}/unbind")
        return Snapshot(village.board, self._folder / name)

    def _keep_servers(self, snapshot: Snapshot) -> Snapshot:
        """Keep beside it what the servers, which have ended, have kept till then."""
        for server in SERVERS:
            shutil.copytree(self._folder / server, snapshot.folder / server)
        return snapshot

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
