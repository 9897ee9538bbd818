# SPDX-License-Identifier: Apache-2.0
"""A modem's call as the bill sees it: each packet of IP between a device and its relay.

Both are in this process, in a network of its own (`tests.namespaces.own_network`), with a TUN
device in front of each: `INTERFACE` is the device's. What leaves by one comes in by the other after
the link's delay, under addresses that keep the checksums right. The kernel's TCP is real.
"""

from __future__ import annotations

import fcntl
import os
import select
import struct
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

from tests.stand_ins.packets import FIN, RST, SYN

INTERFACE: Final = "ppp0"
# Where the relay listens, and where the device finds it.
LISTENS: Final = "10.65.0.1"
FOUND: Final = "10.64.0.1"

_DEVICE: Final = "10.64.0.2"
_CALLER: Final = "10.63.0.2"  # as the relay sees the device: _DEVICE + FOUND = _CALLER + LISTENS
_RELAYS_END: Final = "relay0"
_SET_UP: Final = f"""
address add {_DEVICE}/32 dev {INTERFACE}
address add {LISTENS}/32 dev {_RELAYS_END}
link set lo up
link set {INTERFACE} up
link set {_RELAYS_END} up
route add {_CALLER} dev {_RELAYS_END}
"""
_SETTINGS: Final = Path("/proc/sys/net")
_SET: Final = {
    "ipv4/tcp_timestamps": "0",  # as the device's system has it
    "ipv6/conf/default/disable_ipv6": "1",  # likewise
    "ipv4/conf/all/rp_filter": "0",
    "ipv4/conf/default/rp_filter": "0",
}
_TUNSETIFF: Final = 0x400454CA
_TUN_FLAGS: Final = 0x0001 | 0x1000  # IFF_TUN, IFF_NO_PI
_MAX_PACKET: Final = 65535
_RECORD_HEAD: Final = 5  # bytes of a TLS record


@dataclass(frozen=True, slots=True)
class Packet:
    """One of TCP's; `head` is bytes of IP and TCP, `records` the kinds and bytes of TLS."""

    moment: float  # seconds since the link was made
    is_up: bool
    name: str  # what TCP wants with it
    head: int
    records: list[tuple[int, int]]

    @classmethod
    def read(cls, packet: bytes, moment: float, *, is_up: bool) -> Packet:
        """Read one of IPv4."""
        begin = (packet[0] & 0xF) * 4
        flags, head = packet[begin + 13], begin + (packet[begin + 12] >> 4) * 4
        names = {SYN: "SYN", RST: "RST", FIN: "FIN"}
        ordinary = "data" if packet[head:] else "ACK"
        name = next((name for flag, name in names.items() if flags & flag), ordinary)
        return cls(moment, is_up, name, head, _records(packet[head:]))

    @property
    def size(self) -> int:
        """Bytes of all of it."""
        return self.head + sum(size for _, size in self.records)


class PaidLink:
    """What has crossed it."""

    def __init__(self, device: int, relay: int, delay: float) -> None:
        self._began = time.monotonic()
        self._device, self._relay = device, relay
        self._delay = delay
        self._packets: list[Packet] = []

    def taken(self) -> list[Packet]:
        """The packets since this was asked last."""
        packets, self._packets = self._packets, []
        return packets

    def carry(self, stopped: int) -> None:
        """Carry until there is something to read from `stopped`."""
        to_relay, to_device = _packed(_CALLER, LISTENS), _packed(FOUND, _DEVICE)
        underway: deque[tuple[float, int, bytes]] = deque()
        while True:
            wait = max(0.0, underway[0][0] - time.monotonic()) if underway else None
            readable = select.select([self._device, self._relay, stopped], [], [], wait)[0]
            if stopped in readable:
                return
            now = time.monotonic()
            for end in readable:
                is_up = end == self._device
                packet = os.read(end, _MAX_PACKET)
                self._packets.append(Packet.read(packet, now - self._began, is_up=is_up))
                other, addresses = (self._relay, to_relay) if is_up else (self._device, to_device)
                underway.append((now + self._delay, other, packet[:12] + addresses + packet[20:]))
            while underway and underway[0][0] <= time.monotonic():
                _, end, packet = underway.popleft()
                os.write(end, packet)


@contextmanager
def paid_link(delay: float) -> Iterator[PaidLink]:
    """A link of so many seconds each way, in this process' network."""
    for name, value in _SET.items():
        (_SETTINGS / name).write_text(value)
    ends = (_tunnel(INTERFACE), _tunnel(_RELAYS_END))
    subprocess.run(["ip", "-batch", "-"], input=_SET_UP, text=True, check=True)
    stopped, stop = os.pipe()
    link = PaidLink(*ends, delay)
    thread = threading.Thread(target=link.carry, args=(stopped,), daemon=True)
    thread.start()
    try:
        yield link
    finally:
        os.close(stop)
        thread.join()
        for descriptor in (*ends, stopped):
            os.close(descriptor)


def _records(payload: bytes) -> list[tuple[int, int]]:
    """What is in a packet that begins with a record; the last one may go on in the next packet."""
    found = []
    while payload:
        size = _RECORD_HEAD + int.from_bytes(payload[3:5], "big")
        found.append((payload[0], min(size, len(payload))))
        payload = payload[size:]
    return found


def _packed(source: str, target: str) -> bytes:
    return IPv4Address(source).packed + IPv4Address(target).packed


def _tunnel(name: str) -> int:
    tunnel = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tunnel, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _TUN_FLAGS))
    return tunnel
