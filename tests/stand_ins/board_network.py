# SPDX-License-Identifier: Apache-2.0
"""The board's interfaces behind its firewall, without a board: a network namespace.

Kernel and nft are real. Each interface is a TUN device, of which the test is the other end.
The namespace is made, as root, by `scripts/toolbox`; in it this file is the program that listens
and speaks as the board's programs do.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pwd
import select
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

# This file is run as a program, too, where nothing but Python's own library is.
REPOSITORY: Final = Path(__file__).parents[2]
RULES: Final = REPOSITORY / "firmware/system/usr/lib/mokanda/firewall.nft"
_TOOLBOX: Final = (str(REPOSITORY / "scripts/toolbox"), "--root")

# Phones, cable, modem, and a stick that is a network card of any name.
INTERFACES: Final = ("wlan0", "end0", "ppp0", "enu1u1")
_ADDRESSES: Final = """
address add 192.168.73.1/24 dev wlan0
address add 192.0.2.1/32 dev wlan0
address add 10.1.1.2/24 dev end0
address add 10.64.0.2 peer 10.64.0.1 dev ppp0
address add 192.168.8.100/24 dev enu1u1
address add fd73::1/64 dev wlan0 nodad
address add fd64::2/64 dev ppp0 nodad
link set lo up
"""
_ROUTES: Final = """
route add default dev ppp0 metric 10
route add default via 10.1.1.1 metric 100
"""
_ACCOUNTS: Final = """\
root:x:0:0::/:/bin/sh
mokanda-webmail:x:801:800::/:/bin/sh
mokanda-courier:x:802:800::/:/bin/sh
systemd-network:x:998:998::/:/bin/sh
systemd-resolve:x:997:997::/:/bin/sh
"""
_GROUPS: Final = """\
root:x:0:
mokanda:x:800:
mokanda-updates:x:803:
"""
# What listens on all addresses.
_TCP_PORTS: Final = (53, 80, 8080)
_UDP_PORTS: Final = (53, 67, 5353, 5355)

_TUNSETIFF: Final = 0x400454CA
_TUN_FLAGS: Final = 0x0001 | 0x1000  # IFF_TUN, IFF_NO_PI
_MAX_PACKET: Final = 65535


class BoardNetwork:
    """The outside of the namespace."""

    def __init__(self, inside: socket.socket, tunnels: dict[str, int]) -> None:
        self._inside = inside
        self._tunnels = tunnels

    def send(self, interface: str, packet: bytes) -> None:
        """Let a packet come in by an interface; the kernel has done with it when this returns."""
        os.write(self._tunnels[interface], packet)

    def sent(self, interface: str) -> list[bytes]:
        """What has gone out by an interface since this was asked last."""
        packets = []
        with contextlib.suppress(BlockingIOError):
            while True:
                packets.append(os.read(self._tunnels[interface], _MAX_PACKET))
        return packets

    def arrived(self) -> list[int]:
        """The UDP ports at which something has arrived since this was asked last."""
        return list(self._ask("arrived"))

    def noted(self) -> int:
        """How many connections the kernel has noted."""
        return int(self._ask("noted"))

    def speak(self, user: str, group: int, protocol: str, target: tuple[str, int]) -> None:
        """Have a program of this user and group begin to speak: "tcp", "udp" or "icmp"."""
        self._ask("speak", user, group, protocol, *target)

    def hush(self) -> None:
        """Have all who speak end at once."""
        self._ask("hush")

    def _ask(self, *command: object) -> Any:  # noqa: ANN401 - what came as JSON
        self._inside.send(json.dumps(command).encode())
        return json.loads(self._inside.recv(_MAX_PACKET))


@contextlib.contextmanager
def board_network() -> Iterator[BoardNetwork]:
    """The board's network, with its firewall."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [*_TOOLBOX, "unshare", "--net", "python3", "-B", __file__, "serve"]
    with ours, subprocess.Popen(command, stdin=theirs.fileno()) as process:
        theirs.close()
        _, tunnels, _, _ = socket.recv_fds(ours, _MAX_PACKET, len(INTERFACES))
        try:
            yield BoardNetwork(ours, dict(zip(INTERFACES, tunnels, strict=True)))
        finally:
            ours.shutdown(socket.SHUT_RDWR)
            process.wait(30)
            for tunnel in tunnels:
                os.close(tunnel)


