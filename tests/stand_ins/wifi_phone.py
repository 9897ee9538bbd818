# SPDX-License-Identifier: Apache-2.0
"""A phone in the village's Wi-Fi, as far as it goes by itself: DHCP, DNS and its probes.

It runs in a network of its own, as `python -m tests.stand_ins.wifi_phone`, and does what it is told
on its standard input, a line of JSON each: the name of a function here, and its arguments. It
writes what came of it.
"""

from __future__ import annotations

import errno
import fcntl
import http.client
import json
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import Any
from urllib.parse import urlsplit

CARD = "wlan0"
_SECONDS = 20.0
_COOKIE = b"\x63\x82\x53\x63"  # of DHCP, RFC 2131
_DISCOVER, _REQUEST = 1, 3
_ASKED = bytes((1, 3, 6, 51, 114))  # mask, router, DNS, lease, portal


def join() -> dict[str, Any]:
    """Come into the network by DHCP; tell the address, and the options by their numbers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(_SECONDS)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, CARD.encode())
        sock.bind(("", 68))
        named = fcntl.ioctl(sock, 0x8927, struct.pack("256s", CARD.encode()))  # SIOCGIFHWADDR
        hardware = named[18:24]
        address, options = _ask_for_lease(sock, hardware, _DISCOVER, b"")
        wanted = bytes((50, 4, *address.packed, 54, 4, *options[54]))
        address, options = _ask_for_lease(sock, hardware, _REQUEST, wanted)
    router = IPv4Address(options[3])
    bits = int.from_bytes(options[1]).bit_count()
    for command in (f"address add {address}/{bits} dev {CARD}", f"route add default via {router}"):
        subprocess.run(["ip", *command.split()], check=True)
    return {
        "address": str(address),
        "router": str(router),
        "dns": str(IPv4Address(options[6])),
        "seconds": int.from_bytes(options[51]),
        "portal": options[114].decode(),
    }


def _ask_for_lease(
    sock: socket.socket, hardware: bytes, kind: int, more: bytes
) -> tuple[IPv4Address, dict[int, bytes]]:
    head = struct.pack(">BBBBIHH", 1, 1, 6, 0, 1, 0, 0x8000)  # to be answered by a broadcast
    options = bytes((53, 1, kind, 55, len(_ASKED), *_ASKED)) + more + b"\xff"
    packet = head + bytes(16) + hardware.ljust(16, b"\0") + bytes(192) + _COOKIE + options
    sock.sendto(packet, ("255.255.255.255", 67))
    answer = sock.recv(2048)
    return IPv4Address(answer[16:20]), dict(_options(answer[240:]))


def _options(data: bytes) -> Iterator[tuple[int, bytes]]:
    while data and data[0] != 0xFF:
        end = 2 + data[1]
        yield data[0], data[2:end]
        data = data[end:]


def resolve(server: str, name: str, kind: int = 1) -> dict[str, Any]:
    """Ask for records of a name; tell the code of the answer, and the data, as hex."""
    labels = b"".join(bytes((len(label),)) + label.encode() for label in name.split("."))
    question = labels + b"\0" + struct.pack(">HH", kind, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(_SECONDS)
        sock.connect((server, 53))
        sock.send(struct.pack(">HHHHHH", 1, 0x100, 1, 0, 0, 0) + question)
        answer = sock.recv(2048)
    _, flags, _, count, _, _ = struct.unpack(">HHHHHH", answer[:12])
    records, at = [], 12 + len(question)
    for _ in range(count):
        length = struct.unpack(">H", answer[at + 10 : at + 12])[0]  # behind a name of two bytes
        records.append(answer[at + 12 : at + 12 + length].hex())
        at += 12 + length
    return {"code": flags & 15, "records": records}


def ask(server: str, url: str, fields: str = "") -> dict[str, Any]:
    """Ask for a page, whose host DNS knows, or post fields to it; keep no cookies."""
    host = urlsplit(url).netloc
    address = host
    if host[-1].isalpha():
        (record,) = resolve(server, host)["records"]
        address = str(IPv4Address(bytes.fromhex(record)))
    connection = http.client.HTTPConnection(address, timeout=_SECONDS)
    headers = {"Host": host}
    if fields:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    path = url.partition(host)[2] or "/"
    connection.request("POST" if fields else "GET", path, fields or None, headers)
    reply = connection.getresponse()
    answer = {
        "status": reply.status,
        "location": reply.headers["Location"],
        "text": reply.read().decode(),
    }
    connection.close()
    return answer


def is_refused(address: str, port: int) -> bool:
    """Whether nobody listens there, or no way leads there, and that is said at once."""
    try:
        socket.create_connection((address, port), _SECONDS).close()
    except OSError as error:
        if error.errno in (errno.ECONNREFUSED, errno.ENETUNREACH):
            return True
        raise
    return False


def main() -> None:
    """Do what is told until there is no more."""
    calls = {call.__name__: call for call in (join, resolve, ask, is_refused)}
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        sys.stdout.write(json.dumps(calls[name](*arguments)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
