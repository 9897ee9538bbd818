# SPDX-License-Identifier: Apache-2.0
"""`make bench-ota`: what an update is over the air when code, a library or the kernel has changed.

Three releases that follow the last image are built as `make release` would, by the image's own
build in another checkout of its commit: one with an edited module of ours, one with another build
of OpenSSL's libraries, one with another kernel and its modules. Those packages are another version
than the image's which the cache has, of an earlier lock, or Debian's mirror now.

The bytes are those of the delta, in which the update's signature is. The memory is the most that
the device's code takes to apply the largest of them, in a Python of its own, natively on this
computer. The last line is JSON; what there is no package for is null.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from urllib.parse import unquote

from scripts.engines.debian.lock import LOCK, Deb, Lock, Selection, parse, write
from scripts.recipes import load
from scripts.releases import signing_keys
from scripts.releases.image import Image, Keys, RefusedError, read_image
from scripts.releases.release import UnfitUpdateError, bundle, delta
from scripts.tools.digest import file_sha256
from scripts.tools.repository import PYTHON_PATH, REPOSITORY, TOOLBOX
from scripts.tools.steps import Log, StepError, say
from tests.bench.checkout import LATER, commit

FOLDER = REPOSITORY / "build/bench-ota"
NAME = LOCK.relative_to(REPOSITORY)
LIBRARY = re.compile(r"libssl3t64")
KERNEL = re.compile(r"linux-image-.*armmp.*")


def change_packages(pattern: re.Pattern[str], kept: Path) -> str:
    """Put other versions of some packages into the checkout's lock; returns both.

    Raises StepError where there are none, neither among what is `kept` nor at Debian's mirror.
    """
    path = LATER.folder / NAME
    lock = parse(path.read_text())
    told = ""
    boards = {}
    for board, selection in lock.boards.items():
        now = {deb for deb in selection.debs if pattern.fullmatch(deb.name)}
        others = _cached(now, pattern, kept) or _mirrored(now, board, pattern)
        if not others:
            raise StepError("there is no other version")
        boards[board] = Selection(selection.asked, frozenset(selection.debs - now | others))
        told = f"{min(now).version} to {min(others).version}"
    path.write_text(write(replace(lock, boards=boards)))
    return told


def _cached(now: set[Deb], pattern: re.Pattern[str], kept: Path) -> set[Deb]:
    """Another version of packages that an earlier or a later lock has left in the cache."""
    versions = {deb.version for deb in now}
    found: dict[str, set[Deb]] = {}
    for file in sorted(kept.glob("*.deb"), reverse=True):
        name, version, architecture = file.stem.split("_")
        if pattern.fullmatch(name) and unquote(version) not in versions:
            deb = Deb(
                *(name, unquote(version), architecture, "debian", f"pool/{file.name}"),
                *(file.stat().st_size, file_sha256(file)),
            )
            found.setdefault(deb.version, set()).add(deb)
    return next((debs for debs in found.values() if len(debs) == len(now)), set())


def _mirrored(now: set[Deb], board: str, pattern: re.Pattern[str]) -> set[Deb]:
    """What `make lock` would take now, where that is another version."""
    found = {deb for deb in _newest().boards[board].debs if pattern.fullmatch(deb.name)}
    return found if not now & found else set()


@cache
def _newest() -> Lock:
    """The lock as `make lock` would write it now; raises StepError."""
    path = LATER.folder / NAME
    before = path.read_bytes()
    try:
        LATER.run(LATER.folder / "scripts/lock")
        return parse(path.read_text())
    finally:
        path.write_bytes(before)


def main() -> int:
    """Build, measure and tell."""
    parser = argparse.ArgumentParser(
        prog="make bench-ota",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--board", default="orangepi-zero")
    options = parser.parse_args()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    try:
        image = read_image(REPOSITORY / "build/image" / options.board)
        if image.record["commit"] != commit() or image.record["engine"] != "debian":
            raise StepError("the last image is not this commit's, of Debian's packages: make image")
        figures = measure(image, options.board)
    except (RefusedError, StepError, UnfitUpdateError, signing_keys.KeysError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0


def measure(image: Image, board: str) -> dict[str, object]:
    """The figures of an image; raises StepError."""
    keys, log = Keys(*signing_keys.find()), Log(FOLDER / "log")
    base = bundle(image, keys, FOLDER, log)
    architecture = load(board).soc.architecture
    downloads = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mokanda"
    packages = downloads / f"debs-{architecture}"
    changes: dict[str, Callable[[], str]] = {
        "py": LATER.edit_module,
        "library": partial(change_packages, LIBRARY, packages),
        "kernel": partial(change_packages, KERNEL, packages),
    }
    figures: dict[str, object] = {}
    peak = 0
    for number, (what, change) in enumerate(changes.items(), start=1):
        LATER.renew()
        try:
            told = change()
        except StepError as error:
            say(f"{what}: {error}")
            figures[f"{what}_bytes"] = None
            continue
        say(f"{what}: {told}")
        new = LATER.image(board, "debian", MOKANDA_VERSION=f"9.0.{number}-dev")
        bundle(new, keys, FOLDER, log)
        made = delta(new, base, FOLDER, log)
        figures[f"{what}_bytes"] = made.stat().st_size
        figures[what] = told
        peak = max(peak, memory(image.folder / "slot.img", made, log))
        say(f"{what}: {made.stat().st_size:,} bytes")
    figures["update_bytes"] = base.stat().st_size
    figures["apply_mb"] = round(peak / 1e6, 1)
    figures["applied_on"] = platform.machine()
    return figures


def memory(slot: Path, made: Path, log: Log) -> int:
    """The most that applying a delta takes, in bytes, with the image's libraries of the toolbox."""
    python = (TOOLBOX, "env", f"PYTHONPATH={PYTHON_PATH}", "python3", "-B")
    update = FOLDER / "update"
    told = log.run(*python, "-m", "tests.bench.applying", slot, made, update)
    update.unlink()
    return int(told)


if __name__ == "__main__":
    sys.exit(main())
