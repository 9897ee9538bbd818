# SPDX-License-Identifier: Apache-2.0
"""A mobile data network on this computer: a TUN device, a link as thin as wanted, a byte count.

The board gets `BOARD`, this computer is `GATEWAY`: the board reaches through its USB stick what
listens on that address. Making the device needs root once, through `scripts/toolbox`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import subprocess
import time
from collections import deque
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

GATEWAY: Final = IPv4Address("10.64.0.1")
BOARD: Final = IPv4Address("10.64.0.2")

TUNSETIFF: Final = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
TOOLBOX: Final = Path(__file__).parents[2] / "scripts" / "toolbox"


class RadioLink:
    """One direction: packets arrive in order, late by their length over the rate, and the delay."""

    def __init__(self) -> None:
        self.bits_per_second: float | None = None  # None: as fast as this computer
        self.delay = 0.0  # seconds
        self.bytes = 0
        self._free_at = 0.0
        self._packets: deque[tuple[float, bytes]] = deque()

    def offer(self, packet: bytes, now: float) -> None:
        self.bytes += len(packet)
        self._free_at = max(now, self._free_at)
        if self.bits_per_second:
            self._free_at += len(packet) * 8 / self.bits_per_second
        self._packets.append((self._free_at + self.delay, packet))

    def due(self, now: float) -> list[bytes]:
        arrived = []
        while self._packets and self._packets[0][0] <= now:
            arrived.append(self._packets.popleft()[1])
        return arrived

    def next_due(self) -> float | None:
        return self._packets[0][0] if self._packets else None

    def clear(self) -> None:
        self._packets.clear()
        self._free_at = 0.0


def _is_ipv4(packet: bytes) -> bool:
    return len(packet) >= 20 and packet[0] >> 4 == 4


@contextlib.contextmanager
def tun_device(name: str = "mokanda0") -> Iterator[int]:
    """Give this computer the gateway's address, on a device whose packets the descriptor carries.

    Raises:
        RuntimeError: another process uses the device.
    """
    make = (
        f"ip link show {name} >/dev/null 2>&1"
        f" || ip tuntap add dev {name} mode tun user {os.getuid()}"
        f" && ip address replace {GATEWAY} peer {BOARD} dev {name}"
        f" && ip link set {name} up"
    )
    subprocess.run([TOOLBOX, "--root", "sh", "-c", make], check=True)
    packets = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    try:
        fcntl.ioctl(packets, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    except OSError as error:
        os.close(packets)
        message = f"network device {name} is in use by another run of the emulator"
        raise RuntimeError(message) from error
    try:
        yield packets
    finally:
        os.close(packets)
        subprocess.run([TOOLBOX, "--root", "ip", "link", "delete", name], check=True)


class MobileNetwork:
    """The network behind the stick.

    `up` and `down` are the two radio links as the board sees them, each with its count of IP bytes.
    """

    def __init__(self, packets: int) -> None:
        """Carry what is read from and written to `packets`, a descriptor as of `tun_device`."""
        self.gateway = GATEWAY
        self.board = BOARD
        self.up = RadioLink()
        self.down = RadioLink()
        self.reachable = True
        self._packets = packets

    def shape(self, bits_per_second: float | None, round_trip: float = 0.0) -> None:
        """Make both directions as thin as a given link; `round_trip` in seconds."""
        for link in (self.up, self.down):
            link.bits_per_second = bits_per_second
            link.delay = round_trip / 2

    def cut(self) -> None:
        """Lose what is on its way and all that follows, until `restore`."""
        self.reachable = False
        self.up.clear()
        self.down.clear()

    def restore(self) -> None:
        self.reachable = True

    def fileno(self) -> int:
        """Readable when the gateway has a packet for the board."""
        return self._packets

    def from_board(self, packet: bytes) -> None:
        if self.reachable and _is_ipv4(packet):
            self.up.offer(packet, time.monotonic())

    def carry(self) -> list[bytes]:
        """Move what has arrived by now; return the packets that have reached the board."""
        now = time.monotonic()
        with contextlib.suppress(BlockingIOError):
            while packet := os.read(self._packets, 65535):
                if self.reachable and _is_ipv4(packet):
                    self.down.offer(packet, now)
        for packet in self.up.due(now):
            os.write(self._packets, packet)
        return self.down.due(now)

    def timeout(self) -> float | None:
        """Seconds until `carry` has something to move; None when nothing is under way."""
        dues = [due for link in (self.up, self.down) if (due := link.next_due()) is not None]
        return max(0.0, min(dues) - time.monotonic()) if dues else None
