# SPDX-License-Identifier: Apache-2.0
"""Updates for devices: files in the folder of releases, and a manifest that lists them.

A device is told of the last release added for its board, in the signed answer to its hello; the
file itself is a bundle signed by its maker, which the device checks before it installs it.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from mokanda_relay.store import clock
from mokanda_relay.store.tables import Device
from mokanda_wire import durable, protocol

MANIFEST = "manifest.json"
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+~_-]{0,99}")


class ReleaseError(Exception):
    """A release cannot be added; the text says why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A release in the manifest: `size` in bytes, `sha256` in hexadecimal."""

    name: str
    version: str
    board: str
    size: int
    sha256: str
    added: str


def add(folder: Path, file: Path, version: str, board: str) -> Entry:
    """Copy an update into the folder and make it the one for its board.

    Raises:
        ReleaseError: it cannot be added.
    """
    for word in (version, board):
        if not _WORD.fullmatch(word):
            raise ReleaseError(f"{word!r} is no version or board: letters, digits and . + ~ _ -")
    name = f"{board}-{version}{file.suffix}"
    target = folder / name
    try:
        with file.open("rb") as source:
            sha256 = hashlib.file_digest(source, "sha256").hexdigest()
        if any(each.name == name and each.sha256 != sha256 for each in entries(folder)):
            raise ReleaseError(
                f"{name} was released already, with other contents: raise the version"
            )
        with file.open("rb") as source, durable.unfinished(folder, 0o644) as copy:
            shutil.copyfileobj(source, copy)
            copy.keep(target)
        now = clock.now().isoformat(timespec="seconds")
        entry = Entry(name, version, board, target.stat().st_size, sha256, now)
        others = [each for each in entries(folder) if each.name != name]
        listed = {"releases": [asdict(each) for each in [*others, entry]]}
        durable.write(folder / MANIFEST, json.dumps(listed, indent=2).encode(), 0o644)
    except OSError as error:
        raise ReleaseError(f"{file} cannot be added: {error}") from error
    return entry


def entries(folder: Path) -> list[Entry]:
    """The releases, the last added last."""
    try:
        return [Entry(**each) for each in json.loads((folder / MANIFEST).read_text())["releases"]]
    except FileNotFoundError:
        return []


def offer(folder: Path, device: Device) -> protocol.Release | None:
    """The release for a device's board, unless the device runs it."""
    board = device.last_report().get("board")
    for entry in reversed(entries(folder)):
        if entry.board == board:
            if entry.version == device.version:
                return None
            path = protocol.RELEASE.format(name=entry.name)
            return protocol.Release(entry.version, entry.size, bytes.fromhex(entry.sha256), path)
    return None
