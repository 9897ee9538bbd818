# SPDX-License-Identifier: Apache-2.0
"""A network interface as the kernel has it: carrier, address, gateway, and word of their changes.

networkd asks for the address by DHCP (30-stick.network); what came of it is read from the kernel.
"""

import contextlib
import fcntl
import socket
import struct
from pathlib import Path
from typing import Final, NamedTuple

_INTERFACES = Path("/sys/class/net")
_ROUTES = Path("/proc/net/route")
_SIOCGIFADDR = 0x8915  # of linux/sockios.h, as is what it takes: struct ifreq, of 40 bytes
_IFREQ: Final = struct.Struct("16sH2x4s16x")
_GATEWAY = 0x2  # RTF_GATEWAY of linux/route.h
_CHANGES = 0x1 | 0x10 | 0x40  # RTMGRP_LINK, _IPV4_IFADDR and _IPV4_ROUTE of linux/rtnetlink.h
_MOST_ROUTES = 100
_MOST_CHANGES = 100  # that are taken at once


class Lease(NamedTuple):
    """What DHCP has brought: this end's address, and the other end's."""

    address: str
    gateway: str


class Interface:
    """One interface, which may go at any moment: it has nothing then."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._changes = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE
        )
        self._changes.bind((0, _CHANGES))

    def fileno(self) -> int | None:
        """Return a descriptor that is readable when an interface has changed."""
        descriptor = self._changes.fileno()
        return None if descriptor < 0 else descriptor

    def drain(self) -> None:
        """Take the changes that are there: `lease` tells what they amount to."""
        with contextlib.suppress(OSError):  # there are no more, or there were too many to keep
            for _ in range(_MOST_CHANGES):
                self._changes.recv(65536)

    def index(self) -> int | None:
        """Return the kernel's number of it; another one of the same name has another number."""
        try:
            return socket.if_nametoindex(self.name)
        except OSError:
            return None

    def has_carrier(self) -> bool:
        """Whether there is another end."""
        try:
            carrier = (_INTERFACES / self.name / "carrier").read_text(encoding="ascii")
        except OSError:  # it is down, or gone
            return False
        return carrier.strip() == "1"

    def lease(self) -> Lease | None:
        """Return its address and gateway, if it has a carrier and both."""
        address, gateway = _address_of(self.name), gateway_of(self.name)
        if not self.has_carrier() or address is None or gateway is None:
            return None
        return Lease(address, gateway)

    def has(self, address: str) -> bool:
        """Whether this is one of its addresses."""
        return _address_of(self.name, address) == address

    def close(self) -> None:
        """Hear no more of changes."""
        self._changes.close()


def name_of(address: str) -> str | None:
    """Return the name of the interface that has this address; None: there is none."""
    names = (name for _, name in socket.if_nameindex())
    return next((name for name in names if _address_of(name, address) == address), None)


def _address_of(interface: str, wanted: str = "0.0.0.0") -> str | None:  # noqa: S104 - none
    """Return the address that is wanted if the interface has it, else the first that it has."""
    asked = _IFREQ.pack(interface.encode(), socket.AF_INET, socket.inet_aton(wanted))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            _, _, address = _IFREQ.unpack(fcntl.ioctl(asking, _SIOCGIFADDR, asked))
        except OSError:
            return None
    return socket.inet_ntoa(address)


def gateway_of(interface: str, routes: Path = _ROUTES) -> str | None:
    """Return where the default route by an interface leads; None if it has none."""
    for fields in _default_routes(routes):
        if fields[0] == interface and len(fields) > 3:
            gateway, flags = (int(each, 16) for each in fields[2:4])
            if flags & _GATEWAY:
                return socket.inet_ntoa(struct.pack("=I", gateway))
    return None


def has_default_route(routes: Path = _ROUTES) -> bool:
    """Whether any interface leads out."""
    return bool(_default_routes(routes))


def _default_routes(routes: Path) -> list[list[str]]:
    try:
        with routes.open(encoding="ascii") as file:
            lines = [line.split() for line, _ in zip(file, range(_MOST_ROUTES), strict=False)]
    except (OSError, ValueError):
        return []
    return [fields for fields in lines if fields[1:2] == ["00000000"]]
