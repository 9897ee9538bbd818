# SPDX-License-Identifier: Apache-2.0
"""Up bundles as far as they have arrived: local files, written wherever a device goes on."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress

from mokanda_relay.store.folder import MODE, Folder


class Uploads(Folder):
    """Files that grow, in as many pieces as a link breaks into."""

    def size(self, name: str) -> int:
        """How many bytes have arrived; 0 of a bundle of which none have."""
        with suppress(FileNotFoundError):
            return self._path(name).stat().st_size
        return 0

    def read(self, name: str) -> bytes:
        """All that has arrived; raises FileNotFoundError."""
        return self._path(name).read_bytes()

    def write(self, name: str, offset: int, body: Iterable[bytes]) -> int:
        """Write what arrives, as it arrives, from `offset` on; return how many bytes that were.

        A link that breaks ends it. Bytes are handed to the system at once, so only a power cut can
        lose some, and they are synced at the end. What a power cut does to the rest shows in the
        bundle's SHA-256.
        """
        descriptor = os.open(self._path(name), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, MODE)
        arrived = 0
        try:
            with suppress(ConnectionError, TimeoutError):
                for chunk in body:
                    view = memoryview(chunk)
                    while view:
                        written = os.pwrite(descriptor, view, offset + arrived)
                        arrived += written
                        view = view[written:]
        finally:
            os.fsync(descriptor)
            os.close(descriptor)
        return arrived
