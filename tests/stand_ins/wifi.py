# SPDX-License-Identifier: Apache-2.0
"""The phones' side of the board: a network card that QEMU emulates, and phones as frames.

QEMU has no Wi-Fi. A USB card takes its place, which the board is made to call wlan0.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from ipaddress import IPv4Address
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from scripts.emulator.qmp import Qmp

IPV4, ARP = 0x0800, 0x0806
ARP_REQUEST, ARP_REPLY = 1, 2
PHONES: Final = bytes.fromhex("020000000001")  # the one card of all phones
_MAX_FRAME: Final = 65535


class Wifi:
    """Carries IP packets between the board's wlan0 and who claims to be a phone."""

    def __init__(self, qmp: Qmp, folder: Path) -> None:
        """`folder` is for sockets: its path has to be short."""
        self._qmp = qmp
        self._ours, self._theirs = folder / "phones", folder / "card"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self._ours))
        self.board = b""  # the address of the board's card, once that is known

    def __enter__(self) -> Self:
        ends = {"local": self._theirs, "remote": self._ours}
        named = {name: {"type": "unix", "path": str(path)} for name, path in ends.items()}
        self._qmp.execute("netdev_add", type="dgram", id="phones", **named)
        self._qmp.execute(
            "device_add", driver="usb-net", id="card", netdev="phones", bus="usb-bus.5"
        )
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._socket.close()

    def send(self, packet: bytes) -> None:
        """Let a phone send an IP packet, once QEMU has room for it."""
        self._frame(self.board, IPV4, packet)

    def heard(self) -> list[bytes]:
        """The IP packets that the board has sent since this was asked last."""
        packets = []
        with contextlib.suppress(BlockingIOError):
            while True:
                frame = self._socket.recv(_MAX_FRAME, socket.MSG_DONTWAIT)
                kind = int.from_bytes(frame[12:14], "big")
                if kind == ARP:
                    self._tell_address(frame[14:])
                elif kind == IPV4:
                    packets.append(frame[14:])
        return packets

    def _tell_address(self, packet: bytes) -> None:
        """Say that every phone that the board asks for is here; not when it asks for itself."""
        kind, asker, sought = struct.unpack("!6xH10s6x4s", packet[:28])
        if kind == ARP_REQUEST and asker[6:] not in (sought, bytes(4)):
            head = struct.pack("!HHBBH", 1, IPV4, 6, 4, ARP_REPLY)
            self._frame(asker[:6], ARP, head + PHONES + sought + asker)

    def _frame(self, target: bytes, kind: int, content: bytes) -> None:
        frame = target + PHONES + kind.to_bytes(2, "big") + content
        self._socket.sendto(frame.ljust(60, b"\0"), str(self._theirs))


def name_query(name: str) -> bytes:
    """A DNS query for the address of a name."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!6H", 1, 0x0100, 1, 0, 0, 0) + labels + struct.pack("!BHH", 0, 1, 1)


def address_in(answer: bytes) -> str:
    """The address that an answer to such a query ends with."""
    return str(IPv4Address(answer[-4:]))
