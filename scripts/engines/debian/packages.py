# SPDX-License-Identifier: Apache-2.0
"""The packages of an image: resolved anew, fetched, unpacked."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from scripts.engines import Package
from scripts.engines.debian.archive import Archive
from scripts.engines.debian.lock import LOCK, Deb, Lock, Selection, digest
from scripts.recipes import System
from scripts.tools.repository import REPOSITORY
from scripts.tools.steps import Log, StepError, say

# Two packages that bring the same file are an error; owners are those of base-passwd.
UNPACK = """root=$1
shift
for deb in "$@"; do
  dpkg-deb --fsys-tarfile "$deb" | tar --extract --directory="$root" --numeric-owner \
    --keep-directory-symlink --keep-old-files
done
"""

SOURCES = """for deb in "$@"; do
  dpkg-deb --show --showformat '${source:Package} ${source:Version}\\n' "$deb"
done
"""


def resolve(systems: Iterable[System], archive: Archive) -> Lock:
    """What the images of some systems, of the archive's architecture, take as the mirror is now.

    Raises StepError.
    """
    say("asking the mirror what is new")
    suites = archive.update()
    boards = {
        system.board.name: Selection(
            digest(system.debian_packages),
            frozenset(archive.resolve(suites.values(), system.debian_packages)),
        )
        for system in systems
    }
    return Lock({suite: archive.date(suite) for suite in suites}, boards)


def obtain(system: System, lock: Lock | None, archive: Archive) -> tuple[Lock, bool]:
    """Fetch what an image is made of; returns it, and whether it is what the lock names.

    Where the mirror has no longer what the lock names, it is what the mirror has now. Raises
    StepError where neither can be had, or the recipes ask for more than the lock holds.
    """
    if lock is None:
        raise StepError(f"there is no {LOCK.relative_to(REPOSITORY)}: run make lock")
    missing = archive.fetch(lock.select(system.board.name, system.debian_packages))
    if not missing:
        return lock, True
    say(f"WARNING: {LOCK.name} names what cannot be had from the mirror: {_named(missing)}")
    say("WARNING: this image gets what the mirror has now; run make lock to mend that")
    lock = resolve([system], archive)
    missing = archive.fetch(lock.select(system.board.name, system.debian_packages))
    if missing:
        raise StepError(f"these cannot be had from the mirror; try later: {_named(missing)}")
    return lock, False


def _named(debs: list[Deb]) -> str:
    """Packages and their versions in a line, the first ten."""
    more = [f"and {len(debs) - 10} more"] if len(debs) > 10 else []
    return ", ".join([*(f"{deb.name} {deb.version}" for deb in debs[:10]), *more])


def described(archive: Archive, debs: list[Deb], log: Log) -> list[Package]:
    """What the image's record says of packages that were fetched; raises StepError."""
    sources = log.run(
        *("bash", "-euo", "pipefail", "-c", SOURCES, "sources"),
        *(archive.file(deb) for deb in debs),
    ).splitlines()
    return [replace(deb.package, source=source) for deb, source in zip(debs, sources, strict=True)]


def extract(archive: Archive, debs: list[Deb], extracted: Path, log: Log) -> Path:
    """Unpack packages that were fetched, unless that was done already; raises StepError."""
    wanted = hashlib.sha256(repr(debs).encode()).hexdigest()
    stamp = extracted.with_suffix(".stamp")
    if extracted.is_dir() and stamp.exists() and stamp.read_text() == wanted:
        say(f"the {len(debs)} packages are unpacked already")
        return extracted
    say(f"unpacking {len(debs)} packages")
    stamp.unlink(missing_ok=True)
    shutil.rmtree(extracted, ignore_errors=True)
    extracted.mkdir()
    # First what makes /bin, /lib and /sbin links into /usr.
    first = sorted(debs, key=lambda deb: (deb.name != "base-files", deb))
    log.run(
        *("bash", "-euo", "pipefail", "-c", UNPACK, "unpack", extracted),
        *(archive.file(deb) for deb in first),
    )
    stamp.write_text(wanted)
    return extracted
