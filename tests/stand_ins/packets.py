# SPDX-License-Identifier: Apache-2.0
"""IP packets as an attacker writes them, with whatever source is wanted, and reads them."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address
from typing import Final, Self

Address = tuple[str, int]

ICMP: Final = 1
TCP: Final = 6
UDP: Final = 17

FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10
ECHO_REPLY, ECHO_REQUEST = 0, 8


def checksum(data: bytes) -> int:
    """The one's complement sum of RFC 1071."""
    total: int = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + bytes(len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def tcp(
    source: Address, target: Address, flags: int = SYN, sequence: int = 1, acknowledged: int = 0
) -> bytes:
    """A segment without content."""
    ports, window = (source[1], target[1]), 8192
    head = struct.pack("!HHIIBBHHH", *ports, sequence, acknowledged, 0x50, flags, window, 0, 0)
    return _packet(source[0], target[0], TCP, head, 16)


def udp(source: Address, target: Address, content: bytes = b"?") -> bytes:
    """A datagram."""
    head = struct.pack("!HHHH", source[1], target[1], 8 + len(content), 0)
    return _packet(source[0], target[0], UDP, head + content, 6)


def icmp(source: str, target: str, kind: int = ECHO_REQUEST) -> bytes:
    """An echo request, or another message of the same shape."""
    return _packet(source, target, ICMP, struct.pack("!BBHHH", kind, 0, 0, 1, 1), 2)


def _packet(source: str, target: str, protocol: int, payload: bytes, check_at: int) -> bytes:
    """An IP packet, the check sum put into its payload."""
    addresses = ip_address(source).packed + ip_address(target).packed
    pseudo = b"" if protocol == ICMP else addresses + struct.pack("!HH", protocol, len(payload))
    check = checksum(pseudo + payload).to_bytes(2, "big")
    payload = payload[:check_at] + check + payload[check_at + 2 :]
    if ":" in source:
        return struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64) + addresses + payload
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0) + addresses
    return head[:10] + checksum(head).to_bytes(2, "big") + head[12:] + payload


@dataclass(frozen=True)
class Packet:
    """What one of IPv4 says; ports are 0 where there are none, flags and sequence are TCP's."""

    protocol: int
    source: Address
    target: Address
    flags: int = 0
    sequence: int = 0

    @classmethod
    def read(cls, packet: bytes) -> Self:
        """Read a packet; raises ValueError if it is of another version."""
        if packet[0] >> 4 != 4:
            raise ValueError(f"not IPv4: {packet.hex()}")
        begin, protocol = (packet[0] & 0xF) * 4, packet[9]
        ports = struct.unpack_from("!HH", packet, begin) if protocol in (TCP, UDP) else (0, 0)
        source, target = str(IPv4Address(packet[12:16])), str(IPv4Address(packet[16:20]))
        ends = (source, ports[0]), (target, ports[1])
        if protocol != TCP:
            return cls(protocol, *ends)
        sequence, flags = struct.unpack_from("!4xI5xB", packet, begin)
        return cls(protocol, *ends, flags, sequence)
