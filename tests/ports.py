# SPDX-License-Identifier: Apache-2.0
"""Ports of loopback for servers in processes of their own, which may come and go."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def reserved_port() -> Iterator[int]:
    """A port that the kernel gives to nobody else while the block lasts; servers may listen at it.

    Tests run beside each other: a port that is only free now may be another's a moment later.
    """
    with socket.socket() as holder:
        # Whoever asks for this very port and says so too, as servers do, gets it nevertheless.
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield int(holder.getsockname()[1])


def answers(port: int) -> bool:
    """Whether something listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