def load_firewall_into(network: str) -> None:
    """Load the board's firewall into a network that is there, such as /proc/1/ns/net."""
    command = [*_TOOLBOX, "nsenter", f"--net={network}", "python3", "-B", __file__, "load"]
    subprocess.run(command, check=True)


class _Inside:
    """The program in the namespace."""

    def __init__(self) -> None:
        self._listening = [_listener(port) for port in _TCP_PORTS]
        self._receiving = {_receiver(port): port for port in _UDP_PORTS}
        self._speaking: list[socket.socket] = []
        self._arrived: list[int] = []

    def serve(self, outside: socket.socket) -> None:
        while request := outside.recv(_MAX_PACKET):
            name, *arguments = json.loads(request)
            outside.send(json.dumps(getattr(self, name)(*arguments)).encode())

    def arrived(self) -> list[int]:
        while readable := select.select(list(self._receiving), [], [], 0)[0]:
            for receiver in readable:
                receiver.recv(_MAX_PACKET)
                self._arrived.append(self._receiving[receiver])
        found, self._arrived = self._arrived, []
        return found

    def noted(self) -> int:
        return int(Path("/proc/sys/net/netfilter/nf_conntrack_count").read_text())

    def speak(self, user: str, group: int, protocol: str, address: str, port: int) -> None:
        """Open a socket as somebody else, who the kernel says it belongs to as long as it lasts."""
        kinds = {
            "tcp": (socket.SOCK_STREAM, 0),
            "udp": (socket.SOCK_DGRAM, 0),
            "icmp": (socket.SOCK_RAW, socket.IPPROTO_ICMP),
        }
        os.setegid(group)
        os.seteuid(pwd.getpwnam(user).pw_uid if protocol != "icmp" else 0)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        speaker = socket.socket(family, *kinds[protocol])
        # An end without a farewell that is said again and again.
        speaker.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.seteuid(0)
        os.setegid(0)
        self._speaking.append(speaker)
        speaker.setblocking(False)
        if port == 67:
            speaker.bind(("", 68))
        with contextlib.suppress(OSError):  # the firewall's refusal among them
            speaker.connect((address, port))
            if protocol != "tcp":
                speaker.send(struct.pack("!BBHHH", 8, 0, 0, 0, 0))  # an echo request

    def hush(self) -> None:
        while self._speaking:
            self._speaking.pop().close()


def _listener(port: int) -> socket.socket:
    # Of both versions of IP.
    return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)


def _receiver(port: int) -> socket.socket:
    receiver = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    receiver.bind(("", port))
    return receiver


def _tunnel(name: str) -> int:
    tunnel = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tunnel, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _TUN_FLAGS))
    return tunnel


def _put(path: str, text: str) -> None:
    """Lay a text over a file of the system, for this program: the toolbox has mounts of its own."""
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(text)
        file.flush()
        subprocess.run(["mount", "--bind", file.name, path], check=True)


def _ip(commands: str) -> None:
    subprocess.run(["ip", "-batch", "-"], input=commands, text=True, check=True)


def _load() -> None:
    _put("/etc/passwd", _ACCOUNTS)
    _put("/etc/group", _GROUPS)
    subprocess.run(["nft", "--file", str(RULES)], check=True)


def _serve() -> None:
    """Make the board's network, hand over its interfaces, and do what is asked."""
    tunnels = [_tunnel(name) for name in INTERFACES]
    _load()
    # The firewall alone has to keep the sides apart here; and who was answered once is not again.
    for name, value in (("ip_forward", "1"), ("tcp_synack_retries", "0")):
        Path("/proc/sys/net/ipv4", name).write_text(value)
    _ip(_ADDRESSES + "".join(f"link set {name} up\n" for name in INTERFACES) + _ROUTES)
    outside = socket.socket(fileno=0)
    inside = _Inside()
    socket.send_fds(outside, [b"!"], tunnels)
    inside.serve(outside)


if __name__ == "__main__":
    {"load": _load, "serve": _serve}[sys.argv[1]]()
