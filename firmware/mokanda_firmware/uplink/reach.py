# SPDX-License-Identifier: Apache-2.0
"""A TCP connection to a host, by the default route or by one interface."""

import socket

from mokanda_firmware.uplink.watched import WatchedSocket


def connect(
    host: str, port: int, interface: str | None, seconds: float
) -> tuple[WatchedSocket, str]:
    """Connect within so many seconds an address; return the connection, and the address.

    Raises OSError: there is no such interface, or why the last of the addresses cannot be reached.
    """
    problem: OSError = OSError("it has no address")
    if interface:
        socket.if_nametoindex(interface)  # of a link that is gone no name is asked
    # The device speaks no IPv6, and asking for such an address would be paid for, too.
    for family, kind, protocol_number, _, address in socket.getaddrinfo(
        host, port, socket.AF_INET, socket.SOCK_STREAM
    ):
        plain = WatchedSocket(family, kind, protocol_number)
        try:
            plain.settimeout(seconds)
            # Acknowledge with what is said next, which comes at once: a packet less each time.
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
            if interface:
                name = interface.encode() + b"\0"
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name)
            plain.connect(address)
        except OSError as error:
            plain.close()
            problem = error
        else:
            return plain, str(address[0])
    raise problem
