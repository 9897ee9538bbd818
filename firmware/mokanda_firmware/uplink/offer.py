# SPDX-License-Identifier: Apache-2.0
"""The relay's offer of an update, as the courier noted it after its last session."""

import contextlib
import json
from typing import NamedTuple

from mokanda_firmware import paths
from mokanda_wire.protocol import Release


class Offer(NamedTuple):
    """An update that the relay holds: bytes and SHA-256 (hex) of the file at `path`."""

    version: str
    size: int
    sha256: str
    path: str


def keep(release: Release | None) -> None:
    """Note what the relay has said that it offers; that this fails is no matter."""
    offered = None
    if release:
        sha256 = release.sha256.hex()
        offered = Offer(release.version, release.size, sha256, release.path)
    with contextlib.suppress(OSError):
        write(offered)


def write(offer: Offer | None) -> None:
    """Replace the last offer; None: the relay has nothing for us. Starts the updates daemon."""
    file = paths.offer()
    temporary = file.with_name(f".{file.name}")
    temporary.write_text(json.dumps(offer._asdict() if offer else None), encoding="utf-8")
    temporary.replace(file)


def read() -> Offer | None:
    """Return the last offer, None when there is none."""
    try:
        fields = json.loads(paths.offer().read_text(encoding="utf-8"))
        return Offer(**fields) if fields else None
    except (FileNotFoundError, ValueError, TypeError):
        return None
