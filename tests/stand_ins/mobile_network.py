# SPDX-License-Identifier: Apache-2.0
"""A mobile data network on this computer: a TUN device, a link as thin as wanted, a byte count.

The board reaches through its USB stick what listens on the gateway's address. Making the device
needs root, through `scripts/toolbox`.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import struct
import subprocess
import time
from collections import deque
from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import Final

from scripts.tools.repository import TOOLBOX

# As many boards as may run on one computer at once.
MAX_NETWORKS: Final = 32

TUNSETIFF: Final = 0x400454CA
TUN_FLAGS: Final = 0x0001 | 0x1000  # IFF_TUN, IFF_NO_PI


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


class MobileNetwork:
    """The network behind the stick.

    `up` and `down` are the two radio links as the board sees them, each with its count of IP bytes.

    Attributes:
        number: no other network of this computer has it.
        gateway: this computer's address in it.
        board: the address that the board gets.
    """

    def __init__(self, packets: int, number: int = 0) -> None:
        """Carry what is read from and written to `packets`, a descriptor as of `mobile_network`."""
        self.number = number
        self.gateway = IPv4Address(f"10.64.{number}.1")
        self.board = IPv4Address(f"10.64.{number}.2")
        self.up = RadioLink()
        self.down = RadioLink()
        self.reachable = True
        self._packets = packets
        self._overheard: list[bytes] | None = None

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

    @contextlib.contextmanager
    def overheard(self) -> Iterator[list[bytes]]:
        """All packets that the board sends meanwhile, whatever they are."""
        packets: list[bytes] = []
        self._overheard = packets
        try:
            yield packets
        finally:
            self._overheard = None

    def fileno(self) -> int:
        """Readable when the gateway has a packet for the board."""
        return self._packets

    def from_board(self, packet: bytes) -> None:
        if self._overheard is not None:
            self._overheard.append(packet)
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


@contextlib.contextmanager
def mobile_network() -> Iterator[MobileNetwork]:
    """A network on the first TUN device that nobody uses.

    Raises:
        RuntimeError: all are in use.
    """
    packets = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    try:
        with _alone(packets):
            network = _first_free(packets)
        try:
            yield network
        finally:
            with _alone(packets):
                _run_ip(f"ip link delete {_device(network.number)}")
    finally:
        os.close(packets)


@contextlib.contextmanager
def _alone(packets: int) -> Iterator[None]:
    """Keep other processes from making or deleting a device meanwhile."""
    fcntl.flock(packets, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(packets, fcntl.LOCK_UN)


def _first_free(packets: int) -> MobileNetwork:
    for number in range(MAX_NETWORKS):
        network = MobileNetwork(packets, number)
        device = _device(number)
        _run_ip(
            f"ip link show {device} >/dev/null 2>&1"
            f" || ip tuntap add dev {device} mode tun user {os.getuid()}"
            f" && ip address replace {network.gateway} peer {network.board} dev {device}"
            f" && ip link set {device} up"
        )
        try:
            fcntl.ioctl(packets, TUNSETIFF, struct.pack("16sH22x", device.encode(), TUN_FLAGS))
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
        else:
            return network
    raise RuntimeError(f"all {MAX_NETWORKS} mobile networks of this computer are in use")


def _device(number: int) -> str:
    return f"mokanda{number}"


def _run_ip(commands: str) -> None:
    subprocess.run([TOOLBOX, "--root", "sh", "-c", commands], check=True)
