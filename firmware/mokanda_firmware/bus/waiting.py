# SPDX-License-Identifier: Apache-2.0
"""Waiting for a descriptor, whatever its number: select(2) takes none beyond 1,023."""

import select


def readable(descriptor: int, timeout: float | None) -> bool:
    """Whether there is something to read, after at most `timeout` seconds (None: no end)."""
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    return bool(poller.poll(None if timeout is None else timeout * 1000))
