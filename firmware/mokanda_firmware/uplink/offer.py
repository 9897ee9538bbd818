# SPDX-License-Identifier: Apache-2.0
"""The relay's offer of an update, as the courier noted it after its last session."""

import contextlib
import json
from typing import NamedTuple

from mokanda_firmware import paths
from mokanda_firmware.bus import records
from mokanda_wire.protocol import Release

_MAX_BYTES = 65536


class Delta(NamedTuple):
    """What rebuilds an update from the system with the SHA-256 `base`: bytes and SHA-256 (hex)."""

    base: str
    size: int
    sha256: str
    path: str


class Offer(NamedTuple):
    """An update that the relay holds: bytes and SHA-256 (hex) of the file at `path`.

    `delta` is from the version that we said we run.
    """

    version: str
    size: int
    sha256: str
    path: str
    delta: Delta | None = None


def keep(release: Release | None) -> None:
    """Note what the relay has said that it offers; that this fails is no matter."""
    offered = None
    if release:
        delta = None
        if release.delta:
            base, size, sha256, path = release.delta
            delta = Delta(base.hex(), size, sha256.hex(), path)
        whole = release.sha256.hex()
        offered = Offer(release.version, release.size, whole, release.path, delta)
    with contextlib.suppress(OSError):
        write(offered)


def write(offer: Offer | None) -> None:
    """Replace the last offer; None: the relay has nothing for us. Starts the updates daemon."""
    file = paths.offer()
    temporary = file.with_name(f".{file.name}")
    noted = records.dump(offer) if offer else None
    if noted and offer and not offer.delta:
        del noted["delta"]  # earlier versions, to which one may go back, know no such field
    temporary.write_text(json.dumps(noted), encoding="utf-8")
    temporary.replace(file)


def read() -> Offer | None:
    """Return the last offer, None when there is none."""
    return records.read(Offer, paths.offer(), _MAX_BYTES)
