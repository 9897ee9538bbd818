# SPDX-License-Identifier: Apache-2.0
"""Updates for devices: files in the folder of releases, and a manifest that lists them.

A device is told of one for its board, in the signed answer to its hello: of which one, that
`sync/rollout.py` says. The file itself is a bundle signed by its maker, which the device checks
before it installs it. Beside it may lie deltas, each of which rebuilds it from an earlier version.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from mokanda_relay.store import clock
from mokanda_wire import delta, durable, protocol
from mokanda_wire.delta import DeltaError

MANIFEST = "manifest.json"
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+~_-]{0,99}")


class ReleaseError(Exception):
    """What was asked of a release cannot be done; the text says why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A release in the manifest: `size` in bytes, `sha256` in hexadecimal."""

    name: str
    version: str
    board: str
    size: int
    sha256: str
    added: str


@dataclass(frozen=True, slots=True)
class DeltaEntry:
    """A delta in the manifest, which rebuilds the `release` of that name from version `base`.

    `base_sha256` is of the system that has that version; `size` in bytes, SHA-256 in hexadecimal.
    """

    name: str
    release: str
    base: str
    base_sha256: str
    size: int
    sha256: str


def add(folder: Path, file: Path, version: str, board: str, deltas: Sequence[Path] = ()) -> Entry:
    """Copy an update into the folder, and deltas that rebuild it; make it the last for its board.

    Raises:
        ReleaseError: it cannot be added.
    """
    check_words(version, board)
    name = f"{board}-{version}{file.suffix}"
    target = folder / name
    try:
        with file.open("rb") as source:
            sha256 = hashlib.file_digest(source, "sha256").hexdigest()
        if any(each.name == name and each.sha256 != sha256 for each in entries(folder)):
            raise ReleaseError(
                f"{name} was released already, with other contents: raise the version"
            )
        added = [_add_delta(folder, path, name, sha256) for path in deltas]
        _copy(file, target)
        now = clock.now().isoformat(timespec="seconds")
        entry = Entry(name, version, board, target.stat().st_size, sha256, now)
        others = [each for each in entries(folder) if each.name != name]
        kept = [each for each in delta_entries(folder) if each.release != name or not deltas]
        listed = {
            "releases": [asdict(each) for each in [*others, entry]],
            "deltas": [asdict(each) for each in [*kept, *added]],
        }
        durable.write(folder / MANIFEST, json.dumps(listed, indent=2).encode(), 0o644)
    except (OSError, DeltaError) as error:
        raise ReleaseError(f"{file} cannot be added: {error}") from error
    return entry


def check_words(*words: str) -> None:
    """Raise ReleaseError unless each may be a version or a board."""
    for word in words:
        if not _WORD.fullmatch(word):
            raise ReleaseError(f"{word!r} is no version or board: letters, digits and . + ~ _ -")


def entries(folder: Path) -> list[Entry]:
    """The releases, the last added last; raises ReleaseError where the manifest is damaged."""
    return _manifest(folder)[0]


def delta_entries(folder: Path) -> list[DeltaEntry]:
    """The deltas that rebuild releases; raises ReleaseError where the manifest is damaged."""
    return _manifest(folder)[1]


def files(folder: Path) -> list[Entry | DeltaEntry]:
    """All that devices may fetch; raises ReleaseError where the manifest is damaged."""
    added, deltas = _manifest(folder)
    return [*added, *deltas]


def _manifest(folder: Path) -> tuple[list[Entry], list[DeltaEntry]]:
    path = folder / MANIFEST
    try:
        listed = json.loads(path.read_text())
        return (
            [Entry(**each) for each in listed.get("releases", [])],
            [DeltaEntry(**each) for each in listed.get("deltas", [])],
        )
    except FileNotFoundError:
        return [], []
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ReleaseError(
            f"{path} cannot be read ({error}), so that no update is offered: restore it from a"
            " copy, or move it away and add the releases again"
        ) from error


def _add_delta(folder: Path, file: Path, release: str, sha256: str) -> DeltaEntry:
    """Copy a delta into the folder; raises DeltaError or ReleaseError where it is none for it."""
    with file.open("rb") as source:
        header = delta.Header.read(source)
        if header.sha256.hex() != sha256:
            raise ReleaseError(f"{file} does not rebuild this update")
        source.seek(0)
        own = hashlib.file_digest(source, "sha256").hexdigest()
        size = source.tell()
    name = f"{Path(release).stem}-from-{header.base_version}{delta.SUFFIX}"
    _copy(file, folder / name)
    return DeltaEntry(name, release, header.base_version, header.base.hex(), size, own)


def _copy(file: Path, target: Path) -> None:
    with file.open("rb") as source, durable.unfinished(target.parent, 0o644) as copy:
        shutil.copyfileobj(source, copy)
        copy.keep(target)


def offered(folder: Path, entry: Entry, version: str) -> protocol.Release:
    """The release, as a device is told of it that runs this version."""
    path = protocol.RELEASE.format(name=entry.name)
    sha256, delta = bytes.fromhex(entry.sha256), _delta(folder, entry.name, version)
    return protocol.Release(entry.version, entry.size, sha256, path, delta)


def _delta(folder: Path, release: str, version: str) -> protocol.Delta | None:
    """What a device that runs this version needs of a release."""
    for each in delta_entries(folder):
        if (each.release, each.base) == (release, version):
            base, sha256 = bytes.fromhex(each.base_sha256), bytes.fromhex(each.sha256)
            path = protocol.RELEASE.format(name=each.name)
            return protocol.Delta(base, each.size, sha256, path)
    return None
